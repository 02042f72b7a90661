"""/v1/programs: the catalog, and the steps of a program's life."""

from dataclasses import asdict
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import Query, Request, Response
from pydantic import BaseModel, Field

from services.programs.actions.callers import caller_of
from services.programs.actions.programs import (
    Description,
    create_program,
    edit_program,
    move_program,
    visible_program,
)
from services.programs.api import common
from services.programs.domain import errors
from services.programs.domain.programs import (
    ProgramAction,
    ProgramYear,
    allowed_actions,
    cost_per_recipient_idr,
    year_aid_ceiling_idr,
    year_quota,
)
from services.programs.storage.programs import Program, granted_counts, list_programs
from services.shared.auth import Actor, allow
from services.shared.http import (
    NOT_MODIFIED,
    ReadTx,
    Signer,
    Tx,
    etag,
    not_modified,
    refuses,
    require_match,
    service_router,
)
from services.shared.pages import Cursor, Limit, Page, link_next
from services.shared.roles import Role
from services.shared.shapes import TRIMMED_1, Flag, IfMatch, Year

router = service_router(prefix="/v1/programs", tags=["programs"])

Klaster = Literal["I", "II", "III", "IV"]
Strategi = Literal["BEBAN", "PENDAPATAN", "KANTONG"]
Bidang = Literal["PENDIDIKAN", "KESEHATAN", "INFRASTRUKTUR", "EKONOMI"]
Unit = Literal["person", "family", "household", "group", "village"]
Status = Literal["draft", "proposed", "approved", "active", "closed"]
FundSource = Literal[
    "APBN", "APBD_PROV", "APBD_KAB", "DAK_FISIK", "DAK_NONFISIK", "DBH", "DANA_DESA", "ADD",
    "BTT", "CSR", "BAZNAS", "HIBAH", "SWADAYA",
]  # fmt: skip
AMOUNT_MAX = 10**15
Amount = Annotated[int, Field(strict=True, ge=0, le=AMOUNT_MAX)]
Item = Annotated[str, Field(min_length=1, max_length=200, json_schema_extra=TRIMMED_1)]
Short = Annotated[str, Field(min_length=1, max_length=40, json_schema_extra=TRIMMED_1)]
Step = Annotated[str, Field(max_length=80)]


class BenefitBody(common.Request):
    """What one recipient gets at one handover; an unknown value is null."""

    kind: Literal["cash", "goods", "service"]
    item: Item
    unit: Short
    quantity: Annotated[int, Field(strict=True, ge=1, le=1_000_000)]
    unit_value_idr: Amount | None


class YearBody(common.Request):
    """One fund source of one year. Null is unknown, never zero."""

    year: Year
    fund_source: FundSource
    ceiling_idr: Amount | None
    aid_ceiling_idr: Amount | None = None
    quota: Annotated[int, Field(strict=True, ge=0, le=10_000_000)] | None = None


class EditProgram(common.Request):
    """The fields of a draft to change; those left out stay as they are."""

    name: common.Name | None = None
    klaster: Klaster | None = None
    strategi: Strategi | None = None
    bidang: Bidang | None = None
    nomenclature_version: Annotated[str, Field(max_length=60)] | None = None
    sub_kegiatan: Annotated[str, Field(max_length=30)] | None = None
    unit: Unit | None = None
    benefit: BenefitBody | None = None
    frequency: Short | None = None
    steps: Annotated[list[Step], Field(max_length=20)] | None = None
    years: Annotated[list[YearBody], Field(max_length=20)] | None = None
    counts_as_reached: Flag | None = None
    sensitive: Flag | None = None


DESCRIPTION = (
    errors.NotYourAgency,
    errors.InvalidSubKegiatan,
    errors.InvalidYears,
    errors.InvalidBenefit,
)
CLEARABLE = frozenset({"nomenclature_version", "sub_kegiatan"})
"""A null empties these; for every other field it means "as it is"."""


class CreateProgram(common.Request):
    """A new program. ``reporter_code`` differs from the owner where another agency enters it."""

    code: common.AgencyCode
    name: common.Name
    owner_code: common.AgencyCode
    reporter_code: common.AgencyCode | None = None
    klaster: Klaster
    strategi: Strategi
    bidang: Bidang
    nomenclature_version: Annotated[str, Field(max_length=60)] | None = None
    sub_kegiatan: Annotated[str, Field(max_length=30)] | None = None
    unit: Unit
    benefit: BenefitBody
    frequency: Short
    steps: Annotated[list[Step], Field(max_length=20)] = Field(default_factory=list)
    years: Annotated[list[YearBody], Field(max_length=20)] = Field(default_factory=list)
    counts_as_reached: Flag
    sensitive: Flag = False


class YearView(BaseModel):
    """One fund source of one year."""

    year: int
    fund_source: str
    ceiling_idr: int | None
    aid_ceiling_idr: int | None
    quota: int | None


class ProgramView(BaseModel):
    """A program of the catalog."""

    program_id: UUID
    code: str
    name: str
    owner_code: str
    reporter_code: str
    klaster: Klaster
    strategi: Strategi
    bidang: Bidang
    nomenclature_version: str | None
    sub_kegiatan: str | None
    sub_kegiatan_raw: str | None
    unit: Unit
    benefit: dict[str, Any]
    frequency: str
    steps: list[str]
    years: list[YearView]
    counts_as_reached: bool
    sensitive: bool
    target_desil_max: int | None
    status: Status
    version: int
    allowed_actions: list[str]


class UsageView(BaseModel):
    """What is used of one year. Committed money is what a year costs at least."""

    year: int
    quota: int | None
    aid_ceiling_idr: int | None
    granted: int
    committed_idr: int | None


class UsageListView(BaseModel):
    """The years of a program, each with what is used of it."""

    data: list[UsageView]


class NoteBody(common.Request):
    """A remark to keep with the step."""

    note: Annotated[str, Field(max_length=500)] | None = None


def program_view(program: Program, actor: Actor) -> ProgramView:
    """Show a program to a caller who may see it."""
    actions = list(allowed_actions(program.holding, caller_of(actor)))
    return ProgramView.model_validate(asdict(program) | {"allowed_actions": actions})


def _usage(program: Program, granted: dict[int, int]) -> list[dict[str, Any]]:
    cost = cost_per_recipient_idr(
        quantity=program.benefit["quantity"],
        unit_value_idr=program.benefit["unit_value_idr"],
        frequency=program.frequency,
    )
    usage = []
    for year in sorted({line.year for line in program.years} | set(granted)):
        lines, count = program.lines_of(year), granted.get(year, 0)
        usage.append(
            {
                "year": year,
                "quota": year_quota(lines),
                "aid_ceiling_idr": year_aid_ceiling_idr(lines),
                "granted": count,
                "committed_idr": None if cost is None else cost * count,
            }
        )
    return usage


def _years(lines: list[YearBody]) -> tuple[ProgramYear, ...]:
    return tuple(ProgramYear(**line.model_dump()) for line in lines)


@router.post("", status_code=201)
@refuses(*DESCRIPTION, errors.OrganisationUnknown, errors.ProgramExists)
async def create(
    body: CreateProgram,
    response: Response,
    tx: Tx,
    actor: Annotated[Actor, allow(*common.PROPOSERS)],
) -> ProgramView:
    """Add a program as a draft."""
    values = body.model_dump(exclude={"owner_code", "reporter_code", "years"})
    program = await create_program(
        tx,
        actor,
        Description(**values, years=_years(body.years)),
        owner_code=body.owner_code,
        reporter_code=body.reporter_code or body.owner_code,
    )
    response.headers["ETag"] = etag(program.version)
    return program_view(program, actor)


@router.get("")
async def list_all(
    *,
    request: Request,
    response: Response,
    tx: ReadTx,
    signer: Signer,
    actor: Annotated[Actor, allow(*common.STAFF)],
    owner_code: Annotated[str | None, Query(max_length=40)] = None,
    status: Annotated[Status | None, Query()] = None,
    klaster: Annotated[Klaster | None, Query()] = None,
    bidang: Annotated[Bidang | None, Query()] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[ProgramView]:
    """Return the catalog by owner and code, without other agencies' sensitive programs."""
    programs, following = await list_programs(
        tx,
        agency=actor.agency,
        filters={
            "owner_code": owner_code, "status": status, "klaster": klaster, "bidang": bidang,
        },
        limit=limit,
        cursor=cursor,
        signer=signer,
    )  # fmt: skip
    page: Page[ProgramView] = Page(
        data=[program_view(program, actor) for program in programs], next=following
    )
    link_next(request, response, page)
    return page


@router.get("/{program_id}", response_model=ProgramView, responses=NOT_MODIFIED)
@refuses(errors.ProgramNotFound)
async def get_one(
    program_id: common.Id,
    request: Request,
    response: Response,
    tx: ReadTx,
    actor: Annotated[Actor, allow(*common.STAFF)],
) -> Response | ProgramView:
    """Return a program."""
    program = await visible_program(tx, actor, program_id)
    tag = etag(program.version)
    if (unchanged := not_modified(request, tag)) is not None:
        return unchanged
    response.headers["ETag"] = tag
    return program_view(program, actor)


@router.get("/{program_id}/usage")
@refuses(errors.ProgramNotFound)
async def get_usage(
    program_id: common.Id, tx: ReadTx, actor: Annotated[Actor, allow(*common.STAFF)]
) -> UsageListView:
    """Return, per year, quota and aid ceiling beside what is granted and committed."""
    program = await visible_program(tx, actor, program_id)
    granted = await granted_counts(tx, program_id)
    return UsageListView.model_validate({"data": _usage(program, granted)})


@router.patch("/{program_id}")
@refuses(errors.ProgramNotFound, errors.WrongStatus, *DESCRIPTION)
async def edit(
    *,
    program_id: common.Id,
    body: EditProgram,
    response: Response,
    tx: Tx,
    actor: Annotated[Actor, allow(*common.PROPOSERS)],
    if_match: IfMatch = None,
) -> ProgramView:
    """Change a draft."""
    program = await visible_program(tx, actor, program_id, lock=True)
    require_match(if_match, program.version)
    changes = {
        name: value
        for name, value in body.model_dump(exclude_unset=True).items()
        if value is not None or name in CLEARABLE
    }
    if body.years is not None:
        changes["years"] = _years(body.years)
    edited = await edit_program(tx, actor, program, changes)
    response.headers["ETag"] = etag(edited.version)
    return program_view(edited, actor)


def _step(action: ProgramAction, *roles: Role) -> None:
    """Add the route of one step: they differ in nothing but the action and who may ask."""

    async def move(
        program_id: common.Id,
        body: NoteBody,
        response: Response,
        tx: Tx,
        actor: Annotated[Actor, allow(*roles)],
    ) -> ProgramView:
        program = await move_program(tx, actor, program_id, action, note=body.note)
        response.headers["ETag"] = etag(program.version)
        return program_view(program, actor)

    refuses(*STEP)(move)
    move.__name__ = f"{action.value}_program"
    move.__doc__ = _STEP_TITLES[action]
    router.post(f"/{{program_id}}/{action.value}")(move)


STEP = (errors.ProgramNotFound, errors.NotYourAgency, errors.SameHand, errors.WrongStatus)
_STEP_TITLES = {
    ProgramAction.SUBMIT: "Propose a draft for approval.",
    ProgramAction.RETURN: "Give a proposed program back; another person than the proposer.",
    ProgramAction.APPROVE: "Approve a proposed program; another person than the proposer.",
    ProgramAction.ACTIVATE: "Open an approved program for enrolments.",
    ProgramAction.CLOSE: "Close a program for good.",
}

_step(ProgramAction.SUBMIT, *common.PROPOSERS)
_step(ProgramAction.RETURN, *common.DECIDERS)
_step(ProgramAction.APPROVE, *common.DECIDERS)
_step(ProgramAction.ACTIVATE, *common.PROPOSERS)
_step(ProgramAction.CLOSE, *common.PROPOSERS)
