"""``GET /v1/changes/<service>``: the published events for systems without NATS.

The same events, in the order of their publication, at least 30 days back. A caller sees the
regions of its token and what belongs to no region; never personal data, and sensitive events only
when its agency owns them.
"""

from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field
from sqlalchemy import Select, and_, or_, select, text

from services.shared.auth import Actor, allow
from services.shared.events import EventData
from services.shared.openapi import refuses
from services.shared.problems import Problem, ProblemType
from services.shared.roles import Role
from services.shared.routes import ReadTx, service_router
from services.shared.streams import event_classes
from services.shared.tables import TABLES

LIMIT_MAX = 200
READERS = (Role.INTEGRATOR, Role.PETUGAS_SKPD, Role.ADMIN_DINSOS, Role.VERIFIKATOR_DINSOS)

TYPE_UNKNOWN = ProblemType(
    "event_type_unknown", 400, "Jenis peristiwa tidak dikenal", "The event type is not known"
)

POSITION_LOST = ProblemType(
    "feed_position_lost",
    410,
    "Posisi ini hilang saat basis data dipulihkan",
    "This position was lost when the database was restored",
    "Buang salinan Anda dan baca lagi dari after=0.",
    "Drop your copy and read again from after=0.",
)


class ChangePage(BaseModel):
    """Events oldest first. ``next`` is the ``after`` of the following call, also on the last."""

    data: list[dict[str, Any]] = Field(json_schema_extra={"maxItems": LIMIT_MAX})
    next: int


def changes_router(service: str) -> APIRouter:
    """Return the change feed of ``service``."""
    router = service_router(tags=["changes"])
    public = {event.TYPE: event for event in event_classes(service) if not event.PERSONAL}
    event_type = Annotated[str, Field(max_length=100, json_schema_extra={"enum": sorted(public)})]

    @router.get(f"/v1/changes/{service}")
    @refuses(TYPE_UNKNOWN, POSITION_LOST)
    async def changes(
        tx: ReadTx,
        actor: Annotated[Actor, allow(*READERS)],
        after: Annotated[int, Query(ge=0, le=2**62)] = 0,
        limit: Annotated[int, Query(ge=1, le=LIMIT_MAX)] = 100,
        types: Annotated[list[event_type] | None, Query(max_length=20)] = None,
    ) -> ChangePage:
        """Peristiwa yang sudah diumumkan. / Events that were published."""
        if types is not None and set(types) - set(public):
            raise Problem(TYPE_UNKNOWN)
        if await tx.scalar(text(_LOST), {"after": after}):
            raise Problem(POSITION_LOST)
        rows = await tx.rows(_visible(actor, public, types, after).limit(limit))
        data = [_envelope(dict(row)) for row in rows]
        return ChangePage(data=data, next=rows[-1]["feed_position"] if rows else after)

    return router


_LOST = """
SELECT EXISTS (SELECT 1 FROM epoch, jsonb_array_elements(feed_gaps) AS gap
    WHERE :after > (gap ->> 0)::bigint AND :after < (gap ->> 1)::bigint)
"""


def _visible(
    actor: Actor, known: dict[str, type[EventData]], types: list[str] | None, after: int
) -> Select[Any]:
    outbox = TABLES.outbox.c
    return (
        select(TABLES.outbox)
        .where(
            outbox.feed_position > after,
            outbox.published_at.is_not(None),
            outbox.type.in_(types if types is not None else list(known)),
            outbox.personal.is_(False),
            or_(outbox.region_code.is_(None), actor.scope.clause(outbox.region_code)),
            or_(
                outbox.sensitive.is_(False),
                and_(outbox.owner_code.is_not(None), outbox.owner_code == (actor.agency or "")),
            ),
        )
        .order_by(outbox.feed_position)
    )


def _envelope(row: dict[str, Any]) -> dict[str, Any]:
    trace = {"traceparent": row["traceparent"]} if row["traceparent"] else {}
    return {
        "specversion": "1.0",
        "id": str(row["id"]),
        "source": row["source"],
        "type": row["type"],
        "time": row["occurred_at"].isoformat().replace("+00:00", "Z"),
        "subject": row["aggregateid"],
        "datacontenttype": "application/json",
        "epoch": row["epoch"],
        "version": row["version"],
        "sequence": str(row["feed_position"]),
        **trace,
        "data": row["payload"],
    }
