"""Guards of people's data: scope, roles, sensitive programs."""

from tests.mutants.mutant import Mutant

SCOPE = "services/shared/scope.py"
FAMILIES = "services/registry/storage/families.py"
HISTORY = "services/registry/storage/family_history.py"
PERSONS = "services/registry/storage/persons.py"
ENROLMENTS = "services/programs/storage/enrolments.py"
SIGHT = "services/distribution/storage/sight.py"
FEED = "services/shared/feed.py"
TEST_SCOPE = "tests/unit/shared/test_scope.py::"
TEST_FAMILIES = "tests/service/registry/test_families.py::"
TEST_HISTORY = "tests/service/registry/test_family_history.py::"
TEST_PERSONS = "tests/service/registry/test_persons.py::"
TEST_GUARDS = "tests/service/registry/test_guards.py::"
TEST_PROGRAMS = "tests/unit/programs/test_programs.py::"
TEST_READS = (
    "tests/service/registry/test_scope.py::test_reads_show_what_the_tree_allows_and_nothing_else"
)
TEST_OFFICERS = (
    "tests/service/programs/test_enrolments.py::"
    "test_officers_see_and_decide_only_their_agencys_enrolments"
)
TEST_MATRIX = "tests/service/test_permission_matrix.py::test_each_role_may_use_exactly_its_routes"
TEST_SENSITIVE = "tests/service/programs/test_sensitive.py::"
TEST_HANDS = "tests/service/distribution/test_permissions.py::"
TEST_FIGURES = "tests/service/indicators/test_figures.py::"
TEST_FEED = "tests/service/shared/test_http.py::"
IN_SCOPE = "scope.clause(col(FamilyRow.region_code))"

MUTANTS = (
    Mutant(
        "segments",
        "62.02.1 is not inside of 62.02.10",
        SCOPE,
        'region == prefix or region.startswith(prefix + ".")',
        "region.startswith(prefix)",
        (TEST_SCOPE + "test_a_prefix_matches_whole_segments_only",),
    ),
    Mutant(
        "segments-sql",
        "the same in SQLAlchemy's condition",
        SCOPE,
        'column.startswith(prefix + ".", autoescape=True)',
        "column.startswith(prefix, autoescape=True)",
        (TEST_SCOPE + "test_the_sql_condition_and_the_patterns_agree_with_allows",),
    ),
    Mutant(
        "segments-like",
        "the same in plain SQL",
        SCOPE,
        'for pattern in (prefix, f"{prefix}.%")]',
        'for pattern in (prefix, f"{prefix}%")]',
        (TEST_SCOPE + "test_the_sql_condition_and_the_patterns_agree_with_allows",),
    ),
    Mutant(
        "scope-families",
        "a list of families ends at the caller's regions",
        FAMILIES,
        f"return select(*_SUMMARY).where({IN_SCOPE})",
        "return select(*_SUMMARY).where(col(FamilyRow.region_code).is_not(None))",
        (
            TEST_FAMILIES + "test_a_village_operator_lists_only_the_own_village",
            TEST_FAMILIES + "test_a_batch_answers_what_is_visible_and_leaves_out_the_rest",
        ),
    ),
    Mutant(
        "scope-family",
        "one family outside of the caller's regions does not exist",
        FAMILIES,
        "WHERE f.id = $1 AND f.region_code LIKE ANY($2)",
        "WHERE f.id = $1 AND $2::text[] IS NOT NULL",
        (TEST_FAMILIES + "test_a_family_outside_the_callers_regions_does_not_exist",),
    ),
    Mutant(
        "scope-family-change",
        "nobody corrects a family of another region",
        FAMILIES,
        f".where(col(FamilyRow.id) == family_id, {IN_SCOPE})",
        ".where(col(FamilyRow.id) == family_id)",
        (TEST_GUARDS + "test_a_family_of_another_region_cannot_be_corrected",),
    ),
    Mutant(
        "scope-family-then",
        "nor does its past",
        HISTORY,
        "WHERE f.id = $1 AND f.region_code LIKE ANY($2)",
        "WHERE f.id = $1 AND $2::text[] IS NOT NULL",
        (TEST_HISTORY + "test_who_may_not_see_the_family_today_learns_nothing_of_any_day",),
    ),
    Mutant(
        "scope-former-member",
        "a former member is described to whoever may see their present family",
        HISTORY,
        "SELECT home.region_code LIKE ANY($2)",
        "SELECT $2::text[] IS NOT NULL",
        (
            TEST_HISTORY
            + "test_a_former_member_who_lives_elsewhere_now_is_counted_and_not_described",
        ),
    ),
    Mutant(
        "age-then",
        "no question about the past tells a birth date",
        "services/registry/api/families.py",
        "body | moment._asdict(), today=clock.today()",
        "body | moment._asdict(), today=moment.as_of",
        (TEST_HISTORY + "test_numbers_stay_masked_and_no_day_tells_a_birth_date",),
    ),
    Mutant(
        "known-then",
        "what was entered later was not known before",
        HISTORY,
        "recorded_at <= $4 AND (superseded_at IS NULL OR superseded_at > $4)",
        "superseded_at IS NULL",
        (TEST_HISTORY + "test_a_corrected_address_holds_from_its_day_and_since_it_was_known",),
    ),
    Mutant(
        "scope-person",
        "one person outside of the caller's regions does not exist",
        PERSONS,
        "WHERE p.id = $1 AND f.region_code LIKE ANY($2)",
        "WHERE p.id = $1 AND $2::text[] IS NOT NULL",
        (TEST_READS,),
    ),
    Mutant(
        "scope-persons",
        "a search finds persons of the caller's regions",
        PERSONS,
        f"        col(PersonRow.id).in_(ids), {IN_SCOPE}\n",
        "        col(PersonRow.id).in_(ids)\n",
        (TEST_READS,),
    ),
    Mutant(
        "scope-reveal",
        "nobody reveals a number of another region",
        PERSONS,
        f"        col(PersonRow.id) == person_id, {IN_SCOPE}\n",
        "        col(PersonRow.id) == person_id\n",
        (TEST_PERSONS + "test_only_some_may_reveal_and_only_in_their_regions",),
    ),
    Mutant(
        "scope-imports",
        "imports of other villages do not exist",
        "services/registry/storage/imports.py",
        "stmt = select(*columns).where(scope.clause(col(ImportRow.region_code)))",
        "stmt = select(*columns)",
        (
            (
                "tests/service/registry/test_imports.py::"
                "test_an_operator_sees_and_uploads_only_for_their_own_village"
            ),
        ),
    ),
    Mutant(
        "scope-enrolments",
        "enrolments of other regions do not exist",
        ENROLMENTS,
        "seen = and_(visible(self.agency), self.scope.clause(col(EnrolmentRow.region_code)))",
        "seen = and_(visible(self.agency))",
        (
            (
                "tests/service/programs/test_guards.py::"
                "test_enrolments_of_another_region_are_neither_listed_nor_read"
            ),
        ),
    ),
    Mutant(
        "agency-enrolments",
        "an officer sees the own agency's enrolments only",
        ENROLMENTS,
        "        if not self.own_only:\n            return seen\n",
        "        if not self.own_only or self.agency:\n            return seen\n",
        (TEST_OFFICERS,),
    ),
    Mutant(
        "scope-overlaps",
        "overlaps are those of the caller's regions",
        ENROLMENTS,
        "            sight.scope.clause(col(first.region_code)),\n",
        "",
        (
            (
                "tests/service/programs/test_guards.py::"
                "test_overlaps_of_another_region_are_not_listed"
            ),
        ),
    ),
    Mutant(
        "scope-candidates",
        "whom a rule finds is counted in the caller's regions",
        "services/programs/storage/candidates.py",
        "search.scope.clause(FAMILIES.c.region_code), condition)",
        "condition)",
        (
            (
                "tests/service/programs/test_guards.py::"
                "test_a_preview_counts_and_samples_the_callers_regions_only"
            ),
        ),
    ),
    Mutant(
        "scope-handover",
        "rows of distribution end at the caller's regions",
        SIGHT,
        "return and_(self.of_program(), open_to_caller, self.scope.clause(table.c.region_code))",
        "return and_(self.of_program(), open_to_caller)",
        (
            TEST_HANDS + "test_an_officer_hands_over_only_in_the_own_regions",
            (
                "tests/service/distribution/test_flow.py::"
                "test_recipients_of_a_session_are_those_of_its_region"
            ),
        ),
    ),
    Mutant(
        "agency-handover",
        "an agency's officer serves no other agency",
        SIGHT,
        "return own if self.own_only else or_(",
        "return or_(own, programs.c.sensitive.is_(False)) if self.own_only else or_(",
        (
            TEST_HANDS + "test_an_officer_plans_only_for_the_own_agency",
            TEST_HANDS + "test_an_agencys_handover_officer_serves_no_other_agency",
        ),
    ),
    Mutant(
        "scope-unreached",
        "the list of unreached families ends at the caller's village",
        "services/indicators/storage/unreached.py",
        "        col(FamilyRow.region_code).like(places.any_()),\n",
        "        places.is_not(None),\n",
        (TEST_FIGURES + "test_the_list_of_unreached_is_paged_and_bound_to_the_caller_s_village",),
    ),
    Mutant(
        "scope-feed",
        "the feed tells of the caller's regions",
        FEED,
        "or_(outbox.region_code.is_(None), actor.scope.clause(outbox.region_code)),",
        "",
        (TEST_FEED + "test_the_feed_shows_published_events_of_the_callers_regions_only",),
    ),
    Mutant(
        "feed-sensitive",
        "the feed tells of a sensitive program to its owner only",
        FEED,
        "                outbox.sensitive.is_(False),\n",
        "                outbox.sensitive.is_not(None),\n",
        (
            (
                "tests/service/programs/test_sensitive.py::"
                "test_the_feed_tells_its_enrolments_to_its_owner_only"
            ),
            (
                "tests/service/distribution/test_feed_and_rebuild.py::"
                "test_the_feed_tells_the_own_regions_and_nothing_sensitive"
            ),
        ),
    ),
    Mutant(
        "role-check",
        "a route answers those with one of its roles",
        "services/shared/auth.py",
        "        if not actor.has(*self.roles):",
        "        if not actor.roles:",
        ("tests/unit/shared/test_auth.py::test_another_role_is_403", TEST_MATRIX),
    ),
    Mutant(
        "permission-entry",
        "an auditor reveals no number",
        "services/registry/api/callers.py",
        "REVEALERS = (Role.OPERATOR_DESA, *DINSOS, Role.DISDUKCAPIL)",
        "REVEALERS = (Role.OPERATOR_DESA, *DINSOS, Role.DISDUKCAPIL, Role.AUDITOR)",
        (TEST_MATRIX,),
    ),
    Mutant(
        "sensitive-catalog",
        "nobody but its owner learns that a sensitive program exists",
        "services/programs/storage/programs.py",
        "    return or_(col(ProgramRow.sensitive).is_(False), owned)",
        "    return or_(col(ProgramRow.program_id).is_not(None), owned)",
        (TEST_SENSITIVE + "test_no_list_or_count_holds_it_for_an_outsider",),
    ),
    Mutant(
        "sensitive-single",
        "the same by its id",
        "services/programs/domain/programs.py",
        "    return not holding.sensitive or agency == holding.owner_code",
        "    return bool(holding.owner_code)",
        (
            TEST_PROGRAMS + "test_a_sensitive_program_is_seen_by_its_owner_only",
            TEST_SENSITIVE + "test_no_endpoint_tells_an_outsider_that_it_exists",
        ),
    ),
    Mutant(
        "sensitive-handover",
        "the same in distribution",
        SIGHT,
        "own if self.own_only else or_(programs.c.sensitive.is_(False), own)",
        "own if self.own_only else or_(programs.c.sensitive.is_not(None), own)",
        (TEST_HANDS + "test_a_sensitive_program_does_not_exist_for_anybody_but_its_owner",),
    ),
    Mutant(
        "sensitive-figures",
        "the same in indicators",
        "services/indicators/storage/programs.py",
        "WHERE program_id = $1 AND (NOT sensitive OR owner_code = $2)",
        "WHERE program_id = $1 AND ($2::text IS NULL OR true)",
        (TEST_FIGURES + "test_a_sensitive_program_exists_for_its_owner_only",),
    ),
)
