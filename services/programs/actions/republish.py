"""Tells every current row anew: organisations, programs, enrolments."""

from collections.abc import AsyncIterator

from services.programs.actions.told import enrolment_state, organisation_state, program_state
from services.programs.storage.enrolments import every_enrolment
from services.programs.storage.organisations import every_organisation
from services.programs.storage.programs import every_program
from services.shared.db import Transaction
from services.shared.events import EventData


async def republish_organisations(tx: Transaction) -> AsyncIterator[tuple[EventData, int]]:
    """Yield the state of every organisation."""
    async for organisation in every_organisation(tx):
        yield organisation_state(organisation), organisation.version


async def republish_programs(tx: Transaction) -> AsyncIterator[tuple[EventData, int]]:
    """Yield the state of every program."""
    async for program in every_program(tx):
        yield program_state(program), program.version


async def republish_enrolments(tx: Transaction) -> AsyncIterator[tuple[EventData, int]]:
    """Yield the state of every enrolment."""
    async for enrolment, sensitive, owner_code in every_enrolment(tx):
        state = enrolment_state(enrolment, sensitive=sensitive, owner_code=owner_code)
        yield state, enrolment.version
