"""Keeps what registry and distribution tell: families, regions, identities, deliveries."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from services.programs.domain.errors import MalformedFact
from services.programs.domain.facts import MemberFacts, Rank, choose_rank, parse_birth_month
from services.programs.storage.deliveries import (
    EntitlementState,
    clear_entitlements,
    save_entitlements,
)
from services.programs.storage.families import (
    FamilyState,
    RegionState,
    clear_families,
    save_families,
    save_regions,
)
from services.programs.storage.persons import PersonState, clear_persons, save_persons
from services.shared.db import Transaction

__all__ = ["EntitlementState", "RegionState"]

ANSWER_MAX = 2**31 - 1
CURRENT = "active"
"""The registry's status of a family that lives here: not moved, dissolved or merged."""


@dataclass(frozen=True, slots=True)
class MemberTold:
    """A member as registry told it."""

    person_id: UUID
    sex: str | None
    birth_month: str | None
    presence: int | None
    answers: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class FamilyTold:
    """A family as registry told it, with the guard of the state."""

    family_id: UUID
    household_id: UUID
    region_code: str
    status: str
    merged: bool
    members: Sequence[MemberTold]
    dwelling: Mapping[str, int]
    ranks: Sequence[Rank]
    synthetic: bool
    epoch: int
    version: int


@dataclass(frozen=True, slots=True)
class IdentityTold:
    """An identity as registry told it; indexes and the sealed NIK in hex."""

    person_id: UUID
    family_id: UUID | None
    region_code: str | None
    name: str | None
    birth_date: date | None
    sex: str | None
    nik_index: str | None
    nik_masked: str | None
    nik_sealed: str | None
    kk_index: str | None
    kk_masked: str | None
    index_key_version: int | None
    epoch: int
    version: int


async def keep_families(tx: Transaction, told: Sequence[FamilyTold]) -> int:
    """Project families. Raise ``MalformedFact`` for a value that no rule could read."""
    return await save_families(tx, [_family(family) for family in told])


async def keep_regions(tx: Transaction, told: Sequence[RegionState]) -> None:
    """Project regions."""
    await save_regions(tx, told)


async def keep_persons(tx: Transaction, told: Sequence[IdentityTold]) -> None:
    """Project identities. Raise ``MalformedFact`` when an index is not hexadecimal."""
    await save_persons(tx, [_person(identity) for identity in told])


async def forget_families(tx: Transaction) -> None:
    """Empty the projection of families and regions, before it is read anew."""
    await clear_families(tx)


async def forget_persons(tx: Transaction) -> None:
    """Empty the projection of identities, before it is read anew."""
    await clear_persons(tx)


async def forget_entitlements(tx: Transaction) -> None:
    """Empty the projection of entitlements, before it is read anew."""
    await clear_entitlements(tx)


async def keep_entitlements(tx: Transaction, told: Sequence[EntitlementState]) -> None:
    """Project what distribution reserved and delivered."""
    await save_entitlements(tx, told)


def _family(told: FamilyTold) -> FamilyState:
    newest = choose_rank(told.ranks)
    return FamilyState(
        family_id=told.family_id,
        household_id=told.household_id,
        region_code=told.region_code,
        current=told.status == CURRENT and not told.merged,
        desil=None if newest is None else newest.desil,
        ranks=[_rank(rank) for rank in told.ranks],
        dwelling=_answers(told.dwelling),
        synthetic=told.synthetic,
        members=[
            MemberFacts(
                member.person_id,
                member.sex,
                parse_birth_month(member.birth_month),
                member.presence,
                _answers(member.answers),
            )
            for member in told.members
        ],
        epoch=told.epoch,
        version=told.version,
    )


def _rank(rank: Rank) -> dict[str, Any]:
    return {
        "period": rank.period,
        "source": rank.source,
        "low": rank.low,
        "high": rank.high,
        "as_of": rank.as_of.isoformat(),
    }


def _answers(values: Mapping[str, int]) -> dict[str, int]:
    """Refuse what the SQL of a rule could not read: one such answer would fail every search."""
    if any(not -ANSWER_MAX <= value <= ANSWER_MAX for value in values.values()):
        raise MalformedFact("an answer is out of range")
    return dict(values)


def _person(told: IdentityTold) -> PersonState:
    return PersonState(
        person_id=told.person_id,
        family_id=told.family_id,
        region_code=told.region_code,
        name=told.name,
        birth_date=told.birth_date,
        sex=told.sex,
        nik_index=_bytes(told.nik_index),
        nik_masked=told.nik_masked,
        nik_sealed=_bytes(told.nik_sealed),
        kk_index=_bytes(told.kk_index),
        kk_masked=told.kk_masked,
        index_key_version=told.index_key_version,
        epoch=told.epoch,
        version=told.version,
    )


def _bytes(text: str | None) -> bytes | None:
    if text is None:
        return None
    try:
        return bytes.fromhex(text)
    except ValueError as error:
        raise MalformedFact("an index is not hexadecimal") from error
