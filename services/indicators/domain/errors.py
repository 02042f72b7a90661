"""What can go wrong in indicators, without a word about HTTP; ``api/errors.py`` maps each class."""

from dataclasses import dataclass
from typing import Any, ClassVar


class DomainError(Exception):
    """Base of all refusals. ``code`` is stable; ``params`` fill the messages."""

    code: ClassVar[str] = "indicators_error"

    def __init__(self, **params: Any) -> None:
        super().__init__(self.code)
        self.params = params


class ProgramUnknown(DomainError):
    """No such program, or one that the caller may not know exists."""

    code = "program_unknown"


class IndicatorUnknown(DomainError):
    """No definition carries this code."""

    code = "indicator_unknown"


class RegionUnknown(DomainError):
    """No region carries this code."""

    code = "region_unknown"


class RegionForbidden(DomainError):
    """The caller's token does not cover this region."""

    code = "region_forbidden"


class PeriodInvalid(DomainError):
    """A period is a year, a month or a half-year: 2025, 2025-03, 2025-S1."""

    code = "period_invalid"


class OfficialFigureNotOurs(DomainError):
    """An official statistic has its own publisher: Betang neither computes nor publishes it."""

    code = "official_figure_not_ours"


class NothingToPublish(DomainError):
    """The figure has no value for this region and period, so there is nothing to freeze."""

    code = "nothing_to_publish"


class ReasonMissing(DomainError):
    """A recorded figure changes only with a reason."""

    code = "reason_missing"


@dataclass(frozen=True, slots=True)
class RowFault:
    """One fault of one row: line as a spreadsheet counts it (header = 1), column, stable code."""

    line: int
    column: str
    code: str
    detail_id: str
    detail_en: str


class RowsRefused(DomainError):
    """A file whose rows cannot all be taken is refused whole; ``faults`` say where and why."""

    code = "rows_refused"

    def __init__(self, faults: tuple[RowFault, ...]) -> None:
        super().__init__(count=len(faults))
        self.faults = faults
