"""Current rows told as events: families and persons' identities."""

from collections.abc import Iterable, Sequence
from uuid import UUID

import orjson

from services.contracts.registry import (
    ConditionV1,
    FamilyStateV1,
    MemberV1,
    PersonIdentityV1,
    RankV1,
)
from services.registry.domain.conditions import combined
from services.registry.storage import known, states
from services.shared.db import Lane, ReadTransaction, Transaction
from services.shared.events import EventData

Told = tuple[EventData, int]
"""An event and the version of the row that it shows."""


async def emit_states(
    tx: Transaction, family_ids: Sequence[UUID], person_ids: Sequence[UUID], *, lane: Lane
) -> None:
    """Tell the present state of these families and identities when the transaction commits."""
    await tx.flush()
    told = [*await family_states(tx, family_ids), *await identity_states(tx, person_ids)]
    if lane is Lane.BULK:
        await tx.emit_many(told, lane)
        return
    for event, version in told:
        tx.emit(event, version=version, lane=lane)


async def family_states(tx: ReadTransaction, ids: Sequence[UUID]) -> list[Told]:
    """Return the state event of each family."""
    records = await states.family_records(tx, ids)
    return [(_family(record), record.family["version"]) for record in records]


async def identity_states(tx: ReadTransaction, ids: Sequence[UUID]) -> list[Told]:
    """Return the identity event of each person."""
    return [
        (
            PersonIdentityV1(
                person_id=row["id"],
                family_id=row["family_id"],
                region_code=row["region_code"],
                name=row["name"],
                birth_date=row["birth_date"],
                sex=row["sex"],
                nik_index=_hex(row["nik_index"]),
                nik_masked=row["nik_masked"],
                nik_sealed=_hex(row["nik_sealed"]),
                kk_index=_hex(row["kk_index"]),
                kk_masked=row["kk_masked"],
                index_key_version=row["key_version"],
            ),
            row["version"],
        )
        for row in await states.identity_records(tx, ids)
    ]


def _family(record: states.FamilyRecord) -> FamilyStateV1:
    row = record.family
    return FamilyStateV1(
        family_id=row["id"],
        household_id=row["household_id"],
        household_assumed=row["assumed"],
        region_code=row["region_code"],
        status=row["status"],
        members=tuple(_members(record.members)),
        dwelling=_condition(row["dwelling"]),
        ranks=tuple(
            RankV1(
                period=rank["period"],
                source=rank["source"],
                low=rank["low"],
                high=rank["high"],
                reason=rank["reason"],
                as_of=rank["cut_off"],
            )
            for rank in orjson.loads(row["ranks"])
        ),
        cause=row["cause"],
        effective_on=row["effective_on"],
        survivor_id=row["survivor_id"],
        synthetic=row["synthetic"],
    )


def _members(rows: Iterable[states.Record]) -> Iterable[MemberV1]:
    for row in rows:
        born = row["birth_date"]
        yield MemberV1(
            person_id=row["id"],
            relation=row["relation"],
            sex=row["sex"],
            birth_month=born and f"{born:%Y-%m}",
            presence=row["presence"],
            match_status=row["match_status"],
            occupation=row["occupation"],
            condition=_condition(row["conditions"]),
        )


def _condition(stored: str) -> ConditionV1 | None:
    one = combined(known.snapshots(stored))
    if one is None:
        return None
    return ConditionV1(
        scheme=one.scheme,
        version=one.version,
        source=one.source,
        observed_on=one.observed_on,
        values=dict(one.answers),
    )


def _hex(value: bytes | None) -> str | None:
    return None if value is None else value.hex()
