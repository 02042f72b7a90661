"""``/v1/parked-events/<service>``: events that could not be used, and the order to try again."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel
from sqlalchemy import select

from services.shared import commands
from services.shared.auth import Actor, allow
from services.shared.pages import LIMIT_MAX, Page, link_next, paginate
from services.shared.problems import NOT_FOUND, Problem
from services.shared.roles import Role
from services.shared.routes import ReadTx, Signer, Tx, service_router
from services.shared.tables import TABLES

OPERATORS = (Role.ADMIN_DINSOS, Role.INTEGRATOR)


class ParkedEvent(BaseModel):
    """One parked event. Its content is not shown: it may hold personal data."""

    id: UUID
    consumer: str
    stream: str
    stream_sequence: int
    event_id: str | None
    event_type: str | None
    reason_code: str
    reason_detail: str
    deliveries: int
    parked_at: datetime
    last_seen_at: datetime
    replayed_at: datetime | None


class ReplayOrdered(BaseModel):
    """The order to the worker; the parked event shows ``replayed_at`` when it succeeded."""

    command_id: UUID


def parked_events_router(service: str) -> APIRouter:
    """Return the routes of the parked events of ``service``."""
    router = service_router(tags=["parked-events"])
    table = TABLES.parked_events

    @router.get(f"/v1/parked-events/{service}")
    async def list_parked_events(
        *,
        request: Request,
        response: Response,
        tx: ReadTx,
        signer: Signer,
        actor: Annotated[Actor, allow(*OPERATORS)],  # noqa: ARG001 - the dependency is the point
        limit: Annotated[int, Query(ge=1, le=LIMIT_MAX)] = 50,
        cursor: Annotated[str | None, Query(max_length=1000)] = None,
        include_replayed: bool = False,
    ) -> Page[ParkedEvent]:
        """Peristiwa yang tidak dapat diolah. / Events that could not be used."""
        columns = [table.c[name] for name in ParkedEvent.model_fields]
        stmt = select(*columns)
        if not include_replayed:
            stmt = stmt.where(table.c.replayed_at.is_(None))
        found = await paginate(
            tx, stmt, keys=[table.c.parked_at.desc(), table.c.id], limit=limit, cursor=cursor,
            signer=signer, list_name=f"parked-events {include_replayed}",
        )  # fmt: skip
        page = found.page(ParkedEvent.model_validate)
        link_next(request, response, page)
        return page

    @router.post(f"/v1/parked-events/{service}/{{parked_id}}/replay", status_code=202)
    async def replay_parked_event(
        parked_id: UUID, tx: Tx, actor: Annotated[Actor, allow(*OPERATORS)]
    ) -> ReplayOrdered:
        """Olah kembali satu peristiwa. / Try one event again."""
        if await tx.scalar(select(table.c.id).where(table.c.id == parked_id)) is None:
            raise Problem(NOT_FOUND)
        return ReplayOrdered(
            command_id=await commands.order(tx, commands.REPLAY, str(parked_id), actor.id)
        )

    return router
