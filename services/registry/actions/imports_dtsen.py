"""Judging a chunk of a DTSEN extract: family numbers, rank, housing, functional difficulty."""

from collections.abc import Mapping
from datetime import date

import polars as pl

from services.registry.actions import imports_checks as check
from services.registry.actions.imports_checks import Checks
from services.registry.actions.imports_files import ROW_TOO_LONG
from services.registry.domain import dtsen, opensid
from services.registry.domain.dtsen import Answer

_DESIL = r"^(10|[0-9])(?:\s*(?:-|\x{2013}|s/d|sd)\s*(10|[1-9]))?$"
_VILLAGE_CODE_DIGITS = 10
"""Only a whole village code of 10 digits says where; shorter ones count inside a kecamatan."""


def judge(chunk: pl.DataFrame, today: date, region_code: str, cut_off: date) -> pl.DataFrame:
    """Add ``kk``, ``nik_number``, ranks, answers, ``findings`` and ``rejected``.

    ``region_code`` is the dotted prefix that the uploader may write to.
    """
    desil = check.text("desil_nasional").str.replace(r"\.0+$", "").str.extract_groups(_DESIL)
    low = desil.struct.field("1").cast(pl.Int32, strict=False)
    high = desil.struct.field("2").cast(pl.Int32, strict=False)
    frame = chunk.with_columns(
        check.identity_number("no_kk").alias("kk"),
        check.identity_number("nik").alias("nik_clean"),
        check.text("nik").fill_null("").is_in(opensid.NIK_ABSENT).alias("nik_absent"),
        low.alias("low"),
        pl.coalesce(high, low).alias("high"),
        check.text("status_dtsen").str.to_uppercase().alias("status"),
        check.parsed_date("cut_off").alias("file_cut_off"),
        check.text("kode_desa").str.replace_all(r"\.", "").alias("village"),
    )
    return (
        _checks(today, region_code, cut_off)
        .judged(frame)
        .with_columns(
            pl.when("nik_absent").then(None).otherwise(pl.col("nik_clean")).alias("nik_number"),
        )
    )


def values(frame: pl.DataFrame) -> list[str]:
    """Return each row's values for staging as JSON text, without KK and NIK."""
    condition = pl.struct(_answers(dtsen.DIFFICULTY)).alias("condition")
    return _json(frame, [*_family(), condition])


def family_values(frame: pl.DataFrame) -> list[str]:
    """Return only what all rows of a family must agree on."""
    return _json(frame, _family())


def _family() -> list[pl.Expr]:
    inactive = pl.col("status").fill_null("") == dtsen.STATUS_INACTIVE
    unranked = inactive | pl.col("low").fill_null(0).eq(0)
    reason = pl.when(inactive).then(pl.lit(dtsen.INACTIVE)).otherwise(pl.lit(dtsen.UNRANKED))
    whole_code = pl.col("village").str.contains(r"^\d{10}$")
    dotted = pl.col("village").str.replace(r"^(\d{2})(\d{2})(\d{2})(\d{4})$", "$1.$2.$3.$4")
    return [
        pl.when(~unranked).then("low").alias("low"),
        pl.when(~unranked).then("high").alias("high"),
        pl.when(unranked).then(reason).alias("unranked_reason"),
        pl.when(whole_code).then(dotted).alias("region"),
        pl.struct(_answers(dtsen.HOUSING)).alias("housing"),
    ]


def _json(frame: pl.DataFrame, fields: list[pl.Expr]) -> list[str]:
    return frame.select(pl.struct(fields).struct.json_encode()).to_series().to_list()


def _answers(columns: Mapping[str, Answer]) -> list[pl.Expr]:
    return [
        pl.when(_in_range(column, answer)).then(_number(column)).alias(answer.question)
        for column, answer in columns.items()
    ]


def _number(column: str) -> pl.Expr:
    return check.code_text(column).cast(pl.Int32, strict=False)


def _in_range(column: str, answer: Answer) -> pl.Expr:
    return _number(column).is_between(answer.low, answer.high).fill_null(value=False)


def _checks(today: date, region_code: str, cut_off: date) -> Checks:
    checks = Checks()
    checks.add("baris", "row_too_long", pl.col(ROW_TOO_LONG))
    kk, nik, absent = pl.col("kk"), pl.col("nik_clean"), pl.col("nik_absent")
    no_kk = check.text("no_kk").fill_null("").is_in(opensid.NIK_ABSENT)
    checks.add("no_kk", "number_missing", no_kk)
    issued = check.date_in_number(kk, today, woman_offset=False)
    check.check_identity_number(checks, "no_kk", kk, no_kk, issued)
    born = check.date_in_number(nik, today, woman_offset=True)
    check.check_identity_number(checks, "nik", nik, absent, born)
    checks.add("nik", "nik_absent", absent)
    _rank(checks)
    village = pl.col("village")
    elsewhere = ~village.str.starts_with(region_code.replace(".", ""))
    checks.add(
        "kode_desa", "region_outside", elsewhere & (village.str.len_chars() == _VILLAGE_CODE_DIGITS)
    )
    checks.add("cut_off", "period_mismatch", pl.col("file_cut_off") != cut_off)
    for column, answer in {**dtsen.HOUSING, **dtsen.DIFFICULTY}.items():
        given = check.code_text(column).is_not_null()
        code = "number_out_of_range" if answer.question == "302" else "code_dropped"
        checks.add(column, code, given & ~_in_range(column, answer))
    return checks


def _rank(checks: Checks) -> None:
    given, low, high = check.text("desil_nasional"), pl.col("low"), pl.col("high")
    status = pl.col("status")
    turned = (low > high) | ((low == 0) & (high > 0))
    unreadable = given.is_not_null() & (low.is_null() | turned)
    checks.add("desil_nasional", "desil_unknown", unreadable)
    checks.add("desil_nasional", "desil_unranked", given.is_null() | ((low == 0) & (high == 0)))
    checks.add("status_dtsen", "status_inactive", status == dtsen.STATUS_INACTIVE)
    checks.add("status_dtsen", "status_maybe_dead", status == dtsen.STATUS_MAYBE_DEAD)
    known = [dtsen.STATUS_ACTIVE, dtsen.STATUS_MAYBE_DEAD, dtsen.STATUS_INACTIVE]
    checks.add("status_dtsen", "code_dropped", ~status.is_in(known))
