"""Handing lists to a registry under test, the way a screen does: upload, import, decide."""

from typing import Any
from uuid import uuid4

import httpx

from services.registry.actions.imports_work import ImportWorker, upload_reader
from services.registry.actions.regions import load_regions
from services.registry.api.imports import XLSX
from services.shared.blobs import BlobStore, FolderBackend
from services.shared.key_files import KeyFile
from tests.support.service import REGENCY, ServiceUnderTest

VILLAGE = "62.02.06.2005"
OTHER_VILLAGE = "62.02.06.2006"
CUT_OFF = "2026-09-30"


class ImportDesk:
    """A registry with its regions loaded, its import worker, and an operator at the screen."""

    def __init__(self, service: ServiceUnderTest) -> None:
        self.service = service
        self.client = service.client
        self.keys: KeyFile = service.app.state.key_file
        self.worker = self.new_worker()

    def new_worker(self) -> ImportWorker:
        store = BlobStore(FolderBackend(self.service.blobs), self.keys.current())
        return ImportWorker(self.service.db, self.keys, upload_reader(self.service.db, store))

    async def open(self) -> "ImportDesk":
        async with self.service.db.transaction() as tx:
            await load_regions(tx, REGENCY)
        return self

    def operator(self, region: str = VILLAGE, **how: Any) -> dict[str, str]:
        return self.service.auth("operator_desa", regions=[region], **how)

    def kades(self, region: str = VILLAGE, **how: Any) -> dict[str, str]:
        return self.service.auth("kades", regions=[region], **how)

    async def upload(self, content: bytes, headers: dict[str, str]) -> str:
        """Send a file in one piece; return the upload's id."""
        is_workbook = content.startswith(b"PK")
        announced = await self.client.post(
            "/v1/uploads/registry",
            headers={**headers, "Idempotency-Key": str(uuid4())},
            json={
                "file_name": "daftar.xlsx" if is_workbook else "daftar.csv",
                "size": len(content),
                "media_type": XLSX if is_workbook else "text/csv",
                "purpose": "import",
            },
        )
        assert announced.status_code == 201, announced.text
        upload_id: str = announced.json()["id"]
        sent = await self.client.patch(
            f"/v1/uploads/registry/{upload_id}",
            headers={**headers, "Upload-Offset": "0"},
            content=content,
        )
        assert sent.status_code == 204, sent.text
        return upload_id

    async def start(
        self,
        content: bytes,
        *,
        headers: dict[str, str] | None = None,
        **body: Any,
    ) -> dict[str, Any]:
        """Upload and hand in a residents' list of ``VILLAGE`` unless told; return the import."""
        headers = headers or self.operator()
        upload_id = await self.upload(content, headers)
        body = {"format": "opensid_residents", "region_code": VILLAGE, **body}
        answer = await self.client.post(
            "/v1/imports", headers=headers, json={"upload_id": upload_id, **body}
        )
        assert answer.status_code == 201, answer.text
        assert answer.json()["state"] == "received"
        return dict(answer.json())

    async def start_extract(self, content: bytes, **body: Any) -> dict[str, Any]:
        details = {"bast_number": "BAST/1/2026", "period": "2026-Q3", "cut_off": CUT_OFF, **body}
        return await self.start(
            content,
            headers=self.service.auth("admin_dinsos"),
            format="dtsen_extract",
            region_code=None,
            **details,
        )

    async def validated(self, content: bytes, **how: Any) -> dict[str, Any]:
        """Hand in, let the worker read and compare; return the import as it is then."""
        started = await self.start(content, **how)
        await self.worker.drain()
        return await self.read(started["id"])

    async def merged(self, content: bytes, **how: Any) -> dict[str, Any]:
        """Hand in, approve as the head of the village, merge; return the import."""
        found = await self.validated(content, **how)
        return await self.approved(found)

    async def merged_extract(self, content: bytes, **body: Any) -> dict[str, Any]:
        started = await self.start_extract(content, **body)
        await self.worker.drain()
        return await self.approved(
            await self.read(started["id"]), self.service.auth("verifikator_dinsos")
        )

    async def approved(
        self, found: dict[str, Any], headers: dict[str, str] | None = None
    ) -> dict[str, Any]:
        answer = await self.decide(found, "approve", headers or self.kades(found["region_code"]))
        assert answer.status_code == 200, answer.text
        assert answer.json()["state"] == "reviewed"
        await self.worker.drain()
        return await self.read(found["id"])

    async def decide(
        self, found: dict[str, Any], action: str, headers: dict[str, str], **body: Any
    ) -> httpx.Response:
        return await self.client.post(
            f"/v1/imports/{found['id']}/{action}",
            headers={"If-Match": f'"{found["version"]}"', **headers},
            json=body or None,
        )

    async def read(self, import_id: str) -> dict[str, Any]:
        answer = await self.client.get(
            f"/v1/imports/{import_id}", headers=self.service.auth("admin_dinsos", key=False)
        )
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    async def rows(self, import_id: str, verdict: str | None = None) -> list[dict[str, Any]]:
        answer = await self.client.get(
            f"/v1/imports/{import_id}/rows",
            headers=self.service.auth("admin_dinsos", key=False),
            params={"verdict": verdict, "limit": 200} if verdict else {"limit": 200},
        )
        assert answer.status_code == 200, answer.text
        return list(answer.json()["data"])

    async def count(self, sql: str) -> int:
        """Return a number from the service's own database."""
        return int(await self.service.db.pool.fetchval(sql))
