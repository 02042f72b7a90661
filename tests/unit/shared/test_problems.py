import json
from datetime import date
from typing import Annotated, ClassVar
from uuid import UUID

import httpx
import pytest
from fastapi import Body, FastAPI, HTTPException
from pydantic import BaseModel, ConfigDict, Field, field_validator

from services.shared import problems
from services.shared.problems import Problem, ProblemType
from services.shared.validation_messages import InvalidValue

NIK = "6202064107909001"


class QuotaExceeded(Exception):
    code: ClassVar[str] = "quota_exceeded"

    def __init__(self, left):
        super().__init__(left)
        self.params = {"left": left, "who": "Siti", "nik": int(NIK), "over": True}


class QuotaExceededToday(QuotaExceeded):
    pass


class Resident(BaseModel):
    model_config = ConfigDict(extra="forbid")
    nik: str
    born: date = date(2000, 1, 1)
    age: Annotated[int, Field(ge=0, le=130)] = 1

    @field_validator("nik")
    @classmethod
    def _sixteen(cls, value: str) -> str:
        if len(value) != 16:
            raise InvalidValue("nik_shape", "NIK harus 16 angka", "A NIK has 16 digits")
        if value == NIK:
            raise ValueError(f"this sentence quotes {value}")
        return value


def build() -> FastAPI:
    app = FastAPI()
    problems.install(
        app,
        {
            QuotaExceeded: ProblemType(
                "quota_exceeded",
                409,
                "Kuota habis",
                "Quota used up",
                "Tersisa {left}",
                "{left} left",
            )
        },
    )

    @app.get("/quota")
    async def quota() -> None:
        raise QuotaExceededToday(3)

    @app.get("/bug")
    async def bug() -> None:
        raise RuntimeError(f"secret {NIK}")

    @app.get("/teapot")
    async def teapot() -> None:
        raise HTTPException(418, "tea")

    @app.get("/problem")
    async def problem() -> None:
        raise Problem(problems.TOO_MANY_REQUESTS, headers={"Retry-After": "7"})

    @app.post("/residents")
    async def residents(resident: Annotated[Resident, Body()], limit: int = 1) -> None: ...

    @app.get("/residents/{number}")
    @app.patch("/residents/{number}")
    async def one_resident(number: UUID) -> None: ...

    @app.put("/residents/{number}")
    async def replace_resident(number: UUID) -> None: ...

    @app.post("/residents/search")
    async def search() -> None: ...

    return app


@pytest.fixture
async def client():
    transport = httpx.ASGITransport(build())
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as opened:
        yield opened


def assert_problem(answer: httpx.Response, status: int, code: str) -> dict:
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    body = answer.json()
    assert body["status"] == status
    assert body["code"] == code
    assert body["type"] == f"urn:betang:problem:{code}"
    return body


async def test_a_mapped_error_and_its_subclasses_fill_the_detail(client):
    body = assert_problem(await client.get("/quota"), 409, "quota_exceeded")
    assert (body["title"], body["detail"]) == ("Kuota habis", "Tersisa 3")
    assert body["instance"] == "/quota"


async def test_programs_read_the_numbers_of_an_error_and_nothing_of_persons(client):
    body = assert_problem(await client.get("/quota"), 409, "quota_exceeded")
    assert body["params"] == {"left": 3}
    assert "params" not in assert_problem(await client.get("/nowhere"), 404, "not_found")


async def test_english_is_answered_when_it_is_preferred(client):
    answer = await client.get("/quota", headers={"Accept-Language": "en-GB, id;q=0.5"})
    assert answer.json()["detail"] == "3 left"
    assert answer.headers["content-language"] == "en"


@pytest.mark.parametrize(
    ("header", "language"),
    [
        (None, "id"),
        ("", "id"),
        ("fr", "id"),
        ("en", "en"),
        ("id, en", "id"),
        ("en;q=0.3, id;q=0.2", "en"),
        ("en;q=abc", "en"),
        ("id-ID;q=0.1,en;q=0", "id"),
    ],
)
def test_language_follows_accept_language_and_is_indonesian_otherwise(header, language):
    assert problems.language_of(header) == language


async def test_an_unknown_path_is_a_problem_and_its_long_numbers_are_not_repeated(client):
    body = assert_problem(await client.get(f"/v1/{NIK}"), 404, "not_found")
    assert NIK not in json.dumps(body)


async def test_a_wrong_method_is_a_problem_that_says_what_is_allowed(client):
    answer = await client.delete("/quota")
    assert_problem(answer, 405, "method_not_allowed")
    assert answer.headers["allow"] == "GET"


async def test_a_wrong_method_names_every_method_of_the_address(client):
    answer = await client.delete("/residents/01890a5d-ac96-774b-bcce-b302099a8057")
    assert_problem(answer, 405, "method_not_allowed")
    assert answer.headers["allow"] == "GET, PATCH, PUT"


@pytest.mark.parametrize("method", ["GET", "PATCH", "DELETE"])
async def test_an_address_of_its_own_is_not_taken_for_an_id(client, method):
    answer = await client.request(method, "/residents/search")
    assert_problem(answer, 405, "method_not_allowed")
    assert answer.headers["allow"] == "POST"


async def test_a_wrong_id_is_still_a_wrong_field(client):
    assert_problem(await client.get("/residents/somebody"), 422, "validation_failed")


async def test_a_status_without_an_entry_of_its_own_is_still_a_problem(client):
    assert_problem(await client.get("/teapot"), 418, "http_418")


async def test_a_bug_is_a_500_that_says_nothing_of_it(client):
    answer = await client.get("/bug")
    assert_problem(answer, 500, "internal_error")
    assert "secret" not in answer.text
    assert NIK not in answer.text


async def test_a_problem_keeps_its_headers(client):
    assert (await client.get("/problem")).headers["retry-after"] == "7"


async def test_malformed_json_is_400(client):
    answer = await client.post(
        "/residents", content=b'{"nik": ', headers={"Content-Type": "application/json"}
    )
    body = assert_problem(answer, 400, "json_invalid")
    assert body["errors"][0]["pointer"] == "#"


async def test_json_with_bytes_that_are_no_text_is_a_problem(client):
    answer = await client.post(
        "/residents", content=b'{"nik": "\xff"}', headers={"Content-Type": "application/json"}
    )
    assert_problem(answer, 400, "json_invalid")


async def test_json_nested_too_deep_is_a_problem(client):
    answer = await client.post(
        "/residents", content=b"[" * 100_000, headers={"Content-Type": "application/json"}
    )
    assert_problem(answer, 400, "json_invalid")


@pytest.mark.parametrize("media_type", ["text/plain", "application/xml", "application/jsonx"])
async def test_json_that_calls_itself_something_else_is_415(client, media_type):
    answer = await client.post(
        "/residents", content=b'{"nik": "x"}', headers={"Content-Type": media_type}
    )
    assert_problem(answer, 415, "media_type_unsupported")


async def test_a_missing_body_is_a_missing_field_and_no_wrong_type(client):
    assert_problem(await client.post("/residents"), 422, "validation_failed")


async def test_each_wrong_field_is_named_in_indonesian_without_its_value(client):
    answer = await client.post(
        "/residents?limit=sepuluh",
        json={"nik": "123", "born": "32 Agustus", "age": 999, "agama": "rahasia"},
    )
    body = assert_problem(answer, 422, "validation_failed")
    assert {(error["pointer"], error["code"], error["detail"]) for error in body["errors"]} == {
        ("query:limit", "int_parsing", "Harus berupa bilangan bulat"),
        ("#/nik", "nik_shape", "NIK harus 16 angka"),
        ("#/born", "date_from_datetime_parsing", "Harus berupa tanggal (TTTT-BB-HH)"),
        ("#/age", "less_than_equal", "Paling banyak 130"),
        ("#/agama", "extra_forbidden", "Isian ini tidak dikenal"),
    }
    for value in ("sepuluh", "123", "32 Agustus", "999", "rahasia"):
        assert value not in answer.text


async def test_a_validator_that_quotes_the_value_is_not_quoted(client):
    answer = await client.post("/residents", json={"nik": NIK})
    assert_problem(answer, 422, "validation_failed")
    assert NIK not in answer.text


async def test_a_number_sent_as_a_field_name_is_not_repeated(client):
    answer = await client.post("/residents", json={"nik": "1" * 16, NIK: 1})
    assert_problem(answer, 422, "validation_failed")
    assert NIK not in answer.text
