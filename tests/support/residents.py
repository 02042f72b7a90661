"""Synthetic people for the registry's tests: rows as an import hands them to the merge."""

from datetime import date
from typing import Any

from services.registry.domain.residents import ResidentBatch, ResidentRow, WelfareMember, WelfareRow

PELANGSIAN = "62.02.06.2005"
BAPEANG = "62.02.06.2006"
OBSERVED = date(2026, 3, 1)


def nik_of(number: int) -> str:
    """Return the NIK of synthetic man ``number`` (0-999), born 1 July 1990."""
    return f"620206010790{9000 + number:04d}"


def kk_of(number: int) -> str:
    """Return the KK number of synthetic family ``number`` (0-999), issued 1 July 2015."""
    return f"620206010715{9000 + number:04d}"


def a_resident(number: int = 1, family: int | None = 1, **changes: Any) -> ResidentRow:
    """Return a clean row; ``changes`` replace fields."""
    values: dict[str, Any] = {
        "line": number + 1,
        "kk_number": None if family is None else kk_of(family),
        "nik": nik_of(number),
        "nik_missing_reason": None,
        "name": f"WARGA {number}",
        "sex": "L",
        "birth_date": date(1990, 7, 1),
        "relation": 1,
        "region_code": PELANGSIAN,
        "address": "Jl. Betang 1",
        "rt": "002",
        "rw": "001",
        "marital": 2,
        "education": 5,
        "occupation": 9,
        "presence": 1,
    }
    return ResidentRow(**{**values, **changes})


def a_batch(*rows: ResidentRow, observed_on: date = OBSERVED) -> ResidentBatch:
    """Return rows as one file."""
    return ResidentBatch(rows, observed_on, synthetic=True)


def a_welfare_row(family: int = 1, **changes: Any) -> WelfareRow:
    """Return a family of desil 2 in the third quarter, without members."""
    values: dict[str, Any] = {
        "line": family + 1,
        "kk_number": kk_of(family),
        "region_code": PELANGSIAN,
        "desil_low": 2,
        "desil_high": 2,
        "unranked_reason": None,
        "period": "2026-Q3",
        "cut_off": date(2026, 9, 30),
        "source": "DTSEN",
        "bast_number": "BAST/1",
        "housing": {"303": 8},
    }
    return WelfareRow(**{**values, **changes})


def a_member(number: int, **condition: int) -> WelfareMember:
    """Return a member; ``q428c=1`` answers question 428c."""
    return WelfareMember(
        nik_of(number), {name.removeprefix("q"): code for name, code in condition.items()}
    )
