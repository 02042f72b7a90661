"""What a caller's roles mean in programs."""

from services.programs.domain.programs import Caller
from services.programs.storage.enrolments import Sight
from services.shared.auth import Actor
from services.shared.roles import Role

REVIEWERS = (Role.ADMIN_DINSOS, Role.VERIFIKATOR_DINSOS)
ACROSS_AGENCIES = (
    *REVIEWERS,
    Role.OPERATOR_DESA,
    Role.PENDAMPING,
    Role.KADES,
    Role.CAMAT,
    Role.PIMPINAN,
    Role.AUDITOR,
)
"""They see what every agency gives, in their region; an SKPD officer sees the own agency's."""


def caller_of(actor: Actor) -> Caller:
    """Translate an actor for the domain; the id is unique across issuers."""
    return Caller(
        subject=actor.id,
        agency=actor.agency,
        is_admin=actor.has(Role.ADMIN_DINSOS),
        is_reviewer=actor.has(*REVIEWERS),
        is_officer=actor.has(Role.PETUGAS_SKPD),
    )


def sight_of(actor: Actor, *, across_agencies: bool = False) -> Sight:
    """Return which enrolments the caller may see; ``across_agencies`` is for one family's view."""
    own_only = not across_agencies and not actor.has(*ACROSS_AGENCIES)
    return Sight(actor.scope, actor.agency, own_only)
