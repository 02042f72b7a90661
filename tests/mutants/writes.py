"""Guards of requests that write: idempotency, preconditions, uploads, the audit chain."""

from tests.mutants.mutant import Mutant

IDEMPOTENCY = "services/shared/idempotency.py"
ROUTES = "services/shared/routes.py"
CONDITIONAL = "services/shared/conditional.py"
UPLOADS = "services/shared/uploads.py"
UPLOAD_ROWS = "services/shared/upload_rows.py"
AUDIT_FILES = "services/shared/audit_files.py"
TEST_GUARDS = "tests/service/shared/test_guards.py::"
TEST_HTTP = "tests/service/shared/test_http.py::"
TEST_UPLOADS = "tests/service/shared/test_uploads.py::"
TEST_AUDIT = "tests/service/shared/test_audit.py::"

MUTANTS = (
    Mutant(
        "idempotency-lock",
        "of two requests with one key the second does not run",
        IDEMPOTENCY,
        "SELECT pg_try_advisory_xact_lock(:lock)",
        "SELECT :lock IS NOT NULL",
        (TEST_HTTP + "test_a_concurrent_request_with_the_same_key_is_409_at_once",),
    ),
    Mutant(
        "idempotency-body",
        "a key stands for one payload",
        IDEMPOTENCY,
        'if stored["request_hash"] != claim.request_hash:',
        'if not stored["request_hash"]:',
        (TEST_HTTP + "test_a_key_reused_for_another_payload_is_422",),
    ),
    Mutant(
        "idempotency-caller",
        "a key belongs to its caller",
        ROUTES,
        'caller=actor.id if actor else "anonymous",',
        'caller="anyone",',
        (TEST_HTTP + "test_a_key_belongs_to_its_caller",),
    ),
    Mutant(
        "idempotency-remember",
        "the answer is kept with its effect",
        ROUTES,
        "    if write.claim:\n        await idempotency.remember(",
        "    if write.claim and write.replayed:\n        await idempotency.remember(",
        (TEST_HTTP + "test_the_same_key_gives_the_same_answer_and_one_effect",),
    ),
    Mutant(
        "error-rolls-back",
        "an error answer leaves no rows",
        ROUTES,
        "        raise _Refused(response)",
        "        return response",
        (TEST_HTTP + "test_an_error_rolls_everything_back",),
    ),
    Mutant(
        "if-match",
        "who did not see the present version changes nothing",
        CONDITIONAL,
        'if if_match.strip() != "*" and etag(version) not in _tags(if_match):',
        "if not if_match:",
        (
            (
                "tests/service/programs/test_catalog.py::"
                "test_a_draft_is_changed_with_the_etag_that_was_read"
            ),
            (
                "tests/service/distribution/test_flow.py::"
                "test_a_cycle_changes_only_for_who_knows_its_version"
            ),
        ),
    ),
    Mutant(
        "if-match-missing",
        "a change without If-Match is refused",
        CONDITIONAL,
        "        raise Problem(PRECONDITION_REQUIRED)",
        "        return",
        (
            (
                "tests/service/distribution/test_flow.py::"
                "test_a_cycle_changes_only_for_who_knows_its_version"
            ),
        ),
    ),
    Mutant(
        "if-match-import",
        "a decision on an import needs its present version",
        "services/registry/api/imports.py",
        '    require_match(if_match, found["version"])\n',
        "",
        (
            (
                "tests/service/registry/test_imports.py::"
                "test_who_uploads_does_not_approve_and_a_decision_needs_the_present_version"
            ),
        ),
    ),
    Mutant(
        "upload-offset",
        "a piece goes on where the last one ended",
        UPLOADS,
        "if finished or offset != upload.received:",
        "if finished:",
        (TEST_UPLOADS + "test_a_wrong_offset_is_409_and_tells_the_right_one",),
    ),
    Mutant(
        "upload-finished",
        "a finished upload takes nothing more",
        UPLOADS,
        "if finished or offset != upload.received:",
        "if offset != upload.received:",
        (TEST_UPLOADS + "test_a_finished_upload_takes_nothing_more",),
    ),
    Mutant(
        "upload-two-senders",
        "of two senders at one offset one wins",
        UPLOAD_ROWS,
        ".where(UPLOADS.c.id == upload.id, UPLOADS.c.received == upload.received)",
        ".where(UPLOADS.c.id == upload.id)",
        (TEST_UPLOADS + "test_two_senders_at_one_offset_do_not_mix",),
    ),
    Mutant(
        "upload-size",
        "no file larger than its purpose allows",
        UPLOADS,
        "if body.size > purpose.size_max:",
        "if body.size < 0:",
        (TEST_UPLOADS + "test_what_may_not_be_sent_is_refused_when_announced",),
    ),
    Mutant(
        "upload-more-than-announced",
        "a body that says no length is counted",
        UPLOADS,
        "            if count > at_most:",
        "            if count < 0:",
        (TEST_UPLOADS + "test_more_than_announced_is_413_and_changes_nothing",),
    ),
    Mutant(
        "upload-owner",
        "only who announced an upload sends it",
        UPLOADS,
        "if upload is None or upload.owner != actor.id:",
        "if upload is None:",
        (TEST_UPLOADS + "test_only_the_owner_sends_and_readers_see_their_regions",),
    ),
    Mutant(
        "upload-agency",
        "what an agency sent is read by that agency only",
        UPLOADS,
        "    reads = reads and upload.agency in (None, actor.agency)\n",
        "",
        (TEST_UPLOADS + "test_what_an_agency_sent_is_read_by_that_agency_only",),
    ),
    Mutant(
        "upload-beginning",
        "a file is what it says",
        UPLOAD_ROWS,
        "    if not await _begins_rightly(store, upload):\n",
        "    if not upload.media_type:\n",
        (TEST_UPLOADS + "test_a_file_that_is_not_what_it_says_is_dropped",),
    ),
    Mutant(
        "audit-link",
        "each entry's hash holds the one before",
        "services/shared/audit.py",
        '"index": index, "previous": previous.hex()}',
        '"index": index, "previous": ""}',
        (TEST_GUARDS + "test_an_entry_rewritten_together_with_its_own_hash_is_found_out",),
    ),
    Mutant(
        "audit-entry-hash",
        "a changed entry is found",
        AUDIT_FILES,
        '    if found.hex() != line["hash"]:',
        '    if not line["hash"]:',
        (TEST_AUDIT + "test_who_changes_the_database_is_found_out",),
    ),
    Mutant(
        "audit-payload",
        "a changed payload is found",
        AUDIT_FILES,
        '        if hashlib.sha256(payload).hexdigest() != line["payload_hash"]:',
        "        if not payload:",
        (TEST_AUDIT + "test_who_changes_the_database_is_found_out",),
    ),
    Mutant(
        "audit-signature",
        "a root that our key did not sign is found",
        AUDIT_FILES,
        "    except InvalidSignature:\n"
        '        report.faults.append(f"root of {day} has a wrong signature")',
        "    except InvalidSignature:\n        pass",
        (TEST_AUDIT + "test_another_key_verifies_nothing",),
    ),
    Mutant(
        "audit-truncated",
        "a chain cut at its end is found",
        AUDIT_FILES,
        "    if last not in hashes:\n",
        "    if last in hashes and not hashes:\n",
        (TEST_AUDIT + "test_who_changes_the_database_is_found_out",),
    ),
    Mutant(
        "append-only-grants",
        "the program itself cannot rewrite history",
        "services/shared/migrations.py",
        'rights = "SELECT, INSERT" if name in append_only else',
        'rights = "SELECT, INSERT, UPDATE" if name in append_only else',
        ("tests/service/shared/test_db.py::test_the_app_role_cannot_change_append_only_tables",),
    ),
)
