"""What the people of a regency do all day, through public doors only, while something breaks.

A village hands in its list and the welfare ranks come; Dinas Sosial tells of a program over its own
NATS account; families are enrolled, granted, entitled, and get a unit of aid again and again; some
comes back; addresses are corrected. Every call is in the history. Who gets no answer asks again
with the same key, as a real client does, until the ``patience_s`` is over.

``system`` is a ``Longhouse`` or a ``RunningSystem``: it has ``client``, ``token`` and
``connect_agency``. Only one journey may use an agency of a system; families begin at ``first``.
"""

import asyncio
import random
import uuid
from dataclasses import dataclass, field
from typing import Any

from services.shared import clock
from tests.support import files, story
from tests.support.callers import OFFSET, reported
from tests.support.faults.clients import Clients, System
from tests.support.faults.history import READ, History
from tests.support.story import PELANGSIAN

PATIENCE_S = 60.0
UNITS = 100_000
"""Units of one entitlement: enough for any number of rounds."""
UNIT_IDR = 1_000
MEMBERS = 2
ENROLLED_IN_A_ROUND = 10


@dataclass(slots=True)
class Stage:
    """A program that runs, with its open cycle and session, and who may still be enrolled."""

    code: str
    program: str
    cycle: str = ""
    session: str = ""
    waiting: list[str] = field(default_factory=list)


class Journey(Clients):
    """Steps may run one after another or at once; each ends when its client knows or gives up."""

    def __init__(
        self,
        system: System,
        history: History,
        *,
        agency: str = "DINSOS",
        families: int = 30,
        first: int = 30_000,
        patience_s: float = PATIENCE_S,
    ) -> None:
        super().__init__(system, history, agency=agency, patience_s=patience_s)
        self.count, self.first = families, first
        self.draw = random.Random(history.seed)
        self.year = clock.today().year
        self.families: list[str] = []
        self.stages: list[Stage] = []
        self.entitlements: list[str] = []
        self.deliveries: list[str] = []

    # Before the faults: everybody and everything that the steps need.

    async def open(self) -> None:
        """Import the village, and run a first program with a few entitlements."""
        self.agency = await self.system.connect_agency(self.agency_code)
        await self.import_families(self.count)
        body = {"code": self.agency_code, "name": "Dinas contoh", "kind": "SKPD"}
        await self.surely(
            "admin_dinsos", "organisation", self.agency_code, "/v1/organisations", body
        )
        await self.new_program()
        for _ in range(4):
            await self.enrol()
        await self.until(self.entitle, "entitlements")

    async def close(self) -> None:
        await self.agency.close()

    async def import_families(self, count: int) -> None:
        """Hand in ``count`` families and their welfare ranks, and wait until they are merged."""
        rows = files.village(count, MEMBERS, self.first)
        self.first += count
        await self._import(
            files.opensid_csv(rows),
            {"format": "opensid_residents", "region_code": PELANGSIAN},
            hands=("operator_desa", "kades"),
        )
        code = PELANGSIAN.replace(".", "")
        ranks = [
            files.welfare() | {"no_kk": r["no_kk"], "nik": r["nik"], "nama": r["nama"]}
            for r in rows
        ]
        await self._import(
            files.dtsen_csv([rank | {"kode_desa": code} for rank in ranks]),
            {"format": "dtsen_extract", "bast_number": "BAST/1/2026", "period": "2026-Q3",
             "cut_off": "2026-09-30"},
            hands=("admin_dinsos", "verifikator_dinsos"),
        )  # fmt: skip
        found = await self.read("operator_desa", "/v1/families", limit=200)
        self.families = [each["id"] for each in found["data"]]
        self.history.saw("operator_desa", "family", self.families)

    async def prepare(self) -> None:
        """See that somebody can still be enrolled. Everything must be running."""
        if sum(len(stage.waiting) for stage in self.stages) < ENROLLED_IN_A_ROUND:
            await self.new_program()

    async def new_program(self) -> Stage:
        """Let the agency report a program, and prepare rule, cycle and session."""
        code = f"FAULT-{uuid.UUID(int=self.draw.getrandbits(128)).hex[:12].upper()}"
        await self.report_program(code)
        owner = {"owner_code": self.agency_code, "limit": 200}

        async def listed() -> str | None:
            found = await self.read("petugas_skpd", "/v1/programs", **owner)
            return next((p["program_id"] for p in found["data"] if p["code"] == code), None)

        stage = Stage(code, await self.until(listed, f"program {code}"))
        self.history.saw("petugas_skpd", "program", [f"{self.agency_code}/{code}"])
        rule = {"tree": {"desil": {"maks": 4}}, "legal_reference": "Juknis contoh"}
        path = f"/v1/programs/{stage.program}/rules"
        await self.surely(
            "petugas_skpd", "rule", stage.program, path, rule | {"valid_from": f"{self.year}-01-01"}
        )
        dated = {"opens_on": f"{self.year}-01-01", "closes_on": f"{self.year}-12-31"}
        cycle = {"program_id": stage.program, "name": "Tahap I", "year": self.year, **dated}
        key = f"{stage.program}/{self.year}/Tahap I"

        async def opened() -> str | None:
            answer = await self.write("petugas_skpd", "cycle", key, "/v1/cycles", cycle)
            return answer.json()["id"] if answer is not None and answer.is_success else None

        stage.cycle = await self.until(opened, f"a cycle of {code}")
        place = f"Aula {stage.code}"
        session = {"cycle_id": stage.cycle, "place": place, "officer": "Siti"}
        session["held_on"] = clock.today().isoformat()
        made = await self.surely("petugas_skpd", "session", place, "/v1/sessions", session)
        stage.session = made["id"]
        stage.waiting = list(self.families)
        self.stages.append(stage)
        return stage

    # Steps.

    async def report_program(self, code: str) -> str:
        """Let the agency tell of a program. Return the event's id."""
        event = reported(self.agency, self.program(code))
        await self.publish("report", event)
        return str(event["id"])

    def program(self, code: str) -> dict[str, Any]:
        """Describe a program of services to families, with money for any number of rounds."""
        described = story.leg_program(self.year) | {"code": code, "unit": "family"}
        described["benefit"] = {"kind": "service", "item": "layanan", "unit": "kali",
                                "quantity": UNITS, "unit_value_idr": UNIT_IDR}  # fmt: skip
        described["years"][0] |= {"ceiling_idr": 10**15, "quota": None}
        return described

    async def report_delivery(self) -> None:
        """Let the agency tell of a handover of its own."""
        right = self.draw.choice(self.entitlements)
        data = self.handover(right)
        event = reported(self.agency, data, type="skpd.delivery.reported.v1")
        await self.publish("report of delivery", event)

    def handover(self, right: str) -> dict[str, Any]:
        """Describe a handover of one unit as an agency does."""
        return {
            "delivery_id": str(uuid.uuid4()), "entitlement_id": right, "quantity": 1,
            "delivered_on": clock.today().isoformat(),
        }  # fmt: skip

    async def correct_address(self) -> None:
        """Correct where a family lives, on exactly what was read."""
        path = f"/v1/families/{self.draw.choice(self.families)}"
        seen = await self.ask("operator_desa", path)
        if seen is None or not seen.is_success:
            return
        reason = f"koreksi {uuid.uuid4()}"
        body = {"address": f"Jl. Betang {self.draw.randrange(10**9)}", "reason": reason}
        await self.write(
            "operator_desa",
            "correction",
            reason,
            path,
            body,
            method="PATCH",
            if_match=seen.headers["ETag"],
        )

    async def enrol(self) -> None:
        """Enrol a family that is not yet, and let another person grant it."""
        stage = next((each for each in self.stages if each.waiting), None)
        if stage is None:
            return
        family = stage.waiting.pop()
        body = {"program_id": stage.program, "year": self.year, "family_id": family}
        key = f"{stage.program}/{self.year}/{family}"
        made = await self.write("petugas_skpd", "enrolment", key, "/v1/enrolments", body)
        if made is None or not made.is_success:
            return
        enrolment = made.json()["enrolment_id"]
        path = f"/v1/enrolments/{enrolment}/approve"
        reason = {"override_reason": "Daftar musyawarah desa"}
        await self.write("verifikator_dinsos", "grant", enrolment, path, reason)

    async def entitle(self) -> bool:
        """Entitle whoever distribution has heard of. Return whether anybody is entitled."""
        for stage in self.stages[-2:]:
            await self.write(
                "petugas_skpd", READ, stage.cycle,
                f"/v1/cycles/{stage.cycle}/entitlements/generate", {},
            )  # fmt: skip
            found = await self.ask(
                "petugas_skpd", "/v1/entitlements", cycle_id=stage.cycle, limit=200
            )
            if found is None or not found.is_success:
                continue
            ids = [each["id"] for each in found.json()["data"]]
            new = [each for each in ids if each not in self.entitlements]
            self.history.saw("petugas_skpd", "entitlement", new)
            self.entitlements += new
        return bool(self.entitlements)

    async def deliver(self) -> None:
        """Hand over one unit in a session."""
        right = self.draw.choice(self.entitlements)
        session = await self._session_of(right)
        if session is None:
            return
        delivery = str(uuid.uuid4())
        body = {
            "id": delivery, "session_id": session, "entitlement_id": right, "quantity": 1,
            "delivered_on": clock.today().isoformat(),
        }  # fmt: skip
        answer = await self.write("penyalur", "delivery", delivery, "/v1/deliveries", body)
        if answer is not None and answer.is_success:
            self.deliveries.append(delivery)

    async def give_back(self) -> None:
        """Take one unit of a delivery back; a delivery comes back once."""
        if not self.deliveries:
            return
        delivery = self.deliveries.pop(self.draw.randrange(len(self.deliveries)))
        body = {"id": str(uuid.uuid4()), "quantity": 1, "reason": "tidak pas"}
        body["returned_on"] = clock.today().isoformat()
        await self.write(
            "penyalur", "return", body["id"], f"/v1/deliveries/{delivery}/return", body
        )

    async def look_again(self) -> None:
        """Forget what is no more, as people do who open their screens after a restore."""
        for stage in [*self.stages]:
            asked = await self.ask("petugas_skpd", f"/v1/cycles/{stage.cycle}")
            told = await self.ask("petugas_skpd", f"/v1/programs/{stage.program}")
            if asked is None or told is None or not (asked.is_success and told.is_success):
                self.stages.remove(stage)
        cycles = [each.cycle for each in self.stages]
        self.entitlements = [
            each["id"]
            for cycle in cycles
            for each in (
                await self.read("petugas_skpd", "/v1/entitlements", cycle_id=cycle, limit=200)
            )["data"]
        ]
        self.deliveries = []

    async def step(self) -> None:
        """Do any of these, as the seed draws."""
        steps = (
            self.correct_address, self.enrol, self.entitle, self.deliver, self.deliver,
            self.deliver, self.give_back, self.report_delivery,
        )  # fmt: skip
        await self.draw.choice(steps)()

    async def _session_of(self, entitlement: str) -> str | None:
        found = await self.ask("petugas_skpd", f"/v1/entitlements/{entitlement}")
        if found is None or not found.is_success:
            return None
        cycle = found.json()["cycle_id"]
        return next((each.session for each in self.stages if each.cycle == cycle), None)

    async def _import(self, content: bytes, about: dict[str, Any], hands: tuple[str, str]) -> None:
        """Hand in a list by the first of ``hands``, let the second approve it."""
        sender, decider = hands
        name = f"daftar-{uuid.uuid4()}.csv"
        announced = {"file_name": name, "media_type": "text/csv", "purpose": "import"}
        announced |= {"size": len(content)} | (
            {} if "region_code" not in about else {"region_code": PELANGSIAN}
        )
        made = await self.surely(sender, "upload", name, "/v1/uploads/registry", announced)
        await self._send(sender, f"/v1/uploads/registry/{made['id']}", content)
        body = about | {"upload_id": made["id"], "synthetic": True}
        started = await self.surely(sender, "import", made["id"], "/v1/imports", body)
        path = f"/v1/imports/{started['id']}"
        await self._until_state(sender, path, "validated")
        seen = await self.ask(decider, path)
        assert seen is not None
        done = await self.write(
            decider, "merge", started["id"], f"{path}/approve", None, if_match=seen.headers["ETag"]
        )
        assert done is not None, f"{path}: no answer"
        assert done.is_success, done.text
        await self._until_state(sender, path, "merged")

    async def _send(self, role: str, path: str, content: bytes) -> None:
        """Send a file from where the server has it, until it has all."""
        ends = self._patience()
        while asyncio.get_running_loop().time() < ends:
            head = await self._persist(lambda: self._call(role, READ, path, "HEAD", path))
            assert head is not None
            offset = int(head.headers["Upload-Offset"])
            if offset == len(content):
                return
            headers = {"Upload-Offset": str(offset), "Content-Type": OFFSET}
            headers["Idempotency-Key"] = str(uuid.uuid4())
            await self._call(
                role, READ, path, "PATCH", path, headers=headers, content=content[offset:]
            )
        raise AssertionError(f"{path} was not taken in {self.patience_s} s")

    async def _until_state(self, role: str, path: str, state: str) -> None:
        async def reached() -> bool:
            found = await self.read(role, path)
            assert found["state"] not in {"failed", "refused", "cancelled"}, found
            return bool(found["state"] == state)

        await self.until(reached, f"{path} {state}")
