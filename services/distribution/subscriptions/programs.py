"""What programs tells: programs with their ceilings, enrolments."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from services.contracts.programs import EnrolmentStateV1, ProgramStateV1, ProgramYearV1
from services.distribution.actions import projections
from services.shared.db import Transaction
from services.shared.events import Received
from services.shared.inbox import Subscription


async def handle_programs(tx: Transaction, events: Sequence[Received[ProgramStateV1]]) -> None:
    """Keep programs and follow their ceilings."""
    fields = {
        "code", "name", "owner_code", "reporter_code", "unit", "benefit", "steps", "sensitive",
        "status",
    }  # fmt: skip
    programs = [
        {
            "id": event.data.program_id,
            **event.data.model_dump(include=fields),
            **_guard(event),
        }
        for event in events
    ]
    years = [
        {"program_id": event.data.program_id, **year}
        for event in events
        for year in years_of(event.data.years)
    ]
    await projections.apply_programs(tx, programs, years)


async def handle_enrolments(tx: Transaction, events: Sequence[Received[EnrolmentStateV1]]) -> None:
    """Keep who is granted what."""
    fields = {
        "program_id", "year", "family_id", "person_id", "region_code", "status", "valid_from",
        "valid_to", "sensitive",
    }  # fmt: skip
    enrolments = [
        {
            "id": event.data.enrolment_id,
            **event.data.model_dump(include=fields),
            **_guard(event),
        }
        for event in events
    ]
    await projections.apply_enrolments(tx, enrolments)


def years_of(told: Sequence[ProgramYearV1]) -> list[dict[str, Any]]:
    """Add up the fund sources of each year; what is unknown in one is unknown in all."""
    by_year: dict[int, list[ProgramYearV1]] = defaultdict(list)
    for one in told:
        by_year[one.year].append(one)
    return [
        {
            "year": year,
            "ceiling_idr": _sum([one.ceiling_idr for one in sources]),
            "aid_ceiling_idr": _sum([one.aid_ceiling_idr for one in sources]),
        }
        for year, sources in sorted(by_year.items())
    ]


def _sum(amounts: Sequence[int | None]) -> int | None:
    known = [amount for amount in amounts if amount is not None]
    return sum(known) if len(known) == len(amounts) else None


def _guard(event: Received[Any]) -> dict[str, int]:
    return {"epoch": event.epoch, "version": event.version}


SUBSCRIPTIONS = (
    Subscription(
        name="programs-programs",
        stream=ProgramStateV1.STREAM,
        types=(ProgramStateV1,),
        handle=handle_programs,
        reset=projections.forget_programs,
    ),
    Subscription(
        name="programs-enrolments",
        stream=EnrolmentStateV1.STREAM,
        types=(EnrolmentStateV1,),
        handle=handle_enrolments,
        reset=projections.forget_enrolments,
    ),
)
