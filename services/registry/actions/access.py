"""Looking people up by their numbers and revealing a NIK: each time logged, with its purpose.

The log entry is written in the same transaction as the answer. A search that finds nobody inside
the caller's regions answers as one that finds nobody at all, and the log keeps the difference.
"""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from services.registry.domain.errors import (
    InvalidNumberError,
    PersonHasNoNikError,
    PersonNotFoundError,
)
from services.registry.domain.identity import blocks, check_kk, check_nik, normalise_number
from services.registry.domain.purposes import clean_purpose
from services.registry.storage import families, persons
from services.registry.storage.identities import Kind, Numbers
from services.shared import clock
from services.shared.auth import Actor
from services.shared.db import Transaction


async def search_families(
    tx: Transaction, numbers: Numbers, actor: Actor, *, kind: Kind, number: str, purpose: str
) -> list[dict[str, Any]]:
    """Return the summaries of the families with this KK number, or of a person with this NIK."""
    indexes = numbers.lookup(kind, _checked(kind, number))
    find = families.ids_by_kk if kind == "kk" else families.ids_by_nik
    ids = await find(tx, indexes)
    visible = await families.some(tx, ids, actor.scope)
    _log(tx, actor, f"search_{kind}", purpose, family_ids=ids, found=bool(visible))
    return visible


async def search_persons(
    tx: Transaction, numbers: Numbers, actor: Actor, *, nik: str, purpose: str
) -> list[dict[str, Any]]:
    """Return the summaries of all who claim this NIK: more than one while it is disputed."""
    ids = await persons.ids_by_nik(tx, numbers.lookup("nik", _checked("nik", nik)))
    visible = await persons.some(tx, ids, actor.scope)
    _log(tx, actor, "search_nik", purpose, person_ids=ids, found=bool(visible))
    return visible


async def reveal_nik(
    tx: Transaction, numbers: Numbers, actor: Actor, person_id: UUID, purpose: str
) -> str:
    """Return the full NIK, and write down that this caller saw it and why."""
    known, sealed = await persons.sealed_nik(tx, person_id, actor.scope)
    if not known:
        raise PersonNotFoundError
    if sealed is None:
        raise PersonHasNoNikError
    _log(tx, actor, "reveal_nik", purpose, person_ids=[person_id], found=True)
    payload = {"purpose": clean_purpose(purpose)}
    tx.audit("reveal_nik", f"person/{person_id}", payload, actor.id)
    return numbers.open("nik", sealed)


def _checked(kind: Kind, number: str) -> str:
    cleaned = normalise_number(number)
    check = check_nik if kind == "nik" else check_kk
    if blocks(check(cleaned, today=clock.today())):
        raise InvalidNumberError
    return cleaned


def _log(
    tx: Transaction,
    actor: Actor,
    action: str,
    purpose: str,
    *,
    person_ids: Sequence[UUID] = (),
    family_ids: Sequence[UUID] = (),
    found: bool,
) -> None:
    subjects: list[tuple[UUID | None, UUID | None]] = [
        *((one, None) for one in person_ids),
        *((None, one) for one in family_ids),
    ]
    for person_id, family_id in subjects or [(None, None)]:
        persons.log_access(
            tx,
            action=action,
            actor=actor.id,
            actor_name=actor.name,
            agency=actor.agency,
            purpose=clean_purpose(purpose),
            person_id=person_id,
            family_id=family_id,
            found=found,
        )
