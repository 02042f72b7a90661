"""The life of an import: its states, who may do what, and what remains to be done.

received → parsed → validated → reviewed → merged; refused and cancelled by people, failed by the
file. ``reviewed`` means approved by another person and waiting for the worker to merge.
"""

from dataclasses import dataclass
from enum import StrEnum


class ImportFormat(StrEnum):
    OPENSID_RESIDENTS = "opensid_residents"
    DTSEN_EXTRACT = "dtsen_extract"


class ImportState(StrEnum):
    RECEIVED = "received"
    PARSED = "parsed"
    VALIDATED = "validated"
    REVIEWED = "reviewed"
    MERGED = "merged"
    REFUSED = "refused"
    CANCELLED = "cancelled"
    FAILED = "failed"


class Verdict(StrEnum):
    """PENDING: well-formed, not compared with the registry yet."""

    PENDING = "pending"
    NEW = "new"
    CHANGED = "changed"
    UNCHANGED = "unchanged"
    REJECTED = "rejected"


class ImportAction(StrEnum):
    APPROVE = "approve"
    REFUSE = "refuse"
    CANCEL = "cancel"


TERMINAL = frozenset(
    {ImportState.MERGED, ImportState.REFUSED, ImportState.CANCELLED, ImportState.FAILED}
)
STAGES = (
    ImportState.RECEIVED,
    ImportState.PARSED,
    ImportState.VALIDATED,
    ImportState.REVIEWED,
)
"""On the way; every other state is an end."""
WORKABLE = (ImportState.RECEIVED, ImportState.PARSED, ImportState.REVIEWED)
"""States in which the worker, not a person, has the next step."""

_ACTIONS: dict[ImportAction, frozenset[ImportState]] = {
    ImportAction.APPROVE: frozenset({ImportState.VALIDATED}),
    ImportAction.REFUSE: frozenset({ImportState.VALIDATED}),
    ImportAction.CANCEL: frozenset(
        {ImportState.RECEIVED, ImportState.PARSED, ImportState.VALIDATED}
    ),
}
RESULT: dict[ImportAction, ImportState] = {
    ImportAction.APPROVE: ImportState.REVIEWED,
    ImportAction.REFUSE: ImportState.REFUSED,
    ImportAction.CANCEL: ImportState.CANCELLED,
}

UPLOADERS: dict[ImportFormat, frozenset[str]] = {
    ImportFormat.OPENSID_RESIDENTS: frozenset(
        {"operator_desa", "verifikator_dinsos", "admin_dinsos"}
    ),
    ImportFormat.DTSEN_EXTRACT: frozenset({"admin_dinsos"}),
}
APPROVERS: dict[ImportFormat, frozenset[str]] = {
    ImportFormat.OPENSID_RESIDENTS: frozenset({"kades", "verifikator_dinsos", "admin_dinsos"}),
    ImportFormat.DTSEN_EXTRACT: frozenset({"verifikator_dinsos"}),
}


@dataclass(frozen=True, slots=True)
class Decider:
    """Who asks: a token's subject and its role codes."""

    subject: str
    roles: frozenset[str]


def state_allows(state: ImportState, action: ImportAction) -> bool:
    return state in _ACTIONS[action]


def may_upload(import_format: ImportFormat, roles: frozenset[str]) -> bool:
    return bool(roles & UPLOADERS[import_format])


def is_own_upload(decider: Decider, uploaded_by: str) -> bool:
    return decider.subject == uploaded_by


def may_decide(
    action: ImportAction, import_format: ImportFormat, decider: Decider, uploaded_by: str
) -> bool:
    """Say whether this person may take the action; the state is asked separately.

    Who uploads does not approve. Who uploads may cancel; so may anyone who could upload this
    format, for a colleague who fell ill.
    """
    if action is ImportAction.CANCEL:
        return is_own_upload(decider, uploaded_by) or may_upload(import_format, decider.roles)
    if is_own_upload(decider, uploaded_by):
        return False
    return bool(decider.roles & APPROVERS[import_format])


def allowed_actions(
    state: ImportState, import_format: ImportFormat, decider: Decider, uploaded_by: str
) -> list[ImportAction]:
    """Return what this person may do now, for the buttons of a screen."""
    return [
        action
        for action in ImportAction
        if state_allows(state, action) and may_decide(action, import_format, decider, uploaded_by)
    ]
