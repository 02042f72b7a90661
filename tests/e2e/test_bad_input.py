"""Bad input at the gateway: a clear problem in the caller's language, nothing leaked, no 500."""

import asyncio
import base64
import json
import uuid
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import httpx
import jwt
import pytest

from services.shared.signing import TokenSigner
from tests.support import files
from tests.support.callers import OFFSET, Caller, register_agency
from tests.support.system import RunningSystem

NIK = files.nik(61_001)
VILLAGE = "62.02.02.2004"
OTHER_VILLAGE = "62.02.02.2005"
JSON = {"Content-Type": "application/json"}
PURPOSE = "Uji masukan yang keliru"
NOBODY = uuid.UUID(int=7)


def assert_problem(answer: httpx.Response, status: int, code: str, language: str = "id") -> None:
    """Hold an answer to the promises of every problem."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert (problem["code"], problem["status"]) == (code, status), answer.text
    assert answer.headers["content-language"] == language
    assert problem["title"]
    assert len(problem["trace_id"]) == 32
    assert NIK not in answer.text
    assert "Traceback" not in answer.text


@dataclass(frozen=True)
class Bad:
    """A request that is wrong in one way, and the answer that it deserves."""

    name: str
    method: str
    path: str
    status: int
    code: str
    content: bytes | None = None
    body: Any = None
    headers: dict[str, str] = field(default_factory=lambda: JSON)


ORGANISATION = {"code": "UJI-SALAH", "name": "Organisasi uji", "kind": "SKPD"}
SEARCH = "/v1/persons/search"
DEEP = b"[" * 50_000 + b"]" * 50_000
CASES = (
    Bad("an unknown route", "GET", "/v1/nowhere", 404, "not_found"),
    Bad("an unknown part of a service", "GET", f"/v1/families/{NOBODY}/x", 404, "not_found"),
    Bad("an unknown family", "GET", f"/v1/families/{NOBODY}", 404, "family_not_found"),
    Bad("a method that is not there", "DELETE", "/v1/families", 405, "method_not_allowed"),
    Bad("a NIK in the path", "GET", f"/v1/persons/{NIK}", 422, "validation_failed"),
    Bad("a NIK in the query", "GET", f"/v1/unreached?region={NIK}", 422, "validation_failed"),
    Bad("a page too large", "GET", "/v1/families?limit=201", 422, "validation_failed"),
    Bad("a limit that is no number", "GET", "/v1/programs?limit=x", 422, "validation_failed"),
    Bad("a forged cursor", "GET", "/v1/families?cursor=abc", 400, "cursor_invalid"),
    Bad("a NUL in the query", "GET", "/v1/families?region=%00", 422, "validation_failed"),
    Bad("a NUL in the path", "GET", "/v1/regions/%00", 404, "not_found"),
    Bad("a path too long", "GET", "/v1/families/" + "a" * 9_000, 414, "uri_too_long"),
    Bad("broken JSON", "POST", SEARCH, 400, "json_invalid", b'{"nik": "' + NIK.encode()),
    Bad("no body", "POST", SEARCH, 422, "validation_failed", b""),
    Bad("bytes that are no UTF-8", "POST", SEARCH, 400, "json_invalid", b'{"nik": "\xff\xfe"}'),
    Bad("JSON nested too deeply", "POST", SEARCH, 400, "json_invalid", DEEP),
    Bad("half a surrogate", "POST", SEARCH, 422, "validation_failed", b'{"nik": "\\ud800"}'),
    Bad("a number too large", "POST", "/v1/organisations", 400, "json_invalid",
        b'{"code": ' + b"9" * 5_000 + b"}"),
    Bad("infinity", "POST", "/v1/organisations", 422, "validation_failed", b'{"code": 1e999}'),
    Bad("a NUL in a text", "POST", "/v1/organisations", 422, "text_not_storable",
        body=ORGANISATION | {"name": "Dinas\x00Sosial"}),
    Bad("a wrong shape", "POST", "/v1/organisations", 422, "validation_failed", body=[NIK]),
    Bad("a field that nobody knows", "POST", "/v1/organisations", 422, "validation_failed",
        body=ORGANISATION | {NIK: NIK}),
    Bad("a NIK where none belongs", "POST", "/v1/organisations", 422, "validation_failed",
        body=ORGANISATION | {"kind": NIK}),
    Bad("a NIK with a letter", "POST", SEARCH, 422, "invalid_number",
        body={"nik": NIK[:15] + "X", "purpose": PURPOSE}),
    Bad("a look-up without a purpose", "POST", SEARCH, 422, "validation_failed",
        body={"nik": NIK, "purpose": ""}),
    Bad("another content type", "POST", "/v1/organisations", 415, "media_type_unsupported",
        json.dumps(ORGANISATION).encode(), headers={"Content-Type": "text/plain"}),
    Bad("a picture instead of a CSV", "POST", "/v1/official-statistics/import", 415,
        "media_type_unsupported", b"\x89PNG", headers={"Content-Type": "image/png"}),
    Bad("a body too large", "POST", SEARCH, 413, "too_large", b" " * 2_000_001),
    Bad("a file too large", "POST", "/v1/uploads/registry", 413, "too_large",
        body={"file_name": "a.csv", "size": 10**12, "media_type": "text/csv",
              "purpose": "import"}),
    Bad("a NIK as file name", "POST", "/v1/uploads/registry", 422, "validation_failed",
        body={"file_name": f"{NIK}.csv", "size": 1, "media_type": "text/csv",
              "purpose": "import"}),
    Bad("a program as import", "POST", "/v1/uploads/registry", 415, "upload_type_refused",
        body={"file_name": "a.exe", "size": 1, "media_type": "application/x-msdownload",
              "purpose": "import"}),
)  # fmt: skip


@pytest.mark.parametrize("bad", CASES, ids=lambda bad: bad.name)
async def test_a_wrong_request_is_told_what_is_wrong(
    running_system: RunningSystem, bad: Bad
) -> None:
    admin = Caller(running_system, "admin")
    titles = set()
    for language in ("id", "en"):
        answer = await admin.send(
            bad.method,
            bad.path,
            content=json.dumps(bad.body).encode() if bad.body is not None else bad.content,
            headers=bad.headers | ({"Accept-Language": "en"} if language == "en" else {}),
        )
        assert_problem(answer, bad.status, bad.code, language)
        titles.add(answer.json()["title"])
    assert len(titles) == 2, "one title per language"


def forged(signer: TokenSigner) -> dict[str, str | None]:
    """Return tokens that prove nothing, by what is wrong with them."""
    who: dict[str, Any] = {"subject": "x", "roles": ["admin_dinsos"], "regions": ["62.02"]}
    good = signer.token(**who)
    head, claims, signature = good.split(".")
    nothing = base64.urlsafe_b64encode(b'{"alg":"none","typ":"at+jwt"}').rstrip(b"=").decode()
    own = jwt.decode(good, options={"verify_signature": False})
    typed = {"typ": "at+jwt", "kid": signer.kid}
    return {
        "none at all": None,
        "no token": "abc",
        "expired": signer.token(**who, lifetime=timedelta(minutes=-5)),
        "another audience": signer.token(**who, audience="somebody-else"),
        "another issuer": TokenSigner("https://evil.example").token(**who),
        "another key": TokenSigner(signer.issuer).token(**who),
        "alg none": f"{nothing}.{claims}.",
        "a shared secret": jwt.encode(own, "s" * 32, algorithm="HS256", headers=typed),
        "a changed signature": f"{head}.{claims}.{signature[::-1]}",
        "not yet issued": signer.token(**who, iat=4_000_000_000, exp=4_000_003_600),
    }


async def test_a_token_that_proves_nothing_is_refused(running_system: RunningSystem) -> None:
    for name, token in forged(running_system.signer).items():
        for language, path in (("id", "/v1/families"), ("en", "/v1/me")):
            headers = {"Accept-Language": language}
            if token is not None:
                headers["Authorization"] = f"Bearer {token}"
            answer = await running_system.client.get(path, headers=headers)
            assert answer.status_code == 401, name
            code = "token_missing" if token is None else "token_invalid"
            assert_problem(answer, 401, code, language)
            assert answer.headers["www-authenticate"].startswith("Bearer")


async def test_a_foreign_region_is_refused(running_system: RunningSystem) -> None:
    operator = Caller(running_system, "operator_desa", regions=[VILLAGE])
    asked = await operator.send("GET", "/v1/unreached/summary", params={"region": OTHER_VILLAGE})
    assert_problem(asked, 403, "region_foreign")
    announced = {"file_name": "a.csv", "size": 1, "media_type": "text/csv", "purpose": "import"}
    body = announced | {"region_code": OTHER_VILLAGE}
    sent = await operator.send("POST", "/v1/uploads/registry", json=body)
    assert_problem(sent, 403, "region_foreign")
    upload = await operator.upload(
        "registry", b"x", **{k: str(v) for k, v in announced.items() if k != "size"}
    )
    taken = {"format": "opensid_residents", "upload_id": upload, "region_code": OTHER_VILLAGE}
    assert_problem(await operator.send("POST", "/v1/imports", json=taken), 403, "region_foreign")


async def test_a_role_that_does_not_cover_an_action_is_refused(
    running_system: RunningSystem,
) -> None:
    citizen = Caller(running_system, "warga")
    assert_problem(await citizen.send("GET", "/v1/families"), 403, "role_missing")


async def test_a_key_belongs_to_one_body(running_system: RunningSystem) -> None:
    admin = Caller(running_system, "admin")
    code = f"UJI-{uuid.uuid4().hex[:6].upper()}"
    body = {"code": code, "name": "Organisasi uji", "kind": "SKPD"}
    key = {"Idempotency-Key": str(uuid.uuid4())}
    first = await admin.send("POST", "/v1/organisations", json=body, headers=key)
    again = await admin.send("POST", "/v1/organisations", json=body, headers=key)
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.json() == first.json()
    other = await admin.send("POST", "/v1/organisations", json=body | {"name": "Lain"}, headers=key)
    assert_problem(other, 422, "idempotency_key_reused")
    headers = {"Authorization": f"Bearer {admin.token}"}
    without = await running_system.client.post("/v1/organisations", json=body, headers=headers)
    assert_problem(without, 400, "idempotency_key_missing")


async def test_who_has_not_seen_the_present_version_may_not_change_it(
    running_system: RunningSystem,
) -> None:
    admin = Caller(running_system, "admin")
    code = f"DRAF-{uuid.uuid4().hex[:6].upper()}"
    await register_agency(running_system, "UJI-ETAG", "Organisasi uji")
    made = await admin.send("POST", "/v1/programs", json={
        "code": code, "name": "Program uji", "owner_code": "UJI-ETAG", "klaster": "I",
        "strategi": "BEBAN", "bidang": "EKONOMI", "unit": "family", "frequency": "sekali",
        "benefit": {"kind": "cash", "item": "uang", "unit": "kali", "quantity": 1,
                    "unit_value_idr": 1_000},
        "counts_as_reached": False,
    })  # fmt: skip
    assert made.status_code == 201, made.text
    path, change = f"/v1/programs/{made.json()['program_id']}", {"name": "Nama baru"}
    assert_problem(await admin.send("PATCH", path, json=change), 428, "precondition_required")
    seen = {"If-Match": made.headers["ETag"]}
    assert (await admin.send("PATCH", path, json=change, headers=seen)).status_code == 200
    stale = await admin.send("PATCH", path, json={"name": "Nama lain"}, headers=seen)
    assert_problem(stale, 412, "precondition_failed")
    assert (await admin.get(path))["name"] == "Nama baru"


async def test_a_truncated_upload_is_resumed_where_it_stopped(
    running_system: RunningSystem,
) -> None:
    operator = Caller(running_system, "operator_desa", regions=[VILLAGE])
    content = files.opensid_csv([files.resident(61_002, 6_102)])
    made = await operator.post(
        "/v1/uploads/registry",
        {"file_name": "penduduk.csv", "size": len(content), "media_type": "text/csv",
         "purpose": "import", "region_code": VILLAGE},
    )  # fmt: skip
    path = f"/v1/uploads/registry/{made['id']}"
    await cut_off(running_system, path, operator.token, content, sent=100)
    started = {"format": "opensid_residents", "upload_id": made["id"], "region_code": VILLAGE}
    early = await operator.send("POST", "/v1/imports", json=started)
    assert_problem(early, 422, "upload_not_usable")
    received = await offset_of(operator, path)
    assert received < len(content)
    headers = {"Content-Type": OFFSET, "Upload-Offset": str(len(content) - 1)}
    wrong = await operator.send("PATCH", path, content=content[-1:], headers=headers)
    assert_problem(wrong, 409, "upload_offset_wrong")
    assert_problem(await go_on(operator, path, content + b"x"), 413, "too_large")
    rest = await go_on(operator, path, content)
    assert rest.status_code == 204, rest.text
    taken = await operator.post("/v1/imports", started)
    found = await operator.until_state(f"/v1/imports/{taken['id']}", "validated")
    assert (found["counts"]["read"], found["counts"]["rejected"]) == (1, 0)


async def offset_of(operator: Caller, path: str) -> int:
    return int((await operator.send("HEAD", path)).headers["Upload-Offset"])


async def go_on(operator: Caller, path: str, content: bytes) -> httpx.Response:
    """Send what is missing, asking again while what the broken line brought is still being kept."""
    for _ in range(20):
        offset = await offset_of(operator, path)
        headers = {"Content-Type": OFFSET, "Upload-Offset": str(offset)}
        answer = await operator.send("PATCH", path, content=content[offset:], headers=headers)
        if answer.status_code != 409:
            return answer
    return answer


async def cut_off(
    system: RunningSystem, path: str, token: str, content: bytes, *, sent: int
) -> None:
    """Send a part of the body that was promised whole, and hang up."""
    url = httpx.URL(system.gateway_url)
    _, writer = await asyncio.open_connection(url.host, url.port)
    head = (
        f"PATCH {path} HTTP/1.1\r\nHost: {url.host}\r\nAuthorization: Bearer {token}\r\n"
        f"Content-Type: {OFFSET}\r\nUpload-Offset: 0\r\nContent-Length: {len(content)}\r\n\r\n"
    )
    writer.write(head.encode() + content[:sent])
    await writer.drain()
    await asyncio.sleep(0.2)  # the line stays open for a moment, as a failing one does
    writer.close()
    await writer.wait_closed()
