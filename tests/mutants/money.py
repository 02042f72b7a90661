"""Guards of money and decisions: ledger, entitlements, quota, ceiling, four eyes."""

from tests.mutants.mutant import Mutant

LEDGER = "services/distribution/domain/ledger.py"
ENTITLEMENTS = "services/distribution/domain/entitlements.py"
DELIVERIES = "services/distribution/actions/deliveries.py"
MIGRATION = "services/distribution/migrations/versions/20261123_first_tables.py"
PROGRAMS = "services/programs/domain/programs.py"
ENROLMENTS = "services/programs/domain/enrolments.py"
TEST_LEDGER = "tests/unit/distribution/test_ledger.py::"
TEST_GUARDS = "tests/service/distribution/test_ledger_guards.py::"
TEST_FLOW = "tests/service/distribution/test_flow.py::"
TEST_PROGRAMS = "tests/unit/programs/test_programs.py::"
TEST_ENROLMENTS = "tests/unit/programs/test_enrolments.py::"

MUTANTS = (
    Mutant(
        "ledger-budget",
        "nothing is reserved beyond the ceiling",
        LEDGER,
        "    if ceiling_known:\n        raise CeilingExceeded(",
        "    if ceiling_known and available < 0:\n        raise CeilingExceeded(",
        (TEST_FLOW + "test_a_known_ceiling_refuses_the_whole_generation_with_both_numbers",),
    ),
    Mutant(
        "ledger-agrees",
        "the database refuses an entry that its entitlement does not bear",
        MIGRATION,
        "    IF book.open_units IS DISTINCT FROM right_.open_units\n"
        "       OR book.held_units IS DISTINCT FROM right_.delivered_quantity\n"
        "       OR book.open_idr IS DISTINCT FROM right_.open_units * right_.unit_value_idr THEN",
        "    IF book.open_units < 0 AND right_.open_units < 0 THEN",
        (TEST_GUARDS + "test_ledger_and_entitlement_cannot_part",),
    ),
    Mutant(
        "ledger-appended",
        "not even the owner of the tables rewrites the ledger",
        MIGRATION,
        'BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger_entries"',
        'BEFORE TRUNCATE ON ledger_entries"',
        (TEST_GUARDS + "test_the_owner_cannot_rewrite_the_ledger_either",),
    ),
    Mutant(
        "ledger-accounts",
        "balances change by entries only",
        MIGRATION,
        'BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE"',
        'BEFORE TRUNCATE"',
        (TEST_GUARDS + "test_the_owner_cannot_rewrite_the_ledger_either",),
    ),
    Mutant(
        "one-entitlement",
        "one enrolment has one entitlement in a cycle",
        "services/distribution/storage/entitlements.py",
        "\n  AND NOT EXISTS (SELECT FROM entitlements AS e WHERE e.cycle_id = $5"
        " AND e.enrolment_id = n.id)",
        "\n  AND $5::uuid IS NOT NULL",
        (TEST_FLOW + "test_generating_again_adds_only_who_is_new",),
    ),
    Mutant(
        "one-entitlement-constraint",
        "the database refuses a second one",
        MIGRATION,
        "    sa.UniqueConstraint('cycle_id', 'enrolment_id',"
        " name=op.f('entitlements_cycle_id_enrolment_id_key'))\n",
        "",
        (
            (
                "tests/service/distribution/test_migrations.py::"
                "test_migrating_an_empty_database_gives_exactly_the_tables_of_the_code"
            ),
        ),
    ),
    Mutant(
        "over-delivery",
        "nobody gets more than what is left",
        ENTITLEMENTS,
        "    if not 0 < quantity <= entitlement.remaining:",
        "    if quantity <= 0:",
        (TEST_FLOW + "test_more_than_what_is_left_is_refused_with_the_rest",),
    ),
    Mutant(
        "over-return",
        "no more comes back than was handed over",
        ENTITLEMENTS,
        "    if not 0 < quantity <= returnable:",
        "    if quantity <= 0:",
        (
            (
                "tests/unit/distribution/test_entitlements.py::"
                "test_no_more_comes_back_than_that_delivery_handed_over"
            ),
        ),
    ),
    Mutant(
        "handover-lock",
        "of two officers at once each sees what the other handed over",
        DELIVERIES,
        "    found = await entitlements.load(\n"
        "        tx, caller.sight, sorted({one.entitlement_id for one in handovers}), lock=True\n",
        "    found = await entitlements.load(\n"
        "        tx, caller.sight, sorted({one.entitlement_id for one in handovers}), lock=False\n",
        (TEST_GUARDS + "test_twenty_officers_at_once_hand_over_exactly_what_is_entitled",),
    ),
    Mutant(
        "handover-blocked",
        "nothing is handed over for somebody who died",
        ENTITLEMENTS,
        "    if blocked_by:\n",
        "    if blocked_by and entitlement.void:\n",
        (
            (
                "tests/service/distribution/test_standing.py::"
                "test_nothing_is_handed_over_for_somebody_who_died"
            ),
        ),
    ),
    Mutant(
        "handover-twice",
        "the same delivery sent twice is one",
        DELIVERIES,
        "        if handover.id in self.used:\n",
        "        if handover.id in self.now_there:\n",
        (TEST_FLOW + "test_the_same_delivery_sent_twice_is_one",),
    ),
    Mutant(
        "handover-photo",
        "goods need a photo that is really there",
        "services/distribution/domain/deliveries.py",
        '    if benefit_kind == "goods" and not has_proof:',
        "    if not benefit_kind:",
        (
            (
                "tests/service/distribution/test_proof_and_republish.py::"
                "test_goods_need_a_photo_that_is_really_there"
            ),
        ),
    ),
    Mutant(
        "agency-report",
        "an agency reports handovers of its own programs",
        DELIVERIES,
        '        own = row is not None and row["owner_code"].lower() == report.agency',
        "        own = row is not None",
        (
            (
                "tests/service/distribution/test_agency_reports.py::"
                "test_a_report_that_cannot_be_is_parked_and_the_others_are_taken"
            ),
            (
                "tests/service/distribution/test_agency_reports.py::"
                "test_an_agency_learns_nothing_of_anothers_sensitive_program"
            ),
        ),
    ),
    Mutant(
        "quota",
        "nobody is granted beyond the quota",
        ENROLMENTS,
        "    if budget.quota is not None and total > budget.quota:",
        "    if budget.quota is not None and total < 0:",
        (
            TEST_ENROLMENTS + "test_a_quota_is_reached_but_not_passed",
            (
                "tests/service/programs/test_enrolments.py::"
                "test_the_quota_is_kept_with_numbers_also_by_approvals_at_once"
            ),
        ),
    ),
    Mutant(
        "quota-lock",
        "also by approvals at once",
        "services/programs/actions/grants.py",
        "        program_id: await visible_program(tx, actor, program_id, lock=True)\n",
        "        program_id: await visible_program(tx, actor, program_id)\n",
        (
            (
                "tests/service/programs/test_enrolments.py::"
                "test_the_quota_is_kept_with_numbers_also_by_approvals_at_once"
            ),
        ),
    ),
    Mutant(
        "ceiling",
        "nothing is granted that cannot be paid",
        ENROLMENTS,
        "and cost and total * cost > budget.aid_ceiling_idr:",
        "and cost and total < 0:",
        (TEST_ENROLMENTS + "test_a_ceiling_is_committed_to_the_last_rupiah_but_not_beyond",),
    ),
    Mutant(
        "stacking",
        "programs that exclude each other do not meet in one family",
        ENROLMENTS,
        "        excluded = excluded or not rule.warn_only",
        "        excluded = excluded and not rule.warn_only",
        (
            TEST_ENROLMENTS + "test_an_excluding_program_in_force_is_named",
            (
                "tests/service/programs/test_overlaps.py::"
                "test_programs_that_exclude_each_other_do_not_meet_in_one_family"
            ),
        ),
    ),
    Mutant(
        "stacking-lock",
        "also by approvals at once",
        "services/programs/actions/grants.py",
        "    await lock_families(tx, {enrolment.family_id for enrolment in seen.values()})\n",
        "",
        (
            (
                "tests/service/programs/test_overlaps.py::"
                "test_approvals_at_once_of_excluding_programs_grant_one"
            ),
        ),
    ),
    Mutant(
        "override",
        "who is not eligible is granted with a reason only",
        ENROLMENTS,
        "    if (not eligible or status is EnrolmentStatus.REFUSED) and not override_reason:",
        "    if status is EnrolmentStatus.REFUSED and not override_reason:",
        (
            (
                "tests/service/programs/test_enrolments.py::"
                "test_who_is_not_eligible_is_granted_only_with_a_reason_by_another_person"
            ),
        ),
    ),
    Mutant(
        "four-eyes-program",
        "who proposed a program does not approve it",
        PROGRAMS,
        "    if action in BY_ANOTHER_PERSON and caller.subject == holding.proposed_by:",
        "    if action in BY_ANOTHER_PERSON and not caller.subject:",
        (
            TEST_PROGRAMS + "test_who_proposed_does_not_approve_even_as_admin",
            (
                "tests/service/programs/test_catalog.py::"
                "test_a_program_goes_through_its_life_with_four_eyes"
            ),
        ),
    ),
    Mutant(
        "four-eyes-enrolment",
        "who proposed an enrolment does not decide it",
        ENROLMENTS,
        "    if action in DECISIONS and caller.subject == proposed_by:",
        "    if action in DECISIONS and not caller.subject:",
        (
            TEST_ENROLMENTS + "test_the_proposer_neither_approves_nor_refuses",
            (
                "tests/service/programs/test_enrolments.py::"
                "test_a_proposal_carries_its_reasons_and_is_granted_by_another_person"
            ),
        ),
    ),
    Mutant(
        "agency-decides",
        "an officer of another agency decides nothing",
        ENROLMENTS,
        "    if not (caller.is_reviewer or acts_for(holding, caller)):",
        "    if not (caller.is_reviewer or caller.is_officer):",
        (TEST_ENROLMENTS + "test_an_officer_of_another_agency_decides_nothing",),
    ),
)
