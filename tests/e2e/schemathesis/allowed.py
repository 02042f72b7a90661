"""What Schemathesis' checks allow here beside their defaults, each with its reason.

A generator knows the form of a request, not the state that it meets. An entry names the check, the
statuses, and where: the operations by id, or those that take a parameter; both empty for all.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Allowed:
    """``statuses`` beside the defaults of ``check``; none switches the check off there."""

    check: str
    statuses: tuple[int, ...]
    reason: str
    operations: tuple[str, ...] = ()
    parameter: str = ""

    def covers(self, operation_id: str, parameters: set[str]) -> bool:
        """Say whether this speaks of an operation."""
        if self.parameter:
            return self.parameter in parameters
        return not self.operations or operation_id in self.operations


POSITIVE = "positive_data_acceptance"
NEGATIVE = "negative_data_rejection"
MISSING = "missing_required_header"

ALLOWED = (
    Allowed(POSITIVE, (412,), "an ETag must be the one that was read", parameter="If-Match"),
    Allowed(NEGATIVE, (412,), "the version is compared before the rest", parameter="If-Match"),
    Allowed(NEGATIVE, (413, 414), "an address or body over its limit is refused unread"),
    Allowed(MISSING, (428,), "RFC 6585: a change without its condition", parameter="If-Match"),
    Allowed(POSITIVE, (400,), "a cursor is signed; only we make one", parameter="cursor"),
    Allowed(POSITIVE, (400,), "a position is one that a write gave", parameter="min_position"),
    Allowed(POSITIVE, (422,), "nothing is known of a day that has not come", parameter="as_of"),
    Allowed(
        POSITIVE,
        (422,),
        "a NIK or KK number has 16 digits with a possible date, however it is written",
        operations=("registry_families_search", "registry_persons_search"),
    ),
    Allowed(
        POSITIVE,
        (422,),
        "the upload must exist, be finished, and be the caller's",
        operations=("registry_imports_start_import",),
    ),
    Allowed(
        POSITIVE,
        (413, 415, 422),
        "which purposes, types and sizes a caller may send depends on roles",
        operations=("registry_uploads_announce_upload", "distribution_uploads_announce_upload"),
    ),
    Allowed(
        POSITIVE,
        (422,),
        "years, benefit and SIPD code must fit each other",
        operations=("programs_programs_create", "programs_programs_edit"),
    ),
    Allowed(
        POSITIVE,
        (422,),
        "the tree is a language of its own, read by its own rules",
        operations=("programs_rules_save", "programs_rules_preview_one"),
    ),
    Allowed(
        POSITIVE,
        (422,),
        "the last day may not come before the first",
        operations=(
            "programs_rules_save_stacking",
            "programs_enrolments_propose",
            "programs_enrolments_propose_batch",
            "distribution_cycles_open_cycle",
            "distribution_cycles_change_cycle",
        ),
    ),
    Allowed(
        POSITIVE,
        (422,),
        "what was done lies not in the future",
        operations=(
            "distribution_deliveries_deliver",
            "distribution_deliveries_deliver_batch",
            "distribution_deliveries_give_back",
            "distribution_ledger_record_order",
        ),
    ),
    Allowed(
        POSITIVE,
        (422,),
        "a change of a recorded figure needs a reason, and a year stands once",
        operations=("indicators_sources_expect_source", "indicators_targets_record_targets"),
    ),
    Allowed(
        POSITIVE,
        (422,),
        "the columns of a CSV file are checked row by row",
        operations=("indicators_official_statistics_import_official_statistics",),
    ),
)
