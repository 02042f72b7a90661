"""NIK and KK numbers: shape, severities of handbook 2.1 and 2.2, age. Text, never int.

Only what cannot be a number is an error. A NIK is never issued again when a person moves or a
birth date is corrected, so a mismatch of region, sex or date is lawful and only warns.
"""

import re
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Literal, NewType
from uuid import UUID

PersonId = NewType("PersonId", UUID)
FamilyId = NewType("FamilyId", UUID)
HouseholdId = NewType("HouseholdId", UUID)

Sex = Literal["L", "P"]

NUMBER_LENGTH = 16
WOMAN_DAY_OFFSET = 40
"""A woman's day of birth stands in her NIK with 40 added."""

_PROVINCE_RANGES = ((11, 19), (21, 21), (31, 36), (51, 53), (61, 65), (71, 76), (81, 82), (91, 96))
PROVINCES = frozenset(code for low, high in _PROVINCE_RANGES for code in range(low, high + 1))
"""Province codes ever issued, Kepmendagri 300.2.2-2138/2025."""

_LOOKALIKES = str.maketrans({"O": "0", "o": "0", "l": "1", "I": "1"})
_NOISE = re.compile(r"[\s'\u2019`.\-\u00a0\u200b]+")


class Severity(StrEnum):
    """An error blocks the row, a warning asks a person to look, an info is only told."""

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"


class NoNikReason(StrEnum):
    """Why a person has no NIK. A number is never invented to fill the gap."""

    NOT_YET = "BELUM_PUNYA"
    UNKNOWN = "TIDAK_DIKETAHUI"
    DESTITUTE = "ORANG_TERLANTAR"


class MatchStatus(StrEnum):
    """What the civil registry answered about this person (``status_padan``)."""

    PENDING = "BELUM"
    MATCHED = "PADAN"
    PARTLY = "PADAN_SEBAGIAN"
    DIFFERENT = "TIDAK_PADAN"
    NOT_FOUND = "TIDAK_DITEMUKAN"
    DUPLICATE = "GANDA"
    DEAD = "MENINGGAL"
    INACTIVE = "NIK_NONAKTIF"


@dataclass(frozen=True, slots=True)
class Finding:
    """One rule and what it says of a number; the texts hold no part of the number."""

    code: str
    severity: Severity
    text_id: str
    text_en: str


@dataclass(frozen=True, slots=True)
class NikParts:
    """What a NIK says of its first registration. ``birth_date`` takes the latest past century."""

    region_prefix: str
    sex: Sex
    birth_date: date
    serial: str


_FORMAT = Finding(
    "format", Severity.ERROR, "harus tepat 16 digit angka", "must be exactly 16 digits"
)
_REPEATED = Finding("repeated_digit", Severity.ERROR, "semua digit sama", "all digits are the same")
_SERIAL = Finding(
    "serial", Severity.ERROR, "nomor urut 0000 tidak sah", "the serial 0000 is not issued"
)
_DATE = Finding(
    "date", Severity.ERROR, "tanggal di dalam nomor mustahil", "the date inside cannot exist"
)
_PROVINCE_NEW = Finding(
    "province", Severity.ERROR, "kode provinsi tidak dikenal", "unknown province code"
)
_PROVINCE_OLD = Finding(
    "province", Severity.WARNING, "kode provinsi tidak dikenal", "unknown province code"
)
_SEX = Finding(
    "sex_differs",
    Severity.WARNING,
    "jenis kelamin berbeda dengan NIK",
    "the sex differs from the NIK",
)
_BIRTH = Finding(
    "birth_date_differs",
    Severity.WARNING,
    "tanggal lahir berbeda dengan NIK",
    "the birth date differs from the NIK",
)
_REGION = Finding(
    "region_differs",
    Severity.INFO,
    "wilayah penerbitan berbeda dengan domisili",
    "the region of issue differs from the domicile",
)


def normalise_number(raw: str) -> str:
    """Take out apostrophes, blanks, dots and look-alike letters that typing and Excel leave."""
    return _NOISE.sub("", raw).translate(_LOOKALIKES)


def check_nik(
    nik: str,
    *,
    today: date,
    sex: Sex | None = None,
    birth_date: date | None = None,
    region_code: str | None = None,
    imported: bool = True,
) -> list[Finding]:
    """Return every finding on ``nik`` (normalised text), errors first; empty when it is clean.

    ``region_code`` is the domicile, "62.02.06.1001". ``imported`` rows only warn on an unknown
    province, because old registers hold codes of before a split; a new entry is refused.
    """
    findings = _check_shape(nik, imported=imported)
    if nik.isascii() and nik.isdigit() and len(nik) == NUMBER_LENGTH:
        parts = parse_nik(nik, today=today)
        if parts is None:
            findings.append(_DATE)
        else:
            if sex is not None and sex != parts.sex:
                findings.append(_SEX)
            if birth_date is not None and _short(birth_date) != _short(parts.birth_date):
                findings.append(_BIRTH)
        if region_code is not None and not region_code.startswith(_dotted(nik[:6])):
            findings.append(_REGION)
    return sorted(findings, key=lambda finding: list(Severity).index(finding.severity))


def check_kk(number: str, *, today: date, imported: bool = True) -> list[Finding]:
    """Return the findings on a KK number: its date is the day of issue, without the 40."""
    findings = _check_shape(number, imported=imported)
    if (
        number.isascii()
        and number.isdigit()
        and len(number) == NUMBER_LENGTH
        and _date(number[6:8], number[8:10], number[10:12], today) is None
    ):
        findings.append(_DATE)
    return sorted(findings, key=lambda finding: list(Severity).index(finding.severity))


def blocks(findings: list[Finding]) -> bool:
    """Tell whether a number with these findings must not be stored."""
    return any(finding.severity is Severity.ERROR for finding in findings)


def parse_nik(nik: str, *, today: date) -> NikParts | None:
    """Read a NIK of 16 digits; None when the day of birth in it cannot exist."""
    day = int(nik[6:8])
    woman = day > WOMAN_DAY_OFFSET
    plain = f"{day - WOMAN_DAY_OFFSET:02d}" if woman else nik[6:8]
    born = _date(plain, nik[8:10], nik[10:12], today)
    if born is None:
        return None
    return NikParts(_dotted(nik[:6]), "P" if woman else "L", born, nik[12:])


def age_on(birth_date: date, day: date) -> int:
    """Return completed years on ``day``; a birthday on 29 February falls on 1 March."""
    before_birthday = (day.month, day.day) < (birth_date.month, birth_date.day)
    return day.year - birth_date.year - before_birthday


def _check_shape(number: str, *, imported: bool) -> list[Finding]:
    if not (number.isascii() and number.isdigit() and len(number) == NUMBER_LENGTH):
        return [_FORMAT]
    findings = []
    if len(set(number)) == 1:
        findings.append(_REPEATED)
    if number.endswith("0000"):
        findings.append(_SERIAL)
    if int(number[:2]) not in PROVINCES:
        findings.append(_PROVINCE_OLD if imported else _PROVINCE_NEW)
    return findings


def _date(day: str, month: str, short_year: str, today: date) -> date | None:
    """Choose the latest century that does not lie in the future."""
    for century in (2000, 1900):
        try:
            found = date(century + int(short_year), int(month), int(day))
        except ValueError:
            continue
        if found <= today:
            return found
    return None


def _short(day: date) -> tuple[int, int, int]:
    """Cut the century, which a NIK does not hold."""
    return day.day, day.month, day.year % 100


def _dotted(prefix: str) -> str:
    return f"{prefix[:2]}.{prefix[2:4]}.{prefix[4:6]}"
