"""Which regions a caller may see: dotted Kemendagri codes, matched by whole segments.

Knows no SQLAlchemy: a column brings its own operators, so the gateway may import this.
"""

from dataclasses import dataclass
from typing import Any, Protocol

from services.shared.problems import Problem, ProblemType

REGION_FOREIGN = ProblemType(
    "region_foreign",
    403,
    "Wilayah ini di luar kewenangan Anda",
    "This region is outside your responsibility",
)


class RegionColumn(Protocol):
    """A SQLAlchemy column or mapped attribute that holds dotted region codes."""

    def startswith(self, other: Any, *, autoescape: bool = ...) -> Any: ...
    def in_(self, other: Any) -> Any: ...
    def not_in(self, other: Any) -> Any: ...


@dataclass(frozen=True, slots=True)
class Scope:
    """The regions that a caller may see: dotted prefixes, whole segments. None means nothing."""

    prefixes: tuple[str, ...]
    everything: bool = False

    @classmethod
    def all(cls) -> "Scope":
        """Return the scope of work that no person asked for: every region, and rows without one."""
        return cls((), everything=True)

    def allows(self, region: str | None) -> bool:
        """Say whether ``region`` lies inside. A row without a region is visible to ``all`` only."""
        if self.everything:
            return True
        return region is not None and any(
            region == prefix or region.startswith(prefix + ".") for prefix in self.prefixes
        )

    def require(self, region: str | None) -> None:
        """Raise the ``region_foreign`` problem when ``region`` lies outside."""
        if not self.allows(region):
            raise Problem(REGION_FOREIGN)

    def clause(self, column: RegionColumn) -> Any:
        """Return the SQLAlchemy condition that ``column`` lies inside."""
        if self.everything:
            return column.not_in(())
        condition = column.in_(self.prefixes)
        for prefix in self.prefixes:
            condition = condition | column.startswith(prefix + ".", autoescape=True)
        return condition

    def like_patterns(self) -> list[str]:
        """Return the same for plain SQL: ``region_code LIKE ANY($1)``."""
        if self.everything:
            return ["%"]
        return [pattern for prefix in self.prefixes for pattern in (prefix, f"{prefix}.%")]
