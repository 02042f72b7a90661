"""Code lists over HTTP: ``/v1/code-lists``. They change only with a release, so ETags are cheap."""

import hashlib
from typing import Annotated

from fastapi import Path, Request, Response
from pydantic import BaseModel, ConfigDict

from services.registry.api.callers import Everyone
from services.registry.domain import errors
from services.registry.domain.code_lists import CodeList, code_lists
from services.registry.domain.errors import CodeListNotFoundError
from services.shared.http import NOT_MODIFIED, etag, not_modified, refuses, service_router
from services.shared.pages import Page

router = service_router(tags=["code lists"])

Part = Annotated[str, Path(min_length=1, max_length=60)]


class CodeListSummary(BaseModel):
    """Which lists there are."""

    model_config = ConfigDict(from_attributes=True)

    scheme: str
    version: str
    variable: str
    title_id: str
    title_en: str


class CodeView(BaseModel):
    """One code with its labels, in the list's order."""

    model_config = ConfigDict(from_attributes=True)

    code: int
    label_id: str
    label_en: str


class CodeListView(CodeListSummary):
    """One list with its codes."""

    codes: list[CodeView]


@router.get("/v1/code-lists")
async def list_code_lists(_actor: Everyone) -> Page[CodeListSummary]:
    """Return every list, without codes, on one page."""
    return Page(
        data=[CodeListSummary.model_validate(one) for one in code_lists().values()], next=None
    )


@router.get(
    "/v1/code-lists/{scheme}/{version}/{variable}",
    response_model=CodeListView,
    responses=NOT_MODIFIED,
)
@refuses(errors.CodeListNotFoundError)
async def get_code_list(
    scheme: Part, version: Part, variable: Part, request: Request, _actor: Everyone
) -> Response:
    """Return one list; answer 304 to who already has it."""
    found = code_lists().get((scheme, version, variable))
    if found is None:
        raise CodeListNotFoundError
    body = CodeListView.model_validate(found).model_dump_json()
    tag = etag(_digest(found, body))
    headers = {"ETag": tag, "Cache-Control": "private, max-age=3600"}
    return not_modified(request, tag) or Response(
        body, headers=headers, media_type="application/json"
    )


def _digest(found: CodeList, body: str) -> str:
    return f"{found.version}-{hashlib.sha256(body.encode()).hexdigest()[:16]}"
