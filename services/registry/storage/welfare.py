"""Bulk reads and writes of a national list: ranks, dwellings and persons' conditions."""

from collections.abc import Mapping, Sequence
from datetime import date
from uuid import UUID

import orjson

from services.registry.domain.ranks import Rank, desil
from services.registry.domain.welfare import (
    KnownWelfare,
    RankedFamily,
    RatedPerson,
    WelfarePlan,
)
from services.registry.storage.known import (
    PRESENT_PLACE,
    Connection,
    look_up_by_keys,
    nik_claims,
    recorded_answers,
    snapshots,
    snapshots_json,
)
from services.registry.storage.merging import copy_rows, insert_snapshots
from services.shared.db import Transaction
from services.shared.ids import new_id


async def load_known(
    tx: Transaction,
    *,
    kk_aliases: Mapping[bytes, bytes],
    nik_aliases: Mapping[bytes, bytes],
    source: str,
    periods: Sequence[str],
    days: Sequence[date],
) -> KnownWelfare:
    """Read what the registry knows of these numbers, and lock the families."""
    connection = await tx.raw()
    await look_up_by_keys(connection)
    known = KnownWelfare()
    for row in await connection.fetch(
        "SELECT c.number_index, f.id, f.region_code, f.ranks::text, f.dwelling::text"
        " FROM identity_claims c JOIN families f ON f.id = c.subject_id"
        " WHERE c.kind = 'kk' AND c.number_index = ANY($1) AND f.status <> 'merged'"
        " ORDER BY c.state DESC, c.id FOR UPDATE OF f",
        list(kk_aliases),
    ):
        ranks = tuple(Rank.from_json(one) for one in orjson.loads(row["ranks"]))
        known.families[row["id"]] = RankedFamily(
            row["id"], row["region_code"], ranks, snapshots(row["dwelling"])
        )
        known.kk_claims.setdefault(kk_aliases[row["number_index"]], []).append(row["id"])
    known.nik_claims = await nik_claims(connection, nik_aliases)
    for row in await connection.fetch(
        f"SELECT p.id, p.conditions::text, place.family_id FROM persons p {PRESENT_PLACE}"  # noqa: S608 - a constant
        " WHERE p.id = ANY($1)",
        list({one for claims in known.nik_claims.values() for one in claims}),
    ):
        known.persons[row["id"]] = RatedPerson(
            row["id"], row["family_id"], snapshots(row["conditions"])
        )
    family_ids = list(known.families)
    known.ranks = await _ranks(connection, family_ids, source, periods)
    known.dwellings = await recorded_answers(connection, "family", family_ids, source, days)
    known.conditions = await recorded_answers(
        connection, "person", list(known.persons), source, days
    )
    return known


async def write(tx: Transaction, plan: WelfarePlan, *, import_id: UUID | None) -> None:
    """Write all of ``plan``; families get their version by ``merging.touch_families``."""
    connection = await tx.raw()
    await connection.execute(
        "UPDATE ranks r SET superseded_at = $4"
        " FROM unnest($1::uuid[], $2::text[], $3::text[]) AS t (family_id, period, source)"
        " WHERE r.family_id = t.family_id AND r.period = t.period AND r.source = t.source"
        " AND r.superseded_at IS NULL",
        [family_id for family_id, _, _ in plan.ranks],
        [rank.period for _, rank, _ in plan.ranks],
        [rank.source for _, rank, _ in plan.ranks],
        tx.now,
    )
    await copy_rows(
        tx,
        "ranks",
        [
            {
                "id": new_id(),
                "family_id": family_id,
                **{name: getattr(rank, name) for name in Rank.__slots__},
                "bast_number": bast_number,
                "import_id": import_id,
                "recorded_at": tx.now,
            }
            for family_id, rank, bast_number in plan.ranks
        ],
    )
    await insert_snapshots(tx, "family", plan.family_snapshots, import_id)
    await insert_snapshots(tx, "person", plan.person_snapshots, import_id)
    families = list(plan.families.values())
    await connection.execute(
        "UPDATE families f SET ranks = t.ranks::jsonb, dwelling = t.dwelling::jsonb,"
        " desil_low = t.low, desil_high = t.high"
        " FROM unnest($1::uuid[], $2::text[], $3::text[], $4::int[], $5::int[])"
        " AS t (id, ranks, dwelling, low, high) WHERE f.id = t.id",
        [one.id for one in families],
        [orjson.dumps([rank.to_json() for rank in one.ranks]).decode() for one in families],
        [snapshots_json(one.dwelling) for one in families],
        [desil(one.ranks)[0] for one in families],
        [desil(one.ranks)[1] for one in families],
    )
    persons = list(plan.persons.values())
    await connection.execute(
        "UPDATE persons p SET conditions = t.conditions::jsonb, version = p.version + 1,"
        " updated_at = $3 FROM unnest($1::uuid[], $2::text[]) AS t (id, conditions)"
        " WHERE p.id = t.id",
        [one.id for one in persons],
        [snapshots_json(one.conditions) for one in persons],
        tx.now,
    )


async def _ranks(
    connection: Connection, family_ids: Sequence[UUID], source: str, periods: Sequence[str]
) -> dict[tuple[UUID, str], Rank]:
    rows = await connection.fetch(
        "SELECT family_id, period, source, low, high, reason, cut_off FROM ranks"
        " WHERE family_id = ANY($1) AND source = $2 AND period = ANY($3)"
        " AND superseded_at IS NULL",
        family_ids,
        source,
        periods,
    )
    return {
        (row["family_id"], row["period"]): Rank(*(row[name] for name in Rank.__slots__))
        for row in rows
    }
