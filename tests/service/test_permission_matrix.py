"""Every role on every route does exactly what the matrix says; a new route must be decided."""

import asyncio
import re
from uuid import uuid4

import pytest

from services.shared.roles import Role
from tests.support.permissions import MATRIX

METHODS = {"get", "post", "put", "patch", "delete", "head"}
PUBLIC = {"GET /health/live", "GET /health/ready"}
STREAMING = {"GET /v1/indicators/stream"}
REFUSED = "role_missing"
OPEN_AFTER_S = 1.0

EXAMPLES = {
    "code": "62.02",
    "scheme": "REGSOSEK",
    "version": "2022.K",
    "variable": "303",
    "import_format": "opensid_residents",
}


@pytest.fixture(scope="module", params=sorted(MATRIX))
async def service(request, make_service):
    return await make_service(request.param)


def operations(service) -> set[str]:
    document = service.app.openapi()
    return {
        f"{method.upper()} {path}"
        for path, methods in document["paths"].items()
        for method in methods
        if method in METHODS
    }


def test_every_route_is_decided_and_no_decision_is_left_over(service):
    assert operations(service) - PUBLIC == set(MATRIX[service.name])


async def test_each_role_may_use_exactly_its_routes(service):
    wrong = []
    for operation, allowed in MATRIX[service.name].items():
        for role in Role:
            if (role in allowed) is not await may_use(service, operation, role):
                wrong.append(f"{role} {operation}: expected {role in allowed}")
    assert not wrong


async def may_use(service, operation: str, role: Role) -> bool:
    method, template = operation.split(" ")
    path = re.sub(r"{(\w+)}", lambda part: EXAMPLES.get(part[1], str(uuid4())), template)
    headers = service.auth(role, agency="DINSOS") | {"If-Match": '"1"', "Upload-Offset": "0"}
    asking = service.client.request(method, path, headers=headers)
    try:
        answer = await asyncio.wait_for(asking, OPEN_AFTER_S if operation in STREAMING else None)
    except TimeoutError:
        return True
    assert answer.status_code < 500, f"{role} {operation}: {answer.text}"
    if method == "HEAD":
        return answer.status_code != 403
    return not (answer.status_code == 403 and answer.json()["code"] == REFUSED)


async def test_without_a_token_every_route_answers_401(service):
    for operation in MATRIX[service.name]:
        method, template = operation.split(" ")
        path = re.sub(r"{(\w+)}", lambda part: EXAMPLES.get(part[1], str(uuid4())), template)
        headers = {"Idempotency-Key": str(uuid4()), "Upload-Offset": "0"}
        answer = await service.client.request(method, path, headers=headers)
        assert answer.status_code == 401, operation
        assert "Bearer" in answer.headers["WWW-Authenticate"], operation
