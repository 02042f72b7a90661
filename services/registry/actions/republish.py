"""The current rows told again: after a lost stream, a restore, or for a new consumer."""

from collections.abc import AsyncIterator

from services.registry.actions.states import Told, family_states, identity_states
from services.registry.storage import states
from services.shared.db import Transaction


async def republish_families(tx: Transaction) -> AsyncIterator[Told]:
    """Yield every family's state."""
    async for page in states.all_ids(tx, "families"):
        for told in await family_states(tx, page):
            yield told


async def republish_identities(tx: Transaction) -> AsyncIterator[Told]:
    """Yield every person's identity."""
    async for page in states.all_ids(tx, "persons"):
        for told in await identity_states(tx, page):
            yield told
