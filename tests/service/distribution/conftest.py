"""A distribution service and what the other producers would have told it."""

from dataclasses import dataclass, field
from datetime import date
from typing import Any
from uuid import UUID, uuid4

import pytest

from services.contracts.programs import (
    BenefitV1,
    EnrolmentStateV1,
    ProgramStateV1,
    ProgramYearV1,
)
from services.contracts.registry import FamilyStateV1, MemberV1, PersonIdentityV1, RegionStateV1
from services.distribution.main import SUBSCRIPTIONS
from services.shared.inbox import Inbox
from services.shared.sealing import KeyedIndex
from tests.support.service import ServiceUnderTest

VILLAGE = "62.02.06.2005"
OTHER_VILLAGE = "62.02.06.2006"
YEAR = 2026
LEG_IDR = 2_500_000


@dataclass
class Program:
    """A program as programs tells it; ``told`` counts the versions."""

    id: UUID = field(default_factory=uuid4)
    owner: str = "DINSOS"
    ceiling_idr: int | None = 100_000_000
    aid_ceiling_idr: int | None = 80_000_000
    quantity: int = 1
    unit_value_idr: int | None = LEG_IDR
    kind: str = "goods"
    sensitive: bool = False
    status: str = "active"
    told: int = 0


@dataclass
class Recipient:
    """A person in a family, with a granted enrolment."""

    enrolment_id: UUID = field(default_factory=uuid4)
    family_id: UUID = field(default_factory=uuid4)
    person_id: UUID = field(default_factory=uuid4)
    region: str = VILLAGE
    nik: str = ""
    told: int = 0


class World:
    """What was told to the service, by real events through the real broker."""

    def __init__(self, service: ServiceUnderTest) -> None:
        self.service = service
        self._serial = 9000

    async def hear(self) -> int:
        """Let the service handle everything that waits."""
        client = await self.service.broker.connect("distribution")
        inbox = Inbox(self.service.db, client, "distribution", SUBSCRIPTIONS)
        for producer in ("registry", "programs"):
            await self.service.broker.ensure_streams(producer)
        return await inbox.drain()

    async def tell_region(self, code: str, name: str) -> None:
        await self.service.publish(
            RegionStateV1(
                code=code,
                name=name,
                level="desa",
                parent_code=code[:8],
                valid_from=date(2020, 1, 1),
            )
        )

    async def tell_program(self, program: Program) -> Program:
        program.told += 1
        event = ProgramStateV1(
            program_id=program.id,
            code=f"P-{str(program.id)[:8].upper()}",
            name="Alat bantu: kaki palsu",
            owner_code=program.owner,
            reporter_code=program.owner,
            klaster="I",
            strategi="BEBAN",
            bidang="KESEHATAN",
            unit="person",
            benefit=BenefitV1(
                kind=program.kind,
                item="kaki palsu",
                unit="buah",
                quantity=program.quantity,
                unit_value_idr=program.unit_value_idr,
            ),
            frequency="sekali",
            steps=("ukur", "pesan", "coba", "serah", "kontrol"),
            years=(
                ProgramYearV1(
                    year=YEAR,
                    fund_source="APBD_KAB",
                    ceiling_idr=program.ceiling_idr,
                    aid_ceiling_idr=program.aid_ceiling_idr,
                ),
            ),
            counts_as_reached=True,
            sensitive=program.sensitive,
            status=program.status,
        )
        await self.service.publish(event, version=program.told)
        return program

    async def tell_enrolment(
        self, program: Program, recipient: Recipient, status: str = "granted", **changes: Any
    ) -> None:
        recipient.told += 1
        event = EnrolmentStateV1(
            **{
                "enrolment_id": recipient.enrolment_id,
                "program_id": program.id,
                "year": YEAR,
                "family_id": recipient.family_id,
                "person_id": recipient.person_id,
                "region_code": recipient.region,
                "status": status,
                "valid_from": date(YEAR, 1, 1),
                "sensitive": program.sensitive,
                **changes,
            }
        )
        await self.service.publish(event, version=recipient.told)

    async def tell_family(
        self,
        family_id: UUID,
        members: dict[UUID, int | None],
        *,
        region: str = VILLAGE,
        status: str = "active",
        version: int = 1,
        match_status: str = "PADAN",
    ) -> None:
        """Tell a family; ``members`` maps person to presence (Regsosek 404). The first is head."""
        event = FamilyStateV1(
            family_id=family_id,
            household_id=uuid4(),
            household_assumed=True,
            region_code=region,
            status=status,
            members=tuple(
                MemberV1(
                    person_id=person,
                    relation=1 if place == 0 else 3,
                    sex="L",
                    birth_month="1990-07",
                    presence=presence,
                    match_status=match_status,
                )
                for place, (person, presence) in enumerate(members.items())
            ),
            cause="import",
            effective_on=date(YEAR, 1, 1),
            synthetic=True,
        )
        await self.service.publish(event, version=version)

    async def tell_identity(self, recipient: Recipient, name: str, **changes: Any) -> None:
        self._serial += 1
        recipient.nik = recipient.nik or f"620206010790{self._serial}"
        index, version = KeyedIndex(self.service.app.state.key_file.current()).index(
            "nik", recipient.nik
        )
        event = PersonIdentityV1(
            **{
                "person_id": recipient.person_id,
                "family_id": recipient.family_id,
                "region_code": recipient.region,
                "name": name,
                "birth_date": date(1990, 7, 1),
                "sex": "L",
                "nik_index": index.hex(),
                "nik_masked": f"6202********{self._serial}",
                "nik_sealed": "AAAA",
                "index_key_version": version,
                **changes,
            }
        )
        await self.service.publish(event, version=changes.get("version", 1))

    async def recipients(
        self, program: Program, count: int, region: str = VILLAGE
    ) -> list[Recipient]:
        """Tell ``count`` new families of one person each, all granted the program."""
        made = [Recipient(region=region) for _ in range(count)]
        for one in made:
            await self.tell_family(one.family_id, {one.person_id: 1}, region=region)
            await self.tell_enrolment(program, one)
        return made

    # The HTTP side, as the officers use it.

    async def post(self, path: str, body: Any, *roles: str, **token: Any) -> Any:
        headers = self.service.auth(*(roles or ("admin_dinsos",)), **token)
        return await self.service.client.post(path, json=body, headers=headers)

    async def get(self, path: str, *roles: str, **token: Any) -> Any:
        headers = self.service.auth(*(roles or ("admin_dinsos",)), key=False, **token)
        params = token.pop("params", None)
        return await self.service.client.get(path, headers=headers, params=params)

    async def cycle(self, program: Program, name: str = "", **changes: Any) -> dict[str, Any]:
        answer = await self.post(
            "/v1/cycles",
            {
                "program_id": str(program.id),
                "name": name or f"Tahap {uuid4()}",
                "year": YEAR,
                "opens_on": "2026-01-01",
                "closes_on": "2026-12-31",
                **changes,
            },
        )
        assert answer.status_code == 201, answer.text
        return answer.json()

    async def entitled(
        self, program: Program, recipients: int = 1, **cycle: Any
    ) -> tuple[dict[str, Any], list[dict[str, Any]]]:
        """Return a cycle and its entitlements, made from ``recipients`` new grants."""
        await self.recipients(program, recipients)
        await self.hear()
        made = await self.cycle(program, **cycle)
        answer = await self.post(f"/v1/cycles/{made['id']}/entitlements/generate", None)
        assert answer.status_code == 200, answer.text
        return made, await self.entitlements(made["id"])

    async def entitlements(self, cycle_id: str) -> list[dict[str, Any]]:
        answer = await self.get(f"/v1/entitlements?cycle_id={cycle_id}&limit=200")
        assert answer.status_code == 200, answer.text
        return answer.json()["data"]

    async def session(self, cycle_id: str) -> str:
        answer = await self.post(
            "/v1/sessions",
            {
                "cycle_id": cycle_id,
                "place": "Aula Dinas Sosial",
                "held_on": "2026-03-10",
                "officer": "Petugas Contoh",
            },
        )
        assert answer.status_code == 201, answer.text
        return answer.json()["id"]

    def handed(self, entitlement_id: str, quantity: int = 1, **changes: Any) -> dict[str, Any]:
        return {
            "id": str(uuid4()),
            "entitlement_id": entitlement_id,
            "quantity": quantity,
            "delivered_on": "2026-03-10",
            **changes,
        }

    async def deliver(
        self, session_id: str, entitlement_id: str, quantity: int = 1, **changes: Any
    ) -> Any:
        body = {**self.handed(entitlement_id, quantity, **changes), "session_id": session_id}
        return await self.post("/v1/deliveries", body)

    async def accounts(self, program: Program) -> dict[str, tuple[int, int]]:
        answer = await self.get(f"/v1/ledger/accounts?program_id={program.id}&year={YEAR}")
        assert answer.status_code == 200, answer.text
        return {
            one["account"]: (one["balance_idr"], one["balance_units"])
            for one in answer.json()["accounts"]
        }

    async def outbox(self, type_: str) -> list[Any]:
        return await self.service.db.pool.fetch(
            "SELECT id, aggregateid, version, payload::jsonb AS payload, lane FROM outbox"
            " WHERE type = $1 ORDER BY sequence",
            type_,
        )


@pytest.fixture(scope="module")
async def world(make_service: Any) -> World:
    """Distribution with an empty database, that hears what the test tells."""
    return World(await make_service("distribution"))
