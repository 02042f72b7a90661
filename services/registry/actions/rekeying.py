"""What the registry renews when a key rotates: numbers and their claims, staged rows, what it told.

Merges are kept away from each batch, so no merge sees a number under both keys. Families go before
persons: a person's event carries the index of the family's KK number.
"""

from functools import partial
from typing import Any
from uuid import UUID

import orjson

from services.contracts.registry import PersonIdentityV1
from services.registry.actions.states import emit_states
from services.registry.storage import rekeying
from services.registry.storage.identities import Kind, Numbers
from services.registry.storage.import_rows import SEAL_CONTEXT
from services.shared.db import Lane, Transaction
from services.shared.rekeying import KeyedRows, Renewer, Step
from services.shared.sealing import Keyring, Sealer


async def _renew_numbers(
    tx: Transaction, keyring: Keyring, after: UUID | None, *, table: str
) -> Step | None:
    if not await rekeying.try_hold_merges(tx):
        return None
    seal_key, numbers = keyring["seal"].active, Numbers(keyring)
    rows = await rekeying.numbered(tx, table, after or rekeying.FIRST)
    old = [
        row
        for row in rows
        if row["key_version"] != numbers.key_version
        or (row["sealed"] is not None and row["sealed"][0] != seal_key)
    ]
    if old:
        await rekeying.renew_numbers(tx, table, old, numbers)
    if table == "persons":
        await emit_states(tx, [], [row["id"] for row in old], lane=Lane.BULK)
    # Rows in use were passed over, so a short batch is not the end; an empty one is.
    return Step(len(old), rows[-1]["id"] if rows else None)


async def _renew_staged(tx: Transaction, keyring: Keyring, after: UUID | None) -> Step:
    """Renew one import's rows whole: they meet by their index."""
    found = await rekeying.next_import(tx, after or rekeying.FIRST)
    if found is None:
        return Step(0, None)
    numbers, sealer = Numbers(keyring), Sealer(keyring)
    place, renewed = 0, 0
    while rows := await rekeying.staged(tx, found["id"], place):
        place = rows[-1]["row_number"]
        if found["index_key_version"] == numbers.key_version:
            rows = [row for row in rows if row["sealed"][0] != sealer.active_key_id]
        contents = [orjson.loads(sealer.open(row["sealed"], SEAL_CONTEXT)) for row in rows]
        kks = [c["kk"] if row["by_kk"] else None for c, row in zip(contents, rows, strict=True)]
        niks = [c["nik"] if row["by_nik"] else None for c, row in zip(contents, rows, strict=True)]
        indexes: dict[Kind, list[bytes | None]] = {
            "kk": numbers.indexes("kk", kks),
            "nik": numbers.indexes("nik", niks),
        }
        await rekeying.renew_staged(tx, found["id"], rows, indexes, sealer)
        renewed += len(rows)
    await rekeying.import_renewed(tx, found["id"], numbers.key_version)
    return Step(renewed, found["id"])


async def _forget_told(tx: Transaction, keyring: Keyring, _: Any) -> Step:
    index_key, seal_key = keyring["index"].active, keyring["seal"].active
    return Step(await rekeying.forget_told(tx, PersonIdentityV1.TYPE, index_key, seal_key), None)


RENEWERS: dict[str, Renewer] = {
    **{table: partial(_renew_numbers, table=table) for table in rekeying.NUMBERED},
    "import_rows": _renew_staged,
    "told_identities": _forget_told,
}

KEYED = tuple(
    KeyedRows(name, queries, RENEWERS.get(name)) for name, queries in rekeying.COUNTS.items()
)
"""Claims are renewed with the rows that hold the number."""
