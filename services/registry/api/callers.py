"""Who may do what in the registry (handbook 5.1), and the keys that its routes work with."""

from typing import Annotated

from fastapi import Depends

from services.registry.storage.identities import Numbers
from services.shared.auth import Actor, allow
from services.shared.http import Keys
from services.shared.roles import Role

VILLAGE = (Role.OPERATOR_DESA, Role.PENDAMPING, Role.KADES)
DINSOS = (Role.VERIFIKATOR_DINSOS, Role.ADMIN_DINSOS)

READERS = (*VILLAGE, Role.CAMAT, *DINSOS, Role.PIMPINAN, Role.AUDITOR)
"""They may leaf through the families of their regions, masked."""

SEARCHERS = (*VILLAGE, Role.CAMAT, *DINSOS, Role.PETUGAS_SKPD, Role.DISDUKCAPIL)
"""They may ask for one family or person by number, logged with the purpose."""

VIEWERS = (*READERS, Role.PETUGAS_SKPD)
"""They may see a family or person that they were led to, masked."""

CORRECTORS = (Role.OPERATOR_DESA, *DINSOS)
REVEALERS = (Role.OPERATOR_DESA, *DINSOS, Role.DISDUKCAPIL)

Everyone = Annotated[Actor, allow(*Role)]
Reader = Annotated[Actor, allow(*READERS)]
Searcher = Annotated[Actor, allow(*SEARCHERS)]
FamilyViewer = Annotated[Actor, allow(*VIEWERS)]
PersonViewer = Annotated[Actor, allow(*VIEWERS, Role.DISDUKCAPIL)]
Corrector = Annotated[Actor, allow(*CORRECTORS)]
Revealer = Annotated[Actor, allow(*REVEALERS)]
Officer = Annotated[Actor, allow(Role.DPO)]


async def _numbers(keys: Keys) -> Numbers:
    return Numbers(keys)


NumbersDep = Annotated[Numbers, Depends(_numbers)]
