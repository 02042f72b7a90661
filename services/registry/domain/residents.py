"""What an import brings to the merge: rows already checked, in the registry's own codes.

Parsing and the rejection of rows happen before (``domain/opensid.py``, ``domain/dtsen.py``).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

from services.registry.domain.identity import Sex

REGSOSEK = "regsosek"
REGSOSEK_VERSION = "2022k"


@dataclass(frozen=True, slots=True)
class ResidentRow:
    """One person of a village's register. ``line`` is the row's number in the file.

    Codes: ``relation`` Regsosek 409, ``presence`` Regsosek 404, ``marital`` 408 (the same in
    SIAK), ``education`` SIAK "pendidikan dalam KK", ``occupation`` SIAK 1-89. ``condition`` maps
    Regsosek question numbers to codes and holds only what the source really said.
    """

    line: int
    kk_number: str | None
    nik: str | None
    nik_missing_reason: str | None
    name: str
    sex: Sex | None
    birth_date: date | None
    relation: int | None
    region_code: str
    address: str | None = None
    rt: str | None = None
    rw: str | None = None
    marital: int | None = None
    education: int | None = None
    occupation: int | None = None
    presence: int | None = None
    condition: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ResidentBatch:
    """Rows of one source as they stood on ``observed_on``."""

    rows: tuple[ResidentRow, ...]
    observed_on: date
    synthetic: bool = False
    scheme: str = REGSOSEK
    version: str = REGSOSEK_VERSION


@dataclass(frozen=True, slots=True)
class WelfareMember:
    """A member as the national list knows them, by NIK only."""

    nik: str
    condition: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class WelfareRow:
    """One family of a DTSEN extract.

    ``desil_low`` = ``desil_high`` for one desil, 6 and 10 for "6-10"; both None when unranked,
    then ``unranked_reason`` says why. ``period`` reads "2026-Q3".
    """

    line: int
    kk_number: str
    region_code: str | None
    desil_low: int | None
    desil_high: int | None
    unranked_reason: str | None
    period: str
    cut_off: date
    source: str
    bast_number: str
    housing: Mapping[str, int] = field(default_factory=dict)
    members: tuple[WelfareMember, ...] = ()
    scheme: str = REGSOSEK
    version: str = REGSOSEK_VERSION


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A row that changed nothing because it could not be placed; ``code`` says why.

    Codes: ``no_identifier`` (neither KK number nor NIK), ``duplicate_in_batch`` (the same NIK
    twice in one family), ``family_not_found`` and ``person_not_found`` (DTSEN never invents).
    """

    line: int
    code: str


@dataclass(frozen=True, slots=True)
class MergeResult:
    """What a merge did, in counts of families and persons."""

    families_new: int = 0
    families_changed: int = 0
    families_unchanged: int = 0
    persons_new: int = 0
    persons_changed: int = 0
    persons_unchanged: int = 0
    disputed: int = 0
    left_out: tuple[LeftOut, ...] = ()

    def plus(self, other: "MergeResult") -> "MergeResult":
        """Add up two parts of one merge."""
        return MergeResult(
            self.families_new + other.families_new,
            self.families_changed + other.families_changed,
            self.families_unchanged + other.families_unchanged,
            self.persons_new + other.persons_new,
            self.persons_changed + other.persons_changed,
            self.persons_unchanged + other.persons_unchanged,
            self.disputed + other.disputed,
            self.left_out + other.left_out,
        )
