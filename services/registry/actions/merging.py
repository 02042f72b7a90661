"""Merging a checked batch into the registry, set by set, inside the caller's transaction.

Both merges match by keyed index, bump versions only of what changed and tell the new states in
the bulk lane. Unchanged rows write nothing and tell nothing, so a batch may safely come twice.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import TypeVar
from uuid import UUID

from services.registry.actions.states import emit_states
from services.registry.domain.merge_plan import IndexedRow, Plan
from services.registry.domain.merging import plan_residents
from services.registry.domain.residents import (
    MergeResult,
    ResidentBatch,
    ResidentRow,
    WelfareRow,
)
from services.registry.domain.welfare import IndexedWelfareRow, WelfarePlan, plan_welfare
from services.registry.storage import known as known_rows
from services.registry.storage import merging as storage
from services.registry.storage import welfare as welfare_storage
from services.registry.storage.identities import Numbers
from services.shared.db import Lane, Transaction
from services.shared.ids import new_id

FAMILIES_PER_PART = 2_000
"""About 7,000 persons: a few tens of megabytes, and statements of well under a second."""

T = TypeVar("T")


async def merge_residents(
    tx: Transaction,
    batch: ResidentBatch,
    *,
    numbers: Numbers,
    actor: str,
    source: str,
    import_id: UUID | None,
    plan: Plan | None = None,
) -> MergeResult:
    """Bring a village's register into the registry; see ``domain/merging`` for the rules.

    ``source`` names the origin of the answers ("opensid"), ``actor`` who approved. A ``plan`` for
    just this batch, made while this transaction held off other merges, is written as it is.
    """
    await storage.hold_merges(tx)
    work = storage.Work(tx, numbers, batch, actor, source, import_id)
    if plan is None:
        placed: set[UUID] = set()
        result = MergeResult()
        for part in _parts(_whole_families(batch.rows)):
            planned = await _plan_part(work, [row for rows in part for row in rows], placed)
            result = result.plus(await _write_plan(work, planned))
    else:
        result = await _write_plan(work, plan)
    tx.audit("merge_residents", f"import/{import_id}", _counts(result, source), actor)
    return result


async def merge_welfare(
    tx: Transaction,
    rows: Sequence[WelfareRow],
    *,
    numbers: Numbers,
    actor: str,
    import_id: UUID | None,
) -> MergeResult:
    """Bring a national list's ranks and conditions to the families that the registry has.

    Rows are grouped by their ``source``. Who is not found stands in ``left_out``.
    """
    await storage.hold_merges(tx)
    result = MergeResult()
    for source in sorted({row.source for row in rows}):
        for part in _parts(row for row in rows if row.source == source):
            result = result.plus(await _rate_part(tx, part, numbers, source, import_id))
    tx.audit("merge_welfare", f"import/{import_id}", _counts(result, "welfare"), actor)
    return result


async def _plan_part(work: storage.Work, rows: Sequence[ResidentRow], placed: set[UUID]) -> Plan:
    numbers, batch = work.numbers, work.batch
    kks, niks = [row.kk_number for row in rows], [row.nik for row in rows]
    kk_indexes, nik_indexes = numbers.indexes("kk", kks), numbers.indexes("nik", niks)
    known = await known_rows.load_known(
        work.tx,
        kk_aliases=numbers.aliases("kk", kks),
        nik_aliases=numbers.aliases("nik", niks),
        source=work.source,
        observed_on=batch.observed_on,
    )
    indexed = [
        IndexedRow(row, nik_index, kk_index)
        for row, nik_index, kk_index in zip(rows, nik_indexes, kk_indexes, strict=True)
    ]
    return plan_residents(indexed, known, batch, source=work.source, new_id=new_id, placed=placed)


async def _write_plan(work: storage.Work, plan: Plan) -> MergeResult:
    await storage.write(work, plan)
    new = {family.id for family in plan.new_families}
    await storage.touch_families(
        work.tx, list(plan.touched), new, cause="imported", effective_on=work.batch.observed_on
    )
    await emit_states(work.tx, list(plan.touched), list(plan.identities), lane=Lane.BULK)
    return _result(plan)


async def _rate_part(
    tx: Transaction,
    rows: Sequence[WelfareRow],
    numbers: Numbers,
    source: str,
    import_id: UUID | None,
) -> MergeResult:
    kks = [row.kk_number for row in rows]
    niks = [member.nik for row in rows for member in row.members]
    kk_indexes, nik_indexes = numbers.indexes("kk", kks), numbers.indexes("nik", niks)
    known = await welfare_storage.load_known(
        tx,
        kk_aliases=numbers.aliases("kk", kks),
        nik_aliases=numbers.aliases("nik", niks),
        source=source,
        periods=sorted({row.period for row in rows}),
        days=sorted({row.cut_off for row in rows}),
    )
    remaining = iter(nik_indexes)
    indexed = [
        IndexedWelfareRow(row, kk_index or b"", tuple(next(remaining) or b"" for _ in row.members))
        for row, kk_index in zip(rows, kk_indexes, strict=True)
    ]
    plan = plan_welfare(indexed, known)
    await welfare_storage.write(tx, plan, import_id=import_id)
    touched = list(plan.touched)
    await storage.touch_families(
        tx, touched, set(), cause="ranked", effective_on=max(row.cut_off for row in rows)
    )
    await emit_states(tx, touched, [], lane=Lane.BULK)
    return _welfare_result(plan)


def _whole_families(rows: Iterable[ResidentRow]) -> Iterator[list[ResidentRow]]:
    """Keep the rows of one card together: a part must see a family whole."""
    families: dict[str, list[ResidentRow]] = {}
    for row in rows:
        families.setdefault(row.kk_number or row.nik or f"line {row.line}", []).append(row)
    return iter(families.values())


def _parts(items: Iterable[T]) -> Iterator[list[T]]:
    part: list[T] = []
    for item in items:
        part.append(item)
        if len(part) == FAMILIES_PER_PART:
            yield part
            part = []
    if part:
        yield part


def _result(plan: Plan) -> MergeResult:
    return MergeResult(
        families_new=len(plan.new_families),
        families_changed=len(plan.touched) - len(plan.new_families),
        families_unchanged=len(plan.unchanged_families),
        persons_new=len(plan.new_persons),
        persons_changed=len(plan.changed_persons),
        persons_unchanged=plan.unchanged_persons,
        disputed=plan.disputed,
        left_out=tuple(plan.left_out),
    )


def _welfare_result(plan: WelfarePlan) -> MergeResult:
    return MergeResult(
        families_changed=len(plan.touched),
        families_unchanged=len(plan.seen_families - plan.touched),
        persons_changed=len(plan.persons),
        persons_unchanged=len(plan.seen_persons) - len(plan.persons),
        left_out=tuple(plan.left_out),
    )


def _counts(result: MergeResult, source: str) -> dict[str, object]:
    return {
        "source": source,
        "families_new": result.families_new,
        "families_changed": result.families_changed,
        "persons_new": result.persons_new,
        "persons_changed": result.persons_changed,
        "disputed": result.disputed,
        "left_out": len(result.left_out),
    }
