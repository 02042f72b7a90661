"""What families and persons look like to a caller: masked numbers, ages instead of birth dates.

A masked NIK beside a birth date gives the number away, so no view shows both. The hot reads build
their JSON directly; a test holds them to these shapes.
"""

from datetime import date, datetime
from typing import Any
from uuid import UUID

import orjson
from pydantic import BaseModel, ConfigDict

from services.registry.api.examples import FAMILY_THEN
from services.registry.domain.conditions import Snapshot, combined
from services.registry.domain.families import HEAD, allowed_actions
from services.registry.domain.identity import age_on
from services.registry.domain.ranks import RANKS_KEPT, Rank, desil


class ConditionView(BaseModel):
    """The newest answers, by question number; codes in ``/v1/code-lists/<scheme>/<version>``."""

    scheme: str
    version: str
    source: str
    observed_on: date
    answers: dict[str, int]


class RankView(BaseModel):
    """A welfare rank; ``low`` and ``high`` are null when unranked, then ``reason`` says why."""

    period: str
    source: str
    low: int | None
    high: int | None
    reason: str | None
    cut_off: date


class MemberView(BaseModel):
    """A present member of a family."""

    person_id: UUID
    name: str
    nik_masked: str | None
    nik_missing_reason: str | None
    age: int | None
    sex: str | None
    relation: int | None
    presence: int | None
    match_status: str
    marital: int | None
    education: int | None
    occupation: int | None
    condition: ConditionView | None


class FamilyView(BaseModel):
    """One family with its members, its dwelling's conditions and its ranks."""

    id: UUID
    household_id: UUID
    household_assumed: bool
    region_code: str
    address: str | None
    rt: str | None
    rw: str | None
    kk_masked: str | None
    status: str
    survivor_id: UUID | None
    head_name: str | None
    member_count: int
    desil_low: int | None
    desil_high: int | None
    ranks: list[RankView]
    dwelling: ConditionView | None
    members: list[MemberView]
    cause: str
    effective_on: date
    synthetic: bool
    version: int
    updated_at: datetime
    allowed_actions: list[str]


class MemberThenView(BaseModel):
    """Anggota pada hari itu / a member on that day.

    Hubungan, keberadaan dan kondisi adalah milik hari itu. Nama, NIK, umur dan jenis kelamin
    seperti dikenal hari ini, karena riwayatnya belum disimpan; semuanya kosong bila ``elsewhere``:
    orang ini kini tercatat di luar wilayah pemanggil. / Relation, presence and condition are of
    that day. Name, NIK, age and sex are as known today, for no history of them is kept yet; all
    are null when ``elsewhere``: the person is now registered outside of the caller's regions.
    """

    person_id: UUID
    elsewhere: bool
    name: str | None
    nik_masked: str | None
    nik_missing_reason: str | None
    age: int | None
    sex: str | None
    relation: int | None
    presence: int | None
    condition: ConditionView | None


class FamilyThenView(BaseModel):
    """Keluarga pada ``as_of`` menurut catatan sampai ``known_at`` / a family as it was.

    Status, rumah tangga, sebab dan versi tidak ada di sini: riwayatnya belum disimpan. Peringkat
    dihitung menurut tanggal datanya (``cut_off``), kondisi menurut hari pengamatannya. / Status,
    household, cause and version are not here: no history of them is kept yet. A rank counts from
    the day of its data (``cut_off``), a condition from the day it was observed.
    """

    model_config = ConfigDict(json_schema_extra={"examples": [FAMILY_THEN]})

    id: UUID
    as_of: date
    known_at: datetime
    region_code: str
    address: str | None
    rt: str | None
    rw: str | None
    kk_masked: str | None
    head_name: str | None
    member_count: int
    desil_low: int | None
    desil_high: int | None
    ranks: list[RankView]
    dwelling: ConditionView | None
    members: list[MemberThenView]
    synthetic: bool


class FamilySummary(BaseModel):
    """A family in a list."""

    id: UUID
    region_code: str
    rt: str | None
    rw: str | None
    kk_masked: str | None
    head_name: str | None
    member_count: int
    desil_low: int | None
    desil_high: int | None
    status: str
    synthetic: bool
    version: int


class PersonView(BaseModel):
    """One person and their present place."""

    id: UUID
    name: str
    nik_masked: str | None
    nik_missing_reason: str | None
    age: int | None
    sex: str | None
    match_status: str
    marital: int | None
    education: int | None
    occupation: int | None
    condition: ConditionView | None
    relation: int | None
    presence: int | None
    family_id: UUID
    region_code: str
    synthetic: bool
    version: int
    updated_at: datetime
    allowed_actions: list[str]


class PersonSummary(BaseModel):
    """A person in a search result."""

    id: UUID
    name: str
    nik_masked: str | None
    age: int | None
    sex: str | None
    match_status: str
    family_id: UUID
    region_code: str


def family_json(body: dict[str, Any], *, today: date, may_correct: bool) -> bytes:
    """Return the JSON of ``FamilyView`` from the row of ``storage.families.family``."""
    body["household_assumed"] = body.pop("assumed")
    body["ranks"] = orjson.loads(body["ranks"])
    body["dwelling"] = _condition(orjson.loads(body["dwelling"]))
    body["members"] = [_member(member, today) for member in orjson.loads(body["members"])]
    body["allowed_actions"] = allowed_actions(body["status"], may_correct=may_correct)
    return _json(body)


def family_then_json(body: dict[str, Any], *, today: date) -> bytes:
    """Return the JSON of ``FamilyThenView`` from a moment and the row that was held then.

    Ages are of ``today``: whoever could ask for the age on any day would find the birth date in
    nine questions, and with it the masked part of the NIK.
    """
    body["ranks"] = orjson.loads(body["ranks"])[-RANKS_KEPT:]
    ranks = [Rank.from_json(rank) for rank in body["ranks"]]
    body["desil_low"], body["desil_high"] = desil(ranks)
    body["dwelling"] = _condition(orjson.loads(body["dwelling"]))
    body["members"] = [_member(member, today) for member in orjson.loads(body["members"])]
    heads = [one["name"] for one in body["members"] if one["relation"] == HEAD and one["name"]]
    body["head_name"] = min(heads, default=None)
    body["member_count"] = len(body["members"])
    return _json(body)


def person_json(body: dict[str, Any], *, today: date, may_reveal: bool) -> bytes:
    """Return the JSON of ``PersonView`` from the row of ``storage.persons.person``."""
    body["age"] = age(body.pop("birth_date"), today)
    body["condition"] = _condition(orjson.loads(body.pop("conditions")))
    shown = may_reveal and body["nik_masked"] is not None
    body["allowed_actions"] = ["reveal"] if shown else []
    return _json(body)


def age(birth_date: date | None, today: date) -> int | None:
    """Return the age that stands in for a birth date."""
    return None if birth_date is None else age_on(birth_date, today)


def _json(body: dict[str, Any]) -> bytes:
    # asyncpg's UUID is a subclass, which orjson leaves to ``default``.
    return orjson.dumps(body, default=str)


def _member(member: dict[str, Any], today: date) -> dict[str, Any]:
    born = member.pop("birth_date")
    member["age"] = age(born and date.fromisoformat(born), today)
    member["condition"] = _condition(member.pop("conditions"))
    return member


def _condition(stored: list[dict[str, Any]]) -> dict[str, Any] | None:
    if len(stored) == 1:
        return stored[0]
    one = combined([Snapshot.from_json(snapshot) for snapshot in stored])
    return None if one is None else one.to_json()
