"""What a caller may see: regions by row, agencies by program, sensitive programs by owner only.

Every query on cycles, entitlements, sessions, deliveries or the ledger takes a ``Sight``.
"""

from dataclasses import dataclass

from sqlalchemy import ColumnElement, Table, and_, false, or_, true

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

    def of_rows(self, table: Table) -> ColumnElement[bool]:
        """Return the condition on rows with a region, joined to ``programs``.

        A row may be sensitive where its program is not: an enrolment can say so.
        """
        open_to_caller: ColumnElement[bool] = table.c.sensitive.is_(False)
        if self.scope.everything:
            open_to_caller = true()
        elif self.agency:
            open_to_caller = or_(open_to_caller, programs.c.owner_code == self.agency)
        return and_(self.of_program(), open_to_caller, self.scope.clause(table.c.region_code))
