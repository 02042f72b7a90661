"""From staged rows to what the merge takes, with the keyed indexes of their numbers."""

from collections.abc import Mapping, Sequence
from datetime import date
from itertools import groupby
from typing import Any

from services.registry.domain import dtsen
from services.registry.domain.import_review import Review, review_residents, review_welfare
from services.registry.domain.imports import ImportFormat
from services.registry.domain.merge_plan import IndexedRow, Plan
from services.registry.domain.opensid import SOURCE
from services.registry.domain.residents import (
    ResidentBatch,
    ResidentRow,
    WelfareMember,
    WelfareRow,
)
from services.registry.domain.welfare import IndexedWelfareRow
from services.registry.storage import known as known_rows
from services.registry.storage import welfare as welfare_storage
from services.registry.storage.identities import Numbers
from services.registry.storage.import_rows import StagedContent
from services.registry.storage.imports import ImportJob
from services.shared.db import Transaction
from services.shared.ids import new_id


async def review(
    tx: Transaction, job: ImportJob, numbers: Numbers, rows: Sequence[StagedContent]
) -> tuple[dict[int, Review], Plan | None]:
    """Compare rows (whole families) with the registry as it is now, by row number.

    For residents the merge's plan comes with it; in the same transaction it may be written.
    """
    if job.format is ImportFormat.OPENSID_RESIDENTS:
        return await _review_residents(tx, job, numbers, rows)
    return await _review_welfare(tx, job, numbers, rows), None


def resident_batch(job: ImportJob, rows: Sequence[StagedContent]) -> ResidentBatch:
    """Return staged residents as the merge takes them."""
    return ResidentBatch(
        tuple(_resident(job, row) for row in rows), job.observed_on, synthetic=job.synthetic
    )


def welfare_rows(job: ImportJob, rows: Sequence[StagedContent]) -> list[WelfareRow]:
    """Return staged families as the merge takes them; ``rows`` are in the order of families."""
    return [_welfare(job, family) for family in _families(rows)]


async def _review_residents(
    tx: Transaction, job: ImportJob, numbers: Numbers, rows: Sequence[StagedContent]
) -> tuple[dict[int, Review], Plan]:
    batch = resident_batch(job, rows)
    known = await known_rows.load_known(
        tx,
        kk_aliases=numbers.aliases("kk", {row.kk for row in rows}),
        nik_aliases=numbers.aliases("nik", [row.nik for row in rows]),
        source=SOURCE,
        observed_on=job.observed_on,
    )
    nik_indexes = numbers.indexes("nik", [row.nik for row in rows])
    kk_indexes = numbers.indexes("kk", [row.kk for row in rows])
    indexed = [
        IndexedRow(*parts) for parts in zip(batch.rows, nik_indexes, kk_indexes, strict=True)
    ]
    return review_residents(indexed, known, batch, source=SOURCE, new_id=new_id)


async def _review_welfare(
    tx: Transaction, job: ImportJob, numbers: Numbers, rows: Sequence[StagedContent]
) -> dict[int, Review]:
    known = await welfare_storage.load_known(
        tx,
        kk_aliases=numbers.aliases("kk", {row.kk for row in rows}),
        nik_aliases=numbers.aliases("nik", [row.nik for row in rows]),
        source=dtsen.SOURCE,
        periods=[job.period],
        days=[job.observed_on],
    )
    families = []
    for family in _families(rows):
        welfare = _welfare(job, family)
        niks = [member.nik for member in welfare.members]
        indexed = IndexedWelfareRow(
            welfare,
            numbers.indexes("kk", [welfare.kk_number])[0] or b"",
            tuple(one or b"" for one in numbers.indexes("nik", niks)),
        )
        lines = [row.row_number for row in family]
        indexes = numbers.indexes("nik", [row.nik for row in family])
        families.append((indexed, list(zip(lines, indexes, strict=True))))
    return review_welfare(families, known)


def _families(rows: Sequence[StagedContent]) -> list[list[StagedContent]]:
    return [list(family) for _, family in groupby(rows, key=lambda row: row.kk)]


def _resident(job: ImportJob, row: StagedContent) -> ResidentRow:
    values = dict(row.values)
    condition = _answers(values.pop("condition"))
    born = values.pop("birth_date")
    return ResidentRow(
        line=row.row_number,
        kk_number=row.kk,
        nik=row.nik,
        region_code=job.region_code,
        birth_date=date.fromisoformat(born) if born else None,
        condition=condition,
        **values,
    )


def _welfare(job: ImportJob, family: Sequence[StagedContent]) -> WelfareRow:
    first = family[0]
    return WelfareRow(
        line=first.row_number,
        kk_number=first.kk or "",
        region_code=first.values["region"],
        desil_low=first.values["low"],
        desil_high=first.values["high"],
        unranked_reason=first.values["unranked_reason"],
        period=job.period,
        cut_off=job.observed_on,
        source=dtsen.SOURCE,
        bast_number=job.bast_number,
        housing=_answers(first.values["housing"]),
        members=tuple(
            WelfareMember(row.nik, _answers(row.values["condition"]))
            for row in family
            if row.nik is not None and ["nik", "member_not_registered"] not in row.findings
        ),
    )


def _answers(given: Mapping[str, Any]) -> dict[str, int]:
    """Leave out what the source did not answer: unknown is absent, never a code."""
    return {question: code for question, code in given.items() if code is not None}
