"""Projections written a batch at a time: one statement per kind, guarded by (epoch, version)."""

from collections.abc import Iterable, Sequence
from typing import Any, Final
from uuid import UUID

from services.indicators.domain.projections import (
    AidKey,
    CycleState,
    Delivery,
    EnrolmentState,
    EntitlementState,
    FamilyState,
    OrganisationState,
    ProgramState,
    RegionState,
    Return,
)
from services.shared.db import Transaction

_REGIONS: Final = """
INSERT INTO regions AS kept
SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::date[], $6::date[],
                     $7::int[], $8::bigint[])
ON CONFLICT (code) DO UPDATE SET
    name = excluded.name, level = excluded.level, parent_code = excluded.parent_code,
    valid_from = excluded.valid_from, valid_to = excluded.valid_to,
    epoch = excluded.epoch, version = excluded.version
WHERE (kept.epoch, kept.version) < (excluded.epoch, excluded.version)
"""

_FAMILIES: Final = """
INSERT INTO families AS kept
    (family_id, region_code, active, desil_low, desil_high, desil_as_of, members, survivor_id,
     epoch, version)
SELECT * FROM unnest($1::uuid[], $2::text[], $3::bool[], $4::int[], $5::int[], $6::date[],
                     $7::int[], $8::uuid[], $9::int[], $10::bigint[])
ON CONFLICT (family_id) DO UPDATE SET
    region_code = excluded.region_code, active = excluded.active,
    desil_low = excluded.desil_low, desil_high = excluded.desil_high,
    desil_as_of = excluded.desil_as_of, members = excluded.members,
    survivor_id = excluded.survivor_id, epoch = excluded.epoch, version = excluded.version
WHERE (kept.epoch, kept.version) < (excluded.epoch, excluded.version)
"""

_ORGANISATIONS: Final = """
INSERT INTO organisations AS kept (code, name, kind, epoch, version)
SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::int[], $5::bigint[])
ON CONFLICT (code) DO UPDATE SET
    name = excluded.name, kind = excluded.kind, epoch = excluded.epoch, version = excluded.version
WHERE (kept.epoch, kept.version) < (excluded.epoch, excluded.version)
"""

_PROGRAMS: Final = """
INSERT INTO programs AS kept
    (program_id, code, name, owner_code, reporter_code, klaster, strategi, bidang, unit,
     counts_as_reached, sensitive, target_desil_max, status, epoch, version)
SELECT * FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[],
                     $7::text[], $8::text[], $9::text[], $10::bool[], $11::bool[], $12::int[],
                     $13::text[], $14::int[], $15::bigint[])
ON CONFLICT (program_id) DO UPDATE SET
    code = excluded.code, name = excluded.name, owner_code = excluded.owner_code,
    reporter_code = excluded.reporter_code, klaster = excluded.klaster,
    strategi = excluded.strategi, bidang = excluded.bidang, unit = excluded.unit,
    counts_as_reached = excluded.counts_as_reached, sensitive = excluded.sensitive,
    target_desil_max = excluded.target_desil_max, status = excluded.status,
    epoch = excluded.epoch, version = excluded.version
WHERE (kept.epoch, kept.version) < (excluded.epoch, excluded.version)
RETURNING program_id
"""

_PROGRAM_YEARS_GONE: Final = "DELETE FROM program_years WHERE program_id = ANY($1::uuid[])"

_PROGRAM_YEARS: Final = """
INSERT INTO program_years (program_id, year, fund_source, ceiling_idr, aid_ceiling_idr, quota)
SELECT * FROM unnest($1::uuid[], $2::int[], $3::text[], $4::bigint[], $5::bigint[], $6::int[])
"""

_ENROLMENTS: Final = """
INSERT INTO enrolments AS kept
    (enrolment_id, program_id, year, family_id, person_id, region_code, status, sensitive,
     epoch, version)
SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::int[], $4::uuid[], $5::uuid[], $6::text[],
                     $7::text[], $8::bool[], $9::int[], $10::bigint[])
ON CONFLICT (enrolment_id) DO UPDATE SET
    program_id = excluded.program_id, year = excluded.year, family_id = excluded.family_id,
    person_id = excluded.person_id, region_code = excluded.region_code,
    status = excluded.status, sensitive = excluded.sensitive,
    epoch = excluded.epoch, version = excluded.version
WHERE (kept.epoch, kept.version) < (excluded.epoch, excluded.version)
"""

# The aid of a cycle moves to another budget year with it, so the changed cycles are returned.
_CYCLES: Final = """
WITH told AS (
    SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::int[], $4::int[], $5::bigint[])
             AS told (cycle_id, program_id, year, epoch, version)
), moved AS (
    SELECT told.cycle_id FROM told JOIN cycles AS old USING (cycle_id)
    WHERE old.year <> told.year AND (old.epoch, old.version) < (told.epoch, told.version)
), written AS (
    INSERT INTO cycles AS kept (cycle_id, program_id, year, epoch, version)
    SELECT * FROM told
    ON CONFLICT (cycle_id) DO UPDATE SET
        program_id = excluded.program_id, year = excluded.year,
        epoch = excluded.epoch, version = excluded.version
    WHERE (kept.epoch, kept.version) < (excluded.epoch, excluded.version)
)
SELECT cycle_id FROM moved
"""

_CYCLES_NAMED: Final = """
INSERT INTO cycles (cycle_id, program_id, year, epoch, version)
SELECT DISTINCT ON (cycle_id) cycle_id, program_id, year, 0, 0
FROM unnest($1::uuid[], $2::uuid[], $3::int[]) AS named (cycle_id, program_id, year)
ORDER BY cycle_id, year
ON CONFLICT (cycle_id) DO NOTHING
"""

_KEYS_OF_CYCLES: Final = """
SELECT family_id, program_id FROM entitlements WHERE cycle_id = ANY($1::uuid[])
UNION SELECT family_id, program_id FROM deliveries WHERE cycle_id = ANY($1::uuid[])
"""

_ENTITLEMENT_KEYS: Final = """
SELECT DISTINCT family_id, program_id FROM entitlements WHERE entitlement_id = ANY($1::uuid[])
"""

_ENTITLEMENTS: Final = """
INSERT INTO entitlements AS kept
    (entitlement_id, cycle_id, program_id, family_id, person_id, region_code, value_idr,
     delivered_value_idr, status, sensitive, epoch, version)
SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::uuid[], $5::uuid[], $6::text[],
                     $7::bigint[], $8::bigint[], $9::text[], $10::bool[], $11::int[],
                     $12::bigint[])
ON CONFLICT (entitlement_id) DO UPDATE SET
    cycle_id = excluded.cycle_id, program_id = excluded.program_id,
    family_id = excluded.family_id, person_id = excluded.person_id,
    region_code = excluded.region_code, value_idr = excluded.value_idr,
    delivered_value_idr = excluded.delivered_value_idr, status = excluded.status,
    sensitive = excluded.sensitive, epoch = excluded.epoch, version = excluded.version
WHERE (kept.epoch, kept.version) < (excluded.epoch, excluded.version)
"""

_DELIVERIES: Final = """
INSERT INTO deliveries
    (delivery_id, cycle_id, program_id, family_id, person_id, region_code, delivered_on, quantity,
     value_idr, sensitive)
SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::uuid[], $5::uuid[], $6::text[],
                     $7::date[], $8::bigint[], $9::bigint[], $10::bool[])
ON CONFLICT (delivery_id) DO NOTHING
"""

_RETURNS: Final = """
INSERT INTO returns (return_id, delivery_id, quantity, value_idr, returned_on)
SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::bigint[], $4::bigint[], $5::date[])
ON CONFLICT (return_id) DO NOTHING
"""


def _columns(rows: Iterable[tuple[Any, ...]]) -> list[list[Any]]:
    return [list(column) for column in zip(*rows, strict=True)]


async def save_regions(tx: Transaction, states: Sequence[RegionState]) -> None:
    """Keep the newest state of each region."""
    rows = [
        (
            s.code,
            s.name,
            s.level,
            s.parent_code,
            s.valid_from,
            s.valid_to,
            s.epoch,
            s.version,
        )
        for s in states
    ]
    await (await tx.raw()).execute(_REGIONS, *_columns(rows))


async def save_families(tx: Transaction, states: Sequence[FamilyState]) -> None:
    """Keep the newest state of each family."""
    rows = [
        (
            s.family_id,
            s.region_code,
            s.active,
            s.desil_low,
            s.desil_high,
            s.desil_as_of,
            s.members,
            s.survivor_id,
            s.epoch,
            s.version,
        )
        for s in states
    ]
    await (await tx.raw()).execute(_FAMILIES, *_columns(rows))


async def save_organisations(tx: Transaction, states: Sequence[OrganisationState]) -> None:
    """Keep the newest state of each organisation."""
    rows = [(s.code, s.name, s.kind, s.epoch, s.version) for s in states]
    await (await tx.raw()).execute(_ORGANISATIONS, *_columns(rows))


async def save_programs(tx: Transaction, states: Sequence[ProgramState]) -> None:
    """Keep the newest state of each program, and its years with it."""
    connection = await tx.raw()
    rows = [
        (
            s.program_id,
            s.code,
            s.name,
            s.owner_code,
            s.reporter_code,
            s.klaster,
            s.strategi,
            s.bidang,
            s.unit,
            s.counts_as_reached,
            s.sensitive,
            s.target_desil_max,
            s.status,
            s.epoch,
            s.version,
        )
        for s in states
    ]
    taken = {row[0] for row in await connection.fetch(_PROGRAMS, *_columns(rows))}
    await connection.execute(_PROGRAM_YEARS_GONE, list(taken))
    years = [
        (s.program_id, y.year, y.fund_source, y.ceiling_idr, y.aid_ceiling_idr, y.quota)
        for s in states
        if s.program_id in taken
        for y in s.years
    ]
    if years:
        await connection.execute(_PROGRAM_YEARS, *_columns(years))


async def save_enrolments(tx: Transaction, states: Sequence[EnrolmentState]) -> None:
    """Keep the newest state of each enrolment."""
    rows = [
        (
            s.enrolment_id,
            s.program_id,
            s.year,
            s.family_id,
            s.person_id,
            s.region_code,
            s.status,
            s.sensitive,
            s.epoch,
            s.version,
        )
        for s in states
    ]
    await (await tx.raw()).execute(_ENROLMENTS, *_columns(rows))


async def save_cycles(tx: Transaction, states: Sequence[CycleState]) -> set[AidKey]:
    """Keep the newest state of each cycle. Return whose aid moved to another budget year."""
    connection = await tx.raw()
    rows = [(s.cycle_id, s.program_id, s.year, s.epoch, s.version) for s in states]
    moved = [row[0] for row in await connection.fetch(_CYCLES, *_columns(rows))]
    if not moved:
        return set()
    return {(row[0], row[1]) for row in await connection.fetch(_KEYS_OF_CYCLES, moved)}


async def save_entitlements(tx: Transaction, states: Sequence[EntitlementState]) -> set[AidKey]:
    """Keep the newest state of each entitlement. Return whose aid changed, before and after."""
    connection = await tx.raw()
    ids = [s.entitlement_id for s in states]
    before = {(row[0], row[1]) for row in await connection.fetch(_ENTITLEMENT_KEYS, ids)}
    await _name_cycles(tx, [(s.cycle_id, s.program_id, s.due_year) for s in states])
    rows = [
        (
            s.entitlement_id,
            s.cycle_id,
            s.program_id,
            s.family_id,
            s.person_id,
            s.region_code,
            s.value_idr,
            s.delivered_value_idr,
            s.status,
            s.sensitive,
            s.epoch,
            s.version,
        )
        for s in states
    ]
    await connection.execute(_ENTITLEMENTS, *_columns(rows))
    return before | {(s.family_id, s.program_id) for s in states}


async def save_deliveries(tx: Transaction, facts: Sequence[Delivery]) -> None:
    """Add deliveries; one that is known already changes nothing."""
    await _name_cycles(tx, [(f.cycle_id, f.program_id, f.delivered_on.year) for f in facts])
    rows = [
        (
            f.delivery_id,
            f.cycle_id,
            f.program_id,
            f.family_id,
            f.person_id,
            f.region_code,
            f.delivered_on,
            f.quantity,
            f.value_idr,
            f.sensitive,
        )
        for f in facts
    ]
    await (await tx.raw()).execute(_DELIVERIES, *_columns(rows))


async def save_returns(tx: Transaction, facts: Sequence[Return]) -> None:
    """Add returns; one that is known already changes nothing."""
    rows = [(f.return_id, f.delivery_id, f.quantity, f.value_idr, f.returned_on) for f in facts]
    await (await tx.raw()).execute(_RETURNS, *_columns(rows))


async def _name_cycles(tx: Transaction, cycles: Sequence[tuple[UUID, UUID, int]]) -> None:
    await (await tx.raw()).execute(_CYCLES_NAMED, *_columns(cycles))


async def forget_registry(tx: Transaction) -> None:
    """Empty what registry told, before it is read anew."""
    await _run(tx, ("DELETE FROM families", "DELETE FROM regions"))


async def forget_programs(tx: Transaction) -> None:
    """Empty what programs told, before it is read anew."""
    tables = ("enrolments", "program_years", "programs", "organisations")
    await _run(tx, [f"DELETE FROM {table}" for table in tables])  # noqa: S608 - names stand above


async def forget_states(tx: Transaction) -> None:
    """Empty entitlements. Cycles only lose their guard: deliveries still need their year."""
    await _run(tx, ("DELETE FROM entitlements", "UPDATE cycles SET epoch = 0, version = 0"))


_CYCLES_UNNEEDED = """
DELETE FROM cycles WHERE epoch = 0
    AND NOT EXISTS (SELECT 1 FROM entitlements WHERE entitlements.cycle_id = cycles.cycle_id)
"""


async def forget_facts(tx: Transaction) -> None:
    """Empty deliveries and returns, before they are read anew."""
    tables = ("deliveries", "returns", "program_progress")
    await _run(tx, [f"DELETE FROM {table}" for table in tables])  # noqa: S608 - names stand above
    # A cycle that only deliveries named: after a restore its producer may not know it any more.
    await _run(tx, (_CYCLES_UNNEEDED,))


async def _run(tx: Transaction, statements: Sequence[str]) -> None:
    connection = await tx.raw()
    for statement in statements:
        await connection.execute(statement)
