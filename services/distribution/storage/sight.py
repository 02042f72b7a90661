"""What a caller may see: regions by row, agencies by program, sensitive programs by owner only.

Every query on cycles, entitlements, sessions, deliveries or the ledger takes a ``Sight``.
"""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, and_, false, or_, true

from services.distribution.storage.tables import metadata
from services.shared.auth import Scope

programs = metadata.tables["programs"]


@dataclass(frozen=True, slots=True)
class Sight:
    """``own_only``: the caller works for its agency and sees that agency's programs only."""

    scope: Scope
    agency: str | None
    own_only: bool
    names: bool = True
    """False for callers who read numbers and pseudonyms only (auditors)."""

    @classmethod
    def everything(cls) -> "Sight":
        """Return the sight of the service itself: events and republishing, never a request."""
        return cls(Scope.all(), None, own_only=False)

    def of_program(self) -> ColumnElement[bool]:
        """Return the condition on ``programs``: nobody but the owner learns of a sensitive one."""
        if self.scope.everything:
            return true()
        if not self.scope.prefixes:
            return false()
        own = programs.c.owner_code == self.agency if self.agency else false()
        return own if self.own_only else or_(programs.c.sensitive.is_(False), own)

    def of_rows(self, region_code: Any) -> ColumnElement[bool]:
        """Return the condition on rows that have a region, joined to ``programs``."""
        return and_(self.of_program(), self.scope.clause(region_code))

    def sees_region(self, region_code: str | None) -> bool:
        """Say whether a row of that region lies inside."""
        return self.scope.allows(region_code)
