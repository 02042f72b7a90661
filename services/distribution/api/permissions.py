"""Which role may do what here, and what an actor's roles mean for sight and hands."""

from typing import Annotated

from services.distribution.actions.caller import Caller
from services.distribution.storage.sight import Sight
from services.shared.auth import Actor, allow
from services.shared.roles import Role

MANAGERS = (Role.PETUGAS_SKPD, Role.ADMIN_DINSOS)
"""They plan cycles and pay: an SKPD officer for the own agency's programs."""

HANDS = (*MANAGERS, Role.PENYALUR)
"""They hand over."""

ACROSS_AGENCIES = (
    Role.ADMIN_DINSOS,
    Role.VERIFIKATOR_DINSOS,
    Role.OPERATOR_DESA,
    Role.PENDAMPING,
    Role.KADES,
    Role.CAMAT,
    Role.PIMPINAN,
    Role.AUDITOR,
    Role.ANALIS_TKPKD,
)
"""They see what every agency gives in their regions, sensitive programs apart."""

RECIPIENT_READERS = (
    *HANDS,
    Role.VERIFIKATOR_DINSOS,
    Role.OPERATOR_DESA,
    Role.PENDAMPING,
    Role.KADES,
    Role.CAMAT,
    Role.PIMPINAN,
    Role.AUDITOR,
)
"""They read who gets what; auditors without names."""

PLAN_READERS = (*RECIPIENT_READERS, Role.ANALIS_TKPKD)
BOOK_READERS = (*MANAGERS, Role.PIMPINAN, Role.AUDITOR, Role.ANALIS_TKPKD)
ENTRY_READERS = (*MANAGERS, Role.AUDITOR)
SEARCHERS = (*HANDS, Role.VERIFIKATOR_DINSOS, Role.OPERATOR_DESA)

NAMED_READERS = frozenset(RECIPIENT_READERS) - {Role.AUDITOR}

Manager = Annotated[Actor, allow(*MANAGERS)]
Hand = Annotated[Actor, allow(*HANDS)]
RecipientReader = Annotated[Actor, allow(*RECIPIENT_READERS)]
PlanReader = Annotated[Actor, allow(*PLAN_READERS)]
BookReader = Annotated[Actor, allow(*BOOK_READERS)]
EntryReader = Annotated[Actor, allow(*ENTRY_READERS)]
Searcher = Annotated[Actor, allow(*SEARCHERS)]


def sight_of(actor: Actor) -> Sight:
    """Return what the actor may see.

    An SKPD officer sees the own agency's programs; an officer at the table too, unless nobody
    named an agency (a bank, a village): then the regions alone bind. Roles add up, but never to
    what none of them gives: an officer who is also an analyst reads names of the own agency's
    recipients, not names across agencies.
    """
    names = actor.has(*NAMED_READERS)
    across = ACROSS_AGENCIES if not names else NAMED_READERS.intersection(ACROSS_AGENCIES)
    own_only = not actor.has(*across) and (actor.agency is not None or not actor.has(Role.PENYALUR))
    return Sight(actor.scope, actor.agency, own_only, names=names)


def caller_of(actor: Actor) -> Caller:
    """Return the actor as the actions know it."""
    return Caller(
        id=actor.id,
        sight=sight_of(actor),
        agency=actor.agency,
        manages_all=actor.has(Role.ADMIN_DINSOS),
    )
