"""What programs tells: organisations, programs, enrolments."""

from collections.abc import Sequence
from typing import Any

from services.contracts.programs import EnrolmentStateV1, OrganisationStateV1, ProgramStateV1
from services.indicators.actions import projections
from services.indicators.domain.projections import (
    EnrolmentState,
    OrganisationState,
    ProgramState,
    ProgramYear,
)
from services.indicators.subscriptions.batches import newest, only
from services.shared.db import Transaction
from services.shared.events import Received
from services.shared.inbox import Subscription


async def handle(tx: Transaction, events: Sequence[Received[Any]]) -> None:
    """Keep organisations, programs and enrolments of one batch."""
    if organisations := only(events, OrganisationStateV1):
        states = [_organisation(event) for event in organisations]
        await projections.keep_organisations(tx, states, newest(organisations))
    if programs := only(events, ProgramStateV1):
        await projections.keep_programs(tx, [_program(e) for e in programs], newest(programs))
    if enrolments := only(events, EnrolmentStateV1):
        states_of = [_enrolment(event) for event in enrolments]
        await projections.keep_enrolments(tx, states_of, newest(enrolments))


def _organisation(event: Received[OrganisationStateV1]) -> OrganisationState:
    data = event.data
    return OrganisationState(data.code, data.name, data.kind, event.epoch, event.version)


def _program(event: Received[ProgramStateV1]) -> ProgramState:
    data = event.data
    return ProgramState(
        program_id=data.program_id,
        code=data.code,
        name=data.name,
        owner_code=data.owner_code,
        reporter_code=data.reporter_code,
        klaster=data.klaster,
        strategi=data.strategi,
        bidang=data.bidang,
        unit=data.unit,
        counts_as_reached=data.counts_as_reached,
        sensitive=data.sensitive,
        target_desil_max=data.target_desil_max,
        status=data.status,
        years=tuple(
            ProgramYear(y.year, y.fund_source, y.ceiling_idr, y.aid_ceiling_idr, y.quota)
            for y in data.years
        ),
        epoch=event.epoch,
        version=event.version,
    )


def _enrolment(event: Received[EnrolmentStateV1]) -> EnrolmentState:
    data = event.data
    return EnrolmentState(
        enrolment_id=data.enrolment_id,
        program_id=data.program_id,
        year=data.year,
        family_id=data.family_id,
        person_id=data.person_id,
        region_code=data.region_code,
        status=data.status,
        sensitive=data.sensitive,
        epoch=event.epoch,
        version=event.version,
    )


SUBSCRIPTION = Subscription(
    name="programs",
    stream=ProgramStateV1.STREAM,
    types=(OrganisationStateV1, ProgramStateV1, EnrolmentStateV1),
    handle=handle,
    reset=projections.forget_programs,
)
