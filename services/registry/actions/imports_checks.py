"""Row checks as polars expressions: a chunk of rows is judged at once, column by column.

The rules and their texts stand in ``domain/import_rules.py`` and ``domain/identity.py``; a test
holds the verdicts here equal to ``check_nik`` on the same numbers. Each check adds an error or a
warning under ``column|code``; a row with an error is rejected, nothing is repaired silently.
"""

from collections.abc import Mapping
from datetime import date

import polars as pl

from services.registry.domain import import_rules
from services.registry.domain.identity import PROVINCES, WOMAN_DAY_OFFSET
from services.registry.domain.import_rules import RULES, Severity

FINDINGS = "findings"
REJECTED = "rejected"
_SEPARATOR = ","

_NOISE = r"[\s'\x{2019}`.\-\x{00a0}\x{200b}]+"
_BLANKS = r"[\s\x{00a0}\x{200b}]+"
_SCIENTIFIC = r"^[+-]?\d+([.,]\d+)?[eE]\+?\d+$"
_SIXTEEN = r"^[0-9]{16}$"
_EXCEL_EPOCH = date(1899, 12, 30)
"""Serials count from here (Excel's 29 February 1900 never was). Only five digits, 1927 and later,
are read as a serial: four may as well be a year."""


class Checks:
    """Collects what can be wrong with a row; ``judged`` writes the verdict columns."""

    def __init__(self) -> None:
        self._found: list[tuple[str, pl.Expr, Severity]] = []

    def add(self, column: str, code: str, when: pl.Expr) -> None:
        """Add a finding for rows where ``when`` holds; null counts as no."""
        self._found.append((f"{column}|{code}", when.fill_null(value=False), RULES[code].severity))

    def judged(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Return ``frame`` with ``findings`` (``column|code,…`` or "") and ``rejected``."""
        # Flags first: each condition is evaluated once for both columns that are made of them.
        flags = [f"_check_{place}" for place in range(len(self._found))]
        flagged = frame.with_columns(
            when.alias(flag) for flag, (_, when, _) in zip(flags, self._found, strict=True)
        )
        texts = [
            pl.when(flag).then(pl.lit(text))
            for flag, (text, _, _) in zip(flags, self._found, strict=True)
        ]
        errors = [
            flag
            for flag, (_, _, severity) in zip(flags, self._found, strict=True)
            if severity is Severity.ERROR
        ]
        return flagged.with_columns(
            pl.concat_str(texts, separator=_SEPARATOR, ignore_nulls=True).alias(FINDINGS),
            pl.any_horizontal(errors).alias(REJECTED),
        ).drop(flags)


def text(column: str) -> pl.Expr:
    """Blanks collapsed and trimmed; empty is null."""
    clean = pl.col(column).str.replace_all(_BLANKS, " ").str.strip_chars()
    # The file of rejected rows guards formulas with an apostrophe; they are still formulas.
    clean = clean.str.replace(r"^'([=+@])", "$1")
    return pl.when(clean == "").then(None).otherwise(clean)


def optional_text(column: str, longest: int) -> pl.Expr:
    """As ``text``, with the field's ways to say nothing ("-", "0") taken as null, and cut."""
    clean = text(column)
    return pl.when(clean.is_in(["-", "0", "--"])).then(None).otherwise(clean.str.slice(0, longest))


def rt_rw(column: str) -> pl.Expr:
    """An RT or RW number as three digits, other text as it is; null when not given."""
    clean = optional_text(column, 10)
    short = clean.str.strip_chars_start("0")
    is_number = clean.str.contains(r"^\d{1,3}$")
    zero_or_padded = pl.when(short == "").then(None).otherwise(short.str.zfill(3))
    return pl.when(is_number).then(zero_or_padded).otherwise(clean)


def identity_number(column: str) -> pl.Expr:
    """Take out what typing and Excel leave: apostrophe, blanks, dots, O for 0, l for 1."""
    return (
        pl.col(column)
        .str.replace_all(_NOISE, "")
        .str.replace_many(["O", "o", "l", "I"], ["0", "0", "1", "1"])
    )


def is_scientific(column: str) -> pl.Expr:
    """A number that Excel shortened, like 6,20206E+15."""
    return pl.col(column).str.strip_chars().str.contains(_SCIENTIFIC)


def is_damaged(column: str) -> pl.Expr:
    """Scientific text, or a numeric cell too long for Excel's 15 digits."""
    too_long = pl.col(column).str.len_chars() > import_rules.EXCEL_DIGITS_MAX
    return is_scientific(column) | (pl.col(f"{column}_numeric") & too_long)


def check_identity_number(
    checks: Checks, column: str, clean: pl.Expr, absent: pl.Expr, inner_date: pl.Expr
) -> pl.Expr:
    """Add the checks that NIK and KK numbers share; return whether the shape is right.

    ``clean`` is the normalised number, ``inner_date`` the date in it, ``absent`` says that having
    no number is lawful here.
    """
    damaged = is_damaged(column) & ~absent
    sixteen = clean.str.contains(_SIXTEEN) & ~damaged
    # Excel's own mark for "this is text" is no disorder.
    normalised = clean != pl.col(column).str.strip_chars(" ").str.strip_prefix("'")
    provinces = [str(code) for code in sorted(PROVINCES)]
    checks.add(column, "number_scientific", is_scientific(column))
    checks.add(column, "number_cell_numeric", damaged & ~is_scientific(column))
    checks.add(column, "number_not_16_digits", ~sixteen & ~damaged & ~absent)
    checks.add(column, "number_repeated_digit", sixteen & _is_repeated(clean))
    checks.add(column, "number_serial_zero", sixteen & clean.str.ends_with("0000"))
    checks.add(column, "number_province_unknown", sixteen & ~clean.str.slice(0, 2).is_in(provinces))
    checks.add(column, "number_normalised", sixteen & normalised)
    checks.add(column, "number_date_impossible", sixteen & inner_date.is_null())
    return sixteen


def nik_sex(nik: pl.Expr) -> pl.Expr:
    """The sex that a NIK was issued for: a woman's day has 40 added."""
    return pl.when(_day(nik) > WOMAN_DAY_OFFSET).then(pl.lit("P")).otherwise(pl.lit("L"))


def date_in_number(number: pl.Expr, today: date, *, woman_offset: bool) -> pl.Expr:
    """The date in digits 7-12 in its latest century that is past; null when it cannot exist."""
    day = _day(number)
    if woman_offset:
        day = pl.when(day > WOMAN_DAY_OFFSET).then(day - WOMAN_DAY_OFFSET).otherwise(day)
    month = number.str.slice(8, 2).cast(pl.Int32, strict=False)
    year = number.str.slice(10, 2).cast(pl.Int32, strict=False)
    recent = _date(year + 2000, month, day)
    return pl.when(recent <= today).then(recent).otherwise(_date(year + 1900, month, day))


def parsed_date(column: str) -> pl.Expr:
    """Read ISO, dd-mm-yyyy, dd/mm/yyyy (also with a time behind) and Excel serials; else null."""
    raw = pl.col(column).str.strip_chars().str.replace(r"[ T]\d{1,2}:\d{2}.*$", "")
    local = raw.str.replace_all(r"[/.]", "-").str.extract_groups(r"^(\d{1,2})-(\d{1,2})-(\d{4})$")
    iso = raw.str.replace_all("/", "-").str.extract_groups(r"^(\d{4})-(\d{1,2})-(\d{1,2})$")
    serial = raw.str.extract(r"^(\d{5})(?:\.0+)?$", 1).cast(pl.Int32, strict=False)
    from_serial = pl.lit(_EXCEL_EPOCH) + pl.duration(days=serial)
    return pl.coalesce(
        _date_of(iso, "1", "2", "3"), _date_of(local, "3", "2", "1"), from_serial.cast(pl.Date)
    )


def is_no_date(column: str) -> pl.Expr:
    """Ways to leave a date open, MySQL's zero date among them."""
    return text(column).is_null() | text(column).is_in(["-", "0", "0000-00-00", "00-00-0000"])


def code_text(column: str) -> pl.Expr:
    """A code as plain text: "01" and "1.0" are 1, labels are upper case; "" is null."""
    clean = text(column).str.to_uppercase()
    plain = clean.str.replace(r"^0*(\d+)(\.0+)?$", "$1")
    return pl.when(clean.is_in(["-", ""])).then(None).otherwise(plain)


def coded(column: str, codes: Mapping[str, int] | Mapping[str, str]) -> pl.Expr:
    """Translate a code by its list; unknown and empty become null."""
    is_text = isinstance(next(iter(codes.values())), str)
    target = pl.String if is_text else pl.Int32
    return code_text(column).replace_strict(
        list(codes), list(codes.values()), default=None, return_dtype=target
    )


def check_code(
    checks: Checks,
    column: str,
    codes: Mapping[str, int] | Mapping[str, str],
    *,
    required: bool = False,
) -> None:
    """Required: empty or unknown rejects. Else an unknown code is left empty with a warning."""
    given = code_text(column)
    unknown = given.is_not_null() & ~given.is_in(list(codes))
    if required:
        checks.add(column, "code_missing", given.is_null())
    checks.add(column, "code_unknown" if required else "code_dropped", unknown)


def _is_repeated(number: pl.Expr) -> pl.Expr:
    return number.is_in([digit * 16 for digit in "0123456789"])


def _day(number: pl.Expr) -> pl.Expr:
    return number.str.slice(6, 2).cast(pl.Int32, strict=False)


def _date_of(groups: pl.Expr, year: str, month: str, day: str) -> pl.Expr:
    parts = [groups.struct.field(part).cast(pl.Int32, strict=False) for part in (year, month, day)]
    return _date(*parts)


def _date(year: pl.Expr, month: pl.Expr, day: pl.Expr) -> pl.Expr:
    """A date from its parts; null when one is null or the calendar has no such day."""
    written = pl.concat_str(
        year.cast(pl.String).str.zfill(4),
        month.cast(pl.String).str.zfill(2),
        day.cast(pl.String).str.zfill(2),
    )
    return written.str.to_date("%Y%m%d", strict=False)
