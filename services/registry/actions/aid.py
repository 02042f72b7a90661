"""Keeping what programs and distribution report about families."""

from collections.abc import Sequence

from services.registry.domain.aid import AidKind, AidState
from services.registry.storage import aid as storage
from services.shared.db import Transaction


async def keep_aid_states(tx: Transaction, states: Sequence[AidState]) -> None:
    """Keep the newest state of each enrolment or entitlement."""
    await storage.keep(tx, states)


async def forget_aid_states(tx: Transaction, kind: AidKind) -> None:
    """Forget all of a kind: its stream is about to be read from the beginning."""
    await storage.forget(tx, kind)
