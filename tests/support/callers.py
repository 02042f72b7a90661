"""People at the gateway, as the end-to-end tests let them act: public doors only."""

import csv
import io
import uuid
from collections.abc import Iterable
from typing import Any

import httpx
import orjson

from services.shared import clock
from tests.support import files
from tests.support.system import AgencyClient, RunningSystem
from tests.support.waiting import wait_until

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
OFFSET = "application/offset+octet-stream"
FOLLOWS_S = 120
"""Within this time a service has followed an event, also on a busy machine."""


class Caller:
    """One person with roles, regions and an agency. A refused call fails the test."""

    def __init__(self, system: RunningSystem, *roles: str, **who: Any) -> None:
        self.system = system
        self.token = system.token(*roles, **who)
        self.position: str | None = None

    async def send(
        self, method: str, path: str, *, headers: dict[str, str] | None = None, **options: Any
    ) -> httpx.Response:
        """Return the answer, whatever it is. A write gets a fresh key unless it brings one."""
        sent = {"Authorization": f"Bearer {self.token}"}
        if method in {"POST", "PATCH", "PUT"}:
            sent["Idempotency-Key"] = str(uuid.uuid4())
        return await self.system.client.request(
            method, path, headers=sent | (headers or {}), **options
        )

    async def get(self, path: str, **params: Any) -> Any:
        return _good(await self.send("GET", path, params=params)).json()

    async def post(self, path: str, body: Any = None, **headers: str) -> Any:
        """Post and return the JSON answer; ``position`` is then that of this write."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        answer = _good(await self.send("POST", path, json=body, headers=named))
        self.position = answer.headers.get("Betang-Position")
        return answer.json()

    async def decide(self, path: str, action: str) -> httpx.Response:
        """Do ``action`` on exactly what was read, and return the answer, also a refusal."""
        seen = _good(await self.send("GET", path))
        return await self.send(
            "POST", f"{path}/{action}", headers={"If-Match": seen.headers["ETag"]}
        )

    async def upload(self, service: str, content: bytes, **about: str) -> str:
        """Send a file in two pieces through the resumable door; return the upload's id."""
        made = await self.post(f"/v1/uploads/{service}", {"size": len(content), **about})
        path, half = f"/v1/uploads/{service}/{made['id']}", len(content) // 2
        for offset, piece in ((0, content[:half]), (half, content[half:])):
            headers = {"Upload-Offset": str(offset), "Content-Type": OFFSET}
            _good(await self.send("PATCH", path, content=piece, headers=headers))
        return str(made["id"])

    async def import_list(self, content: bytes, *, village: str, kind: str = "text/csv") -> str:
        """Hand in the residents of ``village``; return the import's path once it is checked."""
        upload = await self.upload(
            "registry",
            content,
            file_name="penduduk.xlsx" if kind == XLSX else "penduduk.csv",
            media_type=kind,
            purpose="import",
            region_code=village,
        )
        return await self._checked(
            {"format": "opensid_residents", "upload_id": upload, "region_code": village}
        )

    async def import_welfare(self, content: bytes, cut_off: str = "2026-09-30") -> str:
        """Hand in a DTSEN extract of the regency; return the import's path once it is checked."""
        upload = await self.upload(
            "registry",
            content,
            file_name="dtsen.csv",
            media_type="text/csv",
            purpose="import",
            region_code="62.02",
        )
        body = {"format": "dtsen_extract", "upload_id": upload, "bast_number": "BAST/1/2026"}
        return await self._checked(body | {"period": "2026-Q3", "cut_off": cut_off})

    async def _checked(self, body: dict[str, Any]) -> str:
        started = await self.post("/v1/imports", body | {"synthetic": True})
        path = f"/v1/imports/{started['id']}"
        await self.until_state(path, "validated")
        return path

    async def until_state(self, path: str, state: str) -> Any:
        """Wait until the import is in ``state``; return it."""

        async def reached() -> Any:
            found = await self.get(path)
            assert found["state"] not in {"failed", "refused", "cancelled"}, found
            return found if found["state"] == state else None

        return await wait_until(reached, FOLLOWS_S, what=f"{path} {state}")

    async def until(self, path: str, expected: Any, pick: Any, **params: Any) -> Any:
        """Wait until ``pick(answer)`` equals ``expected``; return the answer."""
        last: list[Any] = [None]

        async def so() -> Any:
            answer = await self.get(path, **params)
            last[0] = pick(answer)
            return answer if last[0] == expected else None

        try:
            return await wait_until(so, FOLLOWS_S, what=path)
        except AssertionError:
            assert last[0] == expected, f"{path} after {FOLLOWS_S} s"
            raise


def _good(answer: httpx.Response) -> httpx.Response:
    assert answer.is_success, f"{answer.request.method} {answer.request.url.path}: {answer.text}"
    return answer


async def enter_villages(
    system: RunningSystem, people: dict[str, list[files.Row]], welfare: Iterable[files.Row]
) -> None:
    """Let the operators of villages enter their people, and Dinas Sosial their welfare ranks."""
    for village, rows in people.items():
        operator = Caller(system, "operator_desa", regions=[village])
        path = await operator.import_list(files.opensid_csv(rows), village=village)
        _good(await Caller(system, "kades", regions=[village]).decide(path, "approve"))
        await operator.until_state(path, "merged")
    admin = Caller(system, "admin")
    path = await admin.import_welfare(files.dtsen_csv(welfare))
    _good(await Caller(system, "verifikator").decide(path, "approve"))
    await admin.until_state(path, "merged")


async def register_agency(system: RunningSystem, code: str, name: str) -> None:
    """Register an organisation unless it is known."""
    body = {"code": code, "name": name, "kind": "SKPD"}
    answer = await Caller(system, "admin").send("POST", "/v1/organisations", json=body)
    assert answer.status_code == 201 or answer.json()["code"] == "organisation_exists", answer.text


def reported(agency: AgencyClient, data: Any, **changes: Any) -> dict[str, Any]:
    """Return the CloudEvent by which an agency tells of a program."""
    event = {
        "specversion": "1.0",
        "id": str(uuid.uuid4()),
        "source": agency.source,
        "type": "skpd.program.reported.v1",
        "time": clock.now().isoformat(),
        "datacontenttype": "application/json",
        "data": data,
    }
    return event | changes


async def tell(agency: AgencyClient, event: dict[str, Any]) -> Any:
    """Publish an event as the agency's own system does."""
    return await agency.tell(event["type"], orjson.dumps(event), event["id"])


def csv_rows(text: str) -> list[dict[str, str]]:
    """Return the rows of a downloaded CSV by column name."""
    return list(csv.DictReader(io.StringIO(text.lstrip("\ufeff")), delimiter=";"))
