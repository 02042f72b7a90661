"""/v1/enrolments: propose, approve, suspend, resume, end, and what a family receives."""

from dataclasses import asdict
from typing import Annotated, Any
from uuid import UUID

from fastapi import Query, Request, Response

from services.programs.actions.callers import sight_of
from services.programs.actions.enrolments import move_enrolment, propose_many, propose_one
from services.programs.actions.grants import approve_many, approve_one
from services.programs.api import common
from services.programs.api.enrolment_shapes import (
    ApproveEnrolment,
    ApproveEnrolments,
    BatchView,
    EnrolmentDetailView,
    EnrolmentPage,
    EnrolmentView,
    OverlapView,
    ProposeEnrolment,
    ProposeEnrolments,
    SearchEnrolments,
    SearchView,
    Status,
    VerdictsView,
    counts,
    enrolment_views,
    row_view,
    verdict_view,
)
from services.programs.api.freshness import Fresh
from services.programs.domain import errors
from services.programs.domain.enrolments import EnrolmentAction
from services.programs.domain.errors import EnrolmentNotFound
from services.programs.storage.enrolments import (
    Enrolment,
    enrolment_log,
    enrolments_of_families,
    get_enrolments,
    list_enrolments,
    list_overlaps,
)
from services.programs.storage.persons import find_families
from services.programs.storage.programs import sensitive_ids
from services.shared.auth import Actor, allow
from services.shared.db import ReadTransaction
from services.shared.http import Keys, ReadTx, Signer, Tx, etag, refuses, service_router
from services.shared.pages import Cursor, Limit, Page, link_next
from services.shared.roles import Role
from services.shared.sealing import KeyedIndex

router = service_router(prefix="/v1/enrolments", tags=["enrolments"])

STEP = (
    errors.EnrolmentNotFound,
    errors.NotYourAgency,
    errors.SameHand,
    errors.WrongStatus,
    errors.AlreadyEnrolled,
    errors.QuotaExceeded,
    errors.CeilingExceeded,
)
PROPOSAL = (
    errors.ProgramNotFound,
    errors.NotYourAgency,
    errors.ProgramNotActive,
    errors.WrongUnit,
    errors.InvalidDates,
    errors.InvalidRule,
)


@router.post("", status_code=201)
@refuses(*PROPOSAL, errors.AlreadyEnrolled, errors.FamilyUnknown)
async def propose(
    body: ProposeEnrolment,
    response: Response,
    tx: Tx,
    actor: Annotated[Actor, allow(*common.PROPOSERS)],
) -> EnrolmentView:
    """Propose one recipient; the answer carries the evaluated reasons."""
    enrolment = await propose_one(
        tx,
        actor,
        program_id=body.program_id,
        year=body.year,
        proposal=body.proposal(),
        if_ineligible=body.if_ineligible,
    )
    return await _changed(tx, enrolment, actor, response)


@router.post("/batch")
@refuses(*PROPOSAL)
async def propose_batch(
    body: ProposeEnrolments, tx: Tx, actor: Annotated[Actor, allow(*common.PROPOSERS)]
) -> BatchView:
    """Propose up to 1,000 recipients in one transaction."""
    outcomes = await propose_many(
        tx,
        actor,
        program_id=body.program_id,
        year=body.year,
        proposals=[row.proposal() for row in body.rows],
        if_ineligible=body.if_ineligible,
    )
    rows = [row_view(number, outcome) for number, outcome in enumerate(outcomes)]
    return BatchView(rows=rows, counts=counts([row.status for row in rows]))


@router.post("/approve-batch")
async def approve_batch(
    body: ApproveEnrolments, tx: Tx, actor: Annotated[Actor, allow(*common.DECIDERS)]
) -> VerdictsView:
    """Grant up to 1,000 proposals in one transaction, in order, as far as quota and ceiling go."""
    verdicts = await approve_many(tx, actor, body.enrolment_ids)
    rows = [verdict_view(verdict) for verdict in verdicts]
    return VerdictsView(rows=rows, counts=counts([row.problem or row.status for row in rows]))


@router.post(
    "/search",
    openapi_extra={"x-no-idempotency": "a look-up: asking again only adds to the access log"},
)
async def search(
    body: SearchEnrolments,
    tx: Tx,
    keys: Keys,
    actor: Annotated[Actor, allow(*common.DECIDERS, *common.FIELD)],
    fresh: Fresh,
) -> SearchView:
    """Return what the family of a NIK or KK number receives, from whom, since when."""
    kind, number = ("nik", body.nik) if body.nik else ("kk", body.kk_number or "")
    indexes = [index for index, _ in KeyedIndex(keys).all_versions(kind, number)]
    families = await find_families(tx, kind=kind, indexes=indexes, scope=actor.scope)
    for family in families:
        tx.audit(
            "enrolment.search",
            str(family.family_id),
            {"purpose": body.purpose, "by": kind},
            actor.id,
        )
    found = await enrolments_of_families(
        tx,
        [family.family_id for family in families],
        sight=sight_of(actor, across_agencies=True),
    )
    return SearchView.model_validate(
        {
            "families": [asdict(family) for family in families],
            "data": await enrolment_views(tx, found, actor),
            **fresh,
        }
    )


@router.get("")
async def list_all(
    *,
    request: Request,
    response: Response,
    tx: ReadTx,
    signer: Signer,
    actor: Annotated[Actor, allow(*common.LIST_READERS)],
    fresh: Fresh,
    program_id: Annotated[UUID | None, Query()] = None,
    year: common.YearQuery = None,
    status: Annotated[Status | None, Query()] = None,
    family_id: Annotated[UUID | None, Query()] = None,
    region: common.Region = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> EnrolmentPage:
    """Return enrolments, newest first; an SKPD officer sees those of the own agency."""
    found = await list_enrolments(
        tx,
        sight=sight_of(actor),
        program_id=program_id,
        year=year,
        status=status,
        family_id=family_id,
        region=region,
        limit=limit,
        cursor=cursor,
        signer=signer,
    )
    views = await enrolment_views(tx, [Enrolment(**row) for row in found.rows], actor)
    link_next(request, response, Page[Any](data=[], next=found.next))
    return EnrolmentPage.model_validate({"data": views, "next": found.next, **fresh})


@router.get("/overlaps")
async def overlaps(
    *,
    request: Request,
    response: Response,
    tx: ReadTx,
    signer: Signer,
    actor: Annotated[
        Actor, allow(Role.ADMIN_DINSOS, Role.VERIFIKATOR_DINSOS, Role.PIMPINAN, Role.AUDITOR)
    ],
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[OverlapView]:
    """Return families that hold two programs which exclude each other."""
    found = await list_overlaps(
        tx,
        sight=sight_of(actor),
        hidden=await sensitive_ids(tx, actor.agency),
        limit=limit,
        cursor=cursor,
        signer=signer,
    )
    page = found.page(OverlapView.model_validate)
    link_next(request, response, page)
    return page


@router.get("/{enrolment_id}")
@refuses(errors.EnrolmentNotFound)
async def get_one(
    enrolment_id: common.Id,
    response: Response,
    tx: ReadTx,
    actor: Annotated[Actor, allow(*common.LIST_READERS)],
) -> EnrolmentDetailView:
    """Return an enrolment with the facts, the rule version and the sentences of its decision."""
    found = await get_enrolments(tx, [enrolment_id], sight=sight_of(actor))
    if enrolment_id not in found:
        raise EnrolmentNotFound
    enrolment = found[enrolment_id]
    response.headers["ETag"] = etag(enrolment.version)
    (view,) = await enrolment_views(tx, [enrolment], actor)
    log = await enrolment_log(tx, enrolment_id)
    return EnrolmentDetailView.model_validate(view | {"facts": enrolment.facts, "log": log})


@router.post("/{enrolment_id}/approve")
@refuses(
    errors.EnrolmentNotFound,
    errors.NotYourAgency,
    errors.SameHand,
    errors.WrongStatus,
    errors.ProgramNotActive,
    errors.FamilyUnknown,
    errors.AlreadyEnrolled,
    errors.NotEligible,
    errors.QuotaExceeded,
    errors.CeilingExceeded,
    errors.InvalidRule,
)
async def approve(
    enrolment_id: common.Id,
    body: ApproveEnrolment,
    response: Response,
    tx: Tx,
    actor: Annotated[Actor, allow(*common.DECIDERS)],
) -> EnrolmentView:
    """Grant a proposal; another person than the proposer."""
    enrolment = await approve_one(tx, actor, enrolment_id, override_reason=body.override_reason)
    return await _changed(tx, enrolment, actor, response)


def _step(action: EnrolmentAction, title: str) -> None:
    """Add the route of one step: they differ in nothing but the action."""

    async def move(
        enrolment_id: common.Id,
        body: common.ReasonBody,
        response: Response,
        tx: Tx,
        actor: Annotated[Actor, allow(*common.DECIDERS)],
    ) -> EnrolmentView:
        enrolment = await move_enrolment(tx, actor, enrolment_id, action, reason=body.reason)
        return await _changed(tx, enrolment, actor, response)

    refuses(*STEP)(move)
    move.__name__ = f"{action.value}_enrolment"
    move.__doc__ = title
    router.post(f"/{{enrolment_id}}/{action.value}")(move)


_step(EnrolmentAction.REFUSE, "Refuse a proposal with a reason; another person than the proposer.")
_step(EnrolmentAction.SUSPEND, "Suspend a granted enrolment with a reason.")
_step(EnrolmentAction.RESUME, "Resume a suspended enrolment with a reason.")
_step(EnrolmentAction.END, "End an enrolment with a reason.")


async def _changed(
    tx: ReadTransaction, enrolment: Enrolment, actor: Actor, response: Response
) -> EnrolmentView:
    (view,) = await enrolment_views(tx, [enrolment], actor)
    response.headers["ETag"] = etag(enrolment.version)
    return EnrolmentView.model_validate(view)
