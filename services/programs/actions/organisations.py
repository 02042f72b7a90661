"""Adds organisations."""

from services.programs.actions.told import organisation_state
from services.programs.domain.errors import OrganisationExists
from services.programs.storage.organisations import Organisation, add_organisation
from services.shared.auth import Actor
from services.shared.db import Transaction


async def create_organisation(
    tx: Transaction, actor: Actor, *, code: str, name: str, kind: str
) -> Organisation:
    """Add an organisation and tell it. Raise ``OrganisationExists``."""
    organisation = Organisation(code=code, name=name, kind=kind, version=1)
    if not await add_organisation(tx, organisation, by=actor.id):
        raise OrganisationExists(code=code)
    tx.audit("organisation.create", code, {"kind": kind}, actor.id)
    tx.emit(organisation_state(organisation), version=organisation.version)
    return organisation
