"""Guards of imports: who decides, what changed meanwhile, one worker at a time."""

from tests.mutants.mutant import Mutant

TEST_IMPORTS = "tests/service/registry/test_imports.py::"
TEST_GUARDS = "tests/service/registry/test_guards.py::"
TEST_STATES = "tests/unit/registry/test_import_states.py::"
TEST_WORK = "tests/service/registry/test_import_work.py::"

MUTANTS = (
    Mutant(
        "import-four-eyes",
        "who uploads does not approve",
        "services/registry/domain/imports.py",
        "    if is_own_upload(decider, uploaded_by):\n        return False\n",
        "",
        (
            TEST_STATES + "test_who_uploaded_may_only_cancel_whatever_roles_they_hold",
            TEST_IMPORTS
            + "test_who_uploads_does_not_approve_and_a_decision_needs_the_present_version",
        ),
    ),
    Mutant(
        "import-asks-who-decides",
        "the decision is asked for at the door, not shown on a button only",
        "services/registry/actions/imports.py",
        '    if not may_decide(action, import_format, who, found["uploaded_by"]):',
        "    if not who.roles:",
        (
            TEST_IMPORTS
            + "test_who_uploads_does_not_approve_and_a_decision_needs_the_present_version",
        ),
    ),
    Mutant(
        "import-state",
        "what is decided stays decided",
        "services/registry/actions/imports.py",
        '    if not state_allows(ImportState(found["state"]), action):',
        '    if not found["state"]:',
        (TEST_GUARDS + "test_what_is_decided_stays_decided",),
    ),
    Mutant(
        "import-foreign-upload",
        "nobody imports another one's file",
        "services/registry/actions/imports.py",
        "upload.finished_at is None or upload.owner != actor.id:",
        "upload.finished_at is None:",
        (TEST_GUARDS + "test_nobody_imports_the_file_that_another_person_sent",),
    ),
    Mutant(
        "import-region",
        "nobody imports into another region",
        "services/registry/actions/imports.py",
        "    actor.scope.require(command.region_code)\n",
        "",
        (TEST_IMPORTS + "test_an_operator_sees_and_uploads_only_for_their_own_village",),
    ),
    Mutant(
        "import-changed-since-review",
        "what changed since the review is left out",
        "services/registry/actions/imports_stages.py",
        "if reviews[row.row_number].fingerprint != row.fingerprint",
        "if row.fingerprint is None",
        (TEST_IMPORTS + "test_a_row_that_changed_since_the_review_is_left_out_and_reported",),
    ),
    Mutant(
        "import-same-file-twice",
        "the same bytes speak of the same day, however late they come again",
        "services/registry/actions/imports.py",
        "command.observed_on or seen or clock.today()",
        "command.observed_on or clock.today()",
        (TEST_GUARDS + "test_the_same_file_on_a_later_day_speaks_of_its_first_day",),
    ),
    Mutant(
        "import-one-worker",
        "a worker that lost its import writes nothing more",
        "services/registry/storage/imports.py",
        "            col(ImportRow.worker) == job.worker,\n",
        "",
        (TEST_GUARDS + "test_a_worker_that_lost_its_import_moves_it_no_more",),
    ),
    Mutant(
        "import-cancelled",
        "a cancelled list is never merged",
        "services/registry/storage/imports.py",
        "            col(ImportRow.state) == job.state,\n",
        "",
        (
            TEST_WORK + "test_a_list_cancelled_while_it_is_read_stops_and_is_never_merged",
            TEST_GUARDS + "test_a_worker_that_lost_its_import_moves_it_no_more",
        ),
    ),
    Mutant(
        "import-sealed",
        "staged rows are not readable",
        "services/registry/actions/imports_staging.py",
        "self.sealer.seal_column(contents, import_rows.SEAL_CONTEXT)",
        "[one.encode() if one else None for one in contents]",
        (
            TEST_IMPORTS
            + "test_nothing_personal_is_readable_in_staging_and_it_is_forgotten_in_time",
        ),
    ),
)
