"""Guards of delivery: outbox, relay, inbox, what agencies and services may say."""

from tests.mutants.mutant import Mutant

DB = "services/shared/db.py"
OUTBOX = "services/shared/outbox.py"
PUBLISHING = "services/shared/publishing.py"
INBOX = "services/shared/inbox.py"
INBOX_TABLE = "services/shared/inbox_table.py"
SETTLING = "services/shared/settling.py"
PARKING = "services/shared/parking.py"
PERMISSIONS = "deploy/nats/permissions.py"
TEST_GUARDS = "tests/service/shared/test_guards.py::"
TEST_DB = "tests/service/shared/test_db.py::"
TEST_RELAY = "tests/service/shared/test_relay.py::"
TEST_INBOX = "tests/service/shared/test_inbox.py::"
TEST_AGENCIES = "tests/architecture/test_agencies_on_nats.py::"
TEST_SERVICES = "tests/architecture/test_services_on_nats.py::"

MUTANTS = (
    Mutant(
        "rows-before-events",
        "rows, events and audit entries are one commit",
        DB,
        "            await tx.flush()\n            await session.commit()",
        "            await session.commit()\n            await tx.flush()\n"
        "            await session.commit()",
        (TEST_GUARDS + "test_what_cannot_be_told_or_audited_takes_its_rows_with_it",),
    ),
    Mutant(
        "commit-what-failed",
        "an exception rolls everything back",
        DB,
        "            yield tx\n            await tx.flush()\n            await session.commit()",
        "            try:\n                yield tx\n            finally:\n"
        "                await tx.flush()\n                await session.commit()",
        (TEST_DB + "test_a_raising_transaction_leaves_nothing",),
    ),
    Mutant(
        "copy-before-begin",
        "a COPY as first statement is inside the transaction",
        DB,
        '        if not self._open:\n            await self.execute(text("SELECT 1"))\n',
        "",
        (TEST_DB + "test_a_copy_as_first_statement_is_rolled_back_with_the_rest",),
    ),
    Mutant(
        "epoch-lock",
        "an emitter under way holds off a raised epoch",
        "services/shared/outgoing.py",
        "SELECT pg_advisory_xact_lock_shared($1)",
        "SELECT $1::bigint",
        (TEST_RELAY + "test_an_emitter_under_way_ends_before_the_republishing_reads",),
    ),
    Mutant(
        "mark-unacknowledged",
        "only what NATS acknowledged is marked as published",
        PUBLISHING,
        "            faults.append(answer)\n",
        "            faults.append(answer)\n            arrived[each.place] = 0\n",
        (TEST_GUARDS + "test_what_nats_did_not_take_stays_unpublished",),
    ),
    Mutant(
        "supersede",
        "an older state never leaves once a newer one is known",
        OUTBOX,
        "o.kind = 'state' AND EXISTS (",
        "o.kind = 'never' AND EXISTS (",
        (
            TEST_RELAY + "test_only_the_highest_version_of_a_state_is_published",
            TEST_RELAY + "test_an_older_version_that_commits_late_is_never_published",
        ),
    ),
    Mutant(
        "lanes",
        "what a person waits for goes before an import",
        OUTBOX,
        "for lane in (Lane.INTERACTIVE, Lane.BULK):",
        "for lane in (Lane.BULK, Lane.INTERACTIVE):",
        (TEST_RELAY + "test_what_a_person_waits_for_goes_before_an_import",),
    ),
    Mutant(
        "one-relay",
        "one relay per service",
        OUTBOX,
        '        async with try_lock(self._db, "relay") as lock:\n            if lock is None:\n'
        "                return 0",
        '        async with try_lock(self._db, f"relay {id(self)}") as lock:\n'
        "            if lock is None:\n                return 0",
        (TEST_RELAY + "test_a_second_relay_publishes_nothing_while_the_first_holds_the_lock",),
    ),
    Mutant(
        "fresh-message-id",
        "what is told again is no duplicate of what was told before",
        PUBLISHING,
        "f\"{event_id}.{row['epoch']}\"",
        "f\"{row['aggregateid']}.{row['version']}\"",
        (TEST_RELAY + "test_a_state_told_again_is_no_duplicate_of_its_first_telling",),
    ),
    Mutant(
        "lost-stream",
        "a stream that lost messages is filled again",
        OUTBOX,
        'and (state.created != mark["created"] or state.last_sequence < mark["last_sequence"])',
        "and state.last_sequence < 0",
        (
            TEST_RELAY + "test_a_deleted_stream_is_made_again_and_filled_from_the_tables",
            TEST_RELAY + "test_a_stream_emptied_behind_our_back_is_filled_again",
        ),
    ),
    Mutant(
        "inbox-key",
        "a fact has its effect once",
        INBOX_TABLE,
        "fresh = [item for key, item in first.items() if key in inserted]",
        "fresh = list(first.values())",
        (TEST_INBOX + "test_a_repeated_fact_has_its_effect_once",),
    ),
    Mutant(
        "id-reused",
        "one id with two contents is noticed",
        INBOX_TABLE,
        "if known.get(_key(i)) != i.payload_hash]",
        "if not i.payload_hash]",
        (TEST_INBOX + "test_a_reused_id_with_another_content_is_parked",),
    ),
    Mutant(
        "newest-of-a-batch",
        "of several states in a batch the newest counts",
        PARKING,
        "if other is None or (event.epoch, event.version) >= (other.epoch, other.version):",
        "if other is None:",
        (TEST_GUARDS + "test_of_one_things_states_in_a_batch_the_highest_reaches_the_handler",),
    ),
    Mutant(
        "ack-before-commit",
        "acknowledged after the commit",
        INBOX,
        "        faults = await self._settler.settle(subscription, generation, items)\n"
        "        for item, fault in faults:",
        "        for message in messages:\n            await message.ack()\n"
        "        faults = await self._settler.settle(subscription, generation, items)\n"
        "        for item, fault in faults:",
        (TEST_GUARDS + "test_a_consumer_killed_before_its_commit_has_acknowledged_nothing",),
    ),
    Mutant(
        "bisect",
        "a poison event does not take its batch with it",
        SETTLING,
        "                if len(items) == 1:\n                    fault = parking.fault_of(error)",
        "                if len(items) >= 1:\n                    fault = parking.fault_of(error)",
        (TEST_INBOX + "test_a_poison_event_alone_is_parked_and_can_be_replayed",),
    ),
    Mutant(
        "park",
        "what cannot be applied is kept with its reason",
        SETTLING,
        "        for item, fault in faults:\n            await parking.park(",
        "        for item, fault in faults[:0]:\n            await parking.park(",
        (TEST_INBOX + "test_unreadable_messages_are_parked_and_the_stream_goes_on",),
    ),
    Mutant(
        "wait-out",
        "a passing fault is waited out and parks nothing",
        SETTLING,
        "                if is_passing(error):\n",
        "                if not items and is_passing(error):\n",
        (TEST_INBOX + "test_a_passing_fault_is_waited_out_and_parks_nothing",),
    ),
    Mutant(
        "generation",
        "a batch of the older generation cannot commit after a rebuild",
        SETTLING,
        "        if present != generation:\n            raise OldGeneration\n        faults",
        "        faults",
        (TEST_GUARDS + "test_a_batch_read_before_a_rebuild_is_not_applied_after_it",),
    ),
    Mutant(
        "source-is-subject",
        "an agency cannot speak for another",
        PARKING,
        '    if envelope.source != f"{SKPD}/{agency}":',
        "    if not envelope.source:",
        (
            (
                "tests/service/shared/test_inbox_agencies.py::"
                "test_an_agency_cannot_speak_for_another_and_is_told_so"
            ),
        ),
    ),
    Mutant(
        "agency-publishes",
        "an agency publishes its own reports and nothing else",
        PERMISSIONS,
        'publish=("events.>",),',
        'publish=(">",),',
        (TEST_AGENCIES + "test_an_agency_may_not_publish",),
    ),
    Mutant(
        "agency-listens",
        "an agency hears its own notices only",
        PERMISSIONS,
        'f"notify.{token}.>")\n',
        '">")\n',
        (TEST_AGENCIES + "test_an_agency_may_not_listen_to",),
    ),
    Mutant(
        "agency-import",
        "the server itself names the agency in the subject",
        "deploy/nats/authority.py",
        'told, heard = f"skpd.{agency.token}.>", f"notify.{agency.token}.>"',
        'told, heard = "skpd.>", f"notify.{agency.token}.>"',
        (TEST_AGENCIES + "test_the_same_message_id_of_two_agencies_is_stored_twice",),
    ),
    Mutant(
        "service-voice",
        "a service publishes under its own name only",
        PERMISSIONS,
        'publish = [f"{service}.>", ',
        'publish = ["*.>", ',
        (TEST_SERVICES + "test_a_service_speaks_with_its_own_voice_only",),
    ),
    Mutant(
        "identities-read",
        "indicators never reads identities",
        PERMISSIONS,
        'listens=("REGISTRY_STATE", "PROGRAMS_STATE", "DISTRIBUTION_STATE", "DISTRIBUTION_FACT"),',
        'listens=("REGISTRY_STATE", "REGISTRY_IDENTITY", "DISTRIBUTION_FACT"),',
        (TEST_SERVICES + "test_only_the_services_that_handle_identities_read_them",),
    ),
)
