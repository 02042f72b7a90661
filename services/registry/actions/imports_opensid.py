"""Judging a chunk of an OpenSID resident list and putting it into the registry's codes."""

from datetime import date, timedelta

import polars as pl

from services.registry.actions import imports_checks as check
from services.registry.actions.imports_checks import Checks
from services.registry.actions.imports_files import ROW_TOO_LONG
from services.registry.domain import import_rules, opensid
from services.registry.domain.identity import NoNikReason

_ADDRESS_CHARS_MAX = 200
_INFANT = timedelta(days=365)
"""A child may wait so long for its birth certificate before "no NIK" needs another reason."""


def judge(chunk: pl.DataFrame, today: date) -> pl.DataFrame:
    """Add ``kk``, ``nik`` (text), the translated values, ``findings`` and ``rejected``.

    The raw columns stay beside, for the file of rejected rows.
    """
    frame = chunk.with_columns(
        check.identity_number("no_kk").alias("kk"),
        check.identity_number("nik").alias("nik_clean"),
        check.text("nik").fill_null("").is_in(opensid.NIK_ABSENT).alias("nik_absent"),
        check.text("nama").alias("name"),
        check.coded("sex", opensid.SEX).alias("sex_code"),
        check.parsed_date("tanggallahir").alias("birth_date"),
    )
    frame = _checks(today).judged(frame)
    return frame.with_columns(
        pl.when("nik_absent").then(None).otherwise(pl.col("nik_clean")).alias("nik_number"),
        _reason_without_nik(today).alias("nik_missing_reason"),
        check.coded("kk_level", opensid.RELATION_409).alias("relation"),
        pl.coalesce(
            check.optional_text("alamat", _ADDRESS_CHARS_MAX),
            check.optional_text("dusun", _ADDRESS_CHARS_MAX),
        ).alias("address"),
        check.rt_rw("rt").alias("rt_number"),
        check.rt_rw("rw").alias("rw_number"),
        check.coded("status_kawin", opensid.MARITAL_408).alias("marital"),
        check.coded("pendidikan_kk_id", opensid.EDUCATION).alias("education"),
        check.coded("pekerjaan_id", opensid.OCCUPATION).alias("occupation"),
        check.coded("status_dasar", opensid.PRESENCE_404).alias("presence"),
        check.coded("cacat_id", opensid.DISABILITY).alias("cacat"),
        check.coded("hamil", opensid.PREGNANT_410).alias("pregnant"),
    )


def values(frame: pl.DataFrame) -> list[str]:
    """Return each row's values for staging as JSON text, without KK and NIK."""
    return (
        frame.select(
            pl.struct(
                "name",
                pl.col("sex_code").alias("sex"),
                "birth_date",
                "nik_missing_reason",
                "relation",
                "address",
                pl.col("rt_number").alias("rt"),
                pl.col("rw_number").alias("rw"),
                "marital",
                "education",
                "occupation",
                "presence",
                pl.struct(pl.col("pregnant").alias("410"), "cacat").alias("condition"),
            ).struct.json_encode()
        )
        .to_series()
        .to_list()
    )


def _reason_without_nik(today: date) -> pl.Expr:
    infant = pl.col("birth_date") > today - _INFANT
    reason = (
        pl.when(infant).then(pl.lit(NoNikReason.NOT_YET)).otherwise(pl.lit(NoNikReason.UNKNOWN))
    )
    return pl.when("nik_absent").then(reason)


def _checks(today: date) -> Checks:
    checks = Checks()
    checks.add("baris", "row_too_long", pl.col(ROW_TOO_LONG))
    _numbers(checks, today)
    _person(checks, today)
    status = check.code_text("status_dasar")
    checks.add("status_dasar", "status_invalid", status == opensid.STATUS_INVALID)
    checks.add("status_dasar", "status_ambiguous", status == opensid.STATUS_AMBIGUOUS)
    ambiguous = {opensid.STATUS_AMBIGUOUS: 0, opensid.STATUS_INVALID: 0}
    check.check_code(checks, "status_dasar", {**opensid.PRESENCE_404, **ambiguous})
    check.check_code(checks, "kk_level", opensid.RELATION_409, required=True)
    check.check_code(checks, "status_kawin", opensid.MARITAL_408)
    check.check_code(checks, "pendidikan_kk_id", opensid.EDUCATION)
    check.check_code(checks, "pekerjaan_id", opensid.OCCUPATION)
    check.check_code(checks, "cacat_id", opensid.DISABILITY)
    check.check_code(checks, "hamil", opensid.PREGNANT_410)
    checks.add("alamat", "text_too_long", pl.col("alamat").str.len_chars() > _ADDRESS_CHARS_MAX)
    return checks


def _numbers(checks: Checks, today: date) -> None:
    kk, nik, absent = pl.col("kk"), pl.col("nik_clean"), pl.col("nik_absent")
    no_kk = check.text("no_kk").fill_null("").is_in(opensid.NIK_ABSENT)
    checks.add("no_kk", "number_missing", no_kk)
    issued = check.date_in_number(kk, today, woman_offset=False)
    check.check_identity_number(checks, "no_kk", kk, no_kk, issued)
    born = check.date_in_number(nik, today, woman_offset=True)
    shaped = check.check_identity_number(checks, "nik", nik, absent, born)
    checks.add("nik", "nik_absent", absent)
    # An impossible date is an error by itself; what else it may say does not matter.
    dated = shaped & born.is_not_null()
    checks.add("nik", "nik_sex_differs", dated & (pl.col("sex_code") != check.nik_sex(nik)))
    stated = pl.col("birth_date")
    same_day = stated.dt.to_string("%d%m%y") == born.dt.to_string("%d%m%y")
    checks.add("nik", "nik_birth_differs", dated & ~same_day)


def _person(checks: Checks, today: date) -> None:
    name, born = pl.col("name"), pl.col("birth_date")
    checks.add("nama", "name_missing", name.is_null())
    checks.add("nama", "cell_is_formula", name.str.starts_with("="))
    checks.add("nama", "name_too_long", name.str.len_chars() > import_rules.NAME_LENGTH_MAX)
    checks.add("nama", "name_has_digits", name.str.contains(r"\d"))
    no_date = check.is_no_date("tanggallahir")
    checks.add("tanggallahir", "date_missing", no_date)
    checks.add("tanggallahir", "date_unreadable", born.is_null() & ~no_date)
    checks.add("tanggallahir", "date_in_future", born > today)
    checks.add("tanggallahir", "date_too_old", born.dt.year() < import_rules.BIRTH_YEAR_MIN)
    check.check_code(checks, "sex", opensid.SEX, required=True)
