"""What the resources share: who may read, which places, how fresh, how small is too small."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Final

from fastapi import Depends, Path, Query, Request
from pydantic import BaseModel

from services.indicators.domain import catalog
from services.indicators.settings import IndicatorsSettings
from services.indicators.storage import positions, sources
from services.shared import clock
from services.shared.auth import Actor, Scope, allow
from services.shared.http import ReadTx
from services.shared.position import POSITION_CHARS_MAX, as_of, wait_for
from services.shared.roles import Role

READERS: Final = (
    Role.PIMPINAN,
    Role.ANALIS_TKPKD,
    Role.ADMIN_DINSOS,
    Role.VERIFIKATOR_DINSOS,
    Role.AUDITOR,
    Role.PETUGAS_SKPD,
    Role.OPERATOR_DESA,
    Role.KADES,
    Role.CAMAT,
)
"""Who reads figures, each within the regions of the token."""

REGENCY_READERS: Final = (
    Role.PIMPINAN,
    Role.ANALIS_TKPKD,
    Role.ADMIN_DINSOS,
    Role.VERIFIKATOR_DINSOS,
    Role.AUDITOR,
    Role.PETUGAS_SKPD,
)
"""Who reads figures that have no region below the regency."""

SEES_SMALL_CELLS: Final = (
    Role.PIMPINAN,
    Role.ADMIN_DINSOS,
    Role.VERIFIKATOR_DINSOS,
    Role.AUDITOR,
    Role.OPERATOR_DESA,
    Role.KADES,
    Role.CAMAT,
)
"""Who may see the families themselves, handbook 5.1; others get no cell under 10."""

AGENCY_ROLES: Final = (Role.PETUGAS_SKPD, Role.ADMIN_DINSOS, Role.VERIFIKATOR_DINSOS)
"""Who acts for the agency of the token, and so sees its sensitive programs."""

Reader = Annotated[Actor, allow(*READERS)]
RegencyReader = Annotated[Actor, allow(*REGENCY_READERS)]

Year = Annotated[
    int | None,
    Query(ge=2000, le=2100, description="Tahun anggaran; tanpa isian: tahun berjalan"),
]
MinPosition = Annotated[
    str | None,
    Query(
        max_length=POSITION_CHARS_MAX,
        description="Betang-Position dari penulisan sebelumnya; ditunggu paling lama 2 detik",
    ),
]
RegionCode = Annotated[
    str | None,
    Query(
        pattern=r"^\d{2}(\.\d{2}(\.\d{2}(\.\d{4})?)?)?$",
        description="Kode wilayah Kemendagri (awalan), mis. 62.02 atau 62.02.06",
    ),
]


Code = Annotated[str, Path(max_length=60, description="Kode indikator")]


class ProducersView(BaseModel):
    """An instant per producer; null is unknown."""

    registry: datetime | None
    programs: datetime | None
    distribution: datetime | None


class LabelView(BaseModel):
    """Whose figure this is, to be shown beside it."""

    id: str
    en: str


class FreshnessView(BaseModel):
    """How fresh an answer is.

    ``as_of``: until when everything that a producer told is counted here; null before the first
    reading of its stream and during a rebuild. ``last_data_at``: the newest thing it told.
    ``stale``: the asked ``min_position`` has not come in time.
    """

    as_of: ProducersView
    last_data_at: ProducersView
    stale: bool

    @property
    def fields(self) -> dict[str, Any]:
        """Return the three fields, for the answer that inherits them."""
        return {"as_of": self.as_of, "last_data_at": self.last_data_at, "stale": self.stale}


REGISTRY_LABEL: Final = LabelView(id=catalog.REGISTRY_LABEL_ID, en=catalog.REGISTRY_LABEL_EN)
OFFICIAL_LABEL: Final = LabelView(id=catalog.OFFICIAL_LABEL_ID, en=catalog.OFFICIAL_LABEL_EN)


async def settings_of(request: Request) -> IndicatorsSettings:
    """Return the service's settings."""
    found: IndicatorsSettings = request.app.state.settings
    return found


Settings = Annotated[IndicatorsSettings, Depends(settings_of)]


async def freshness(
    request: Request, tx: ReadTx, min_position: MinPosition = None
) -> FreshnessView:
    """Wait for ``min_position``, then say how fresh the snapshot of this request is."""
    # The wait comes before the snapshot's first statement, which is when it is taken.
    stale = await wait_for(min_position, positions.readers(request.app.state.db))
    newest: dict[str, datetime] = {}
    for topic, at in (await sources.last_data_at(tx)).items():
        newest[topic.producer] = max(at, newest.get(topic.producer, at))
    return FreshnessView(
        as_of=_producers(await as_of(tx)), last_data_at=_producers(newest), stale=stale
    )


Freshness = Annotated[FreshnessView, Depends(freshness)]


def _producers(known: Mapping[str, datetime | None]) -> ProducersView:
    return ProducersView(
        registry=known.get("registry"),
        programs=known.get("programs"),
        distribution=known.get("distribution"),
    )


def places(actor: Actor, region: str | None) -> list[str]:
    """Return the LIKE patterns of what is asked; a region outside the token is refused."""
    if region is None:
        return actor.scope.like_patterns()
    actor.scope.require(region)
    return Scope((region,)).like_patterns()


def hides_small_cells(actor: Actor) -> bool:
    """Say whether the caller may not learn of cells under 10."""
    return not actor.has(*SEES_SMALL_CELLS)


def own_agency(actor: Actor) -> str | None:
    """Return the agency whose sensitive programs the caller may see."""
    return actor.agency if actor.has(*AGENCY_ROLES) else None


def year_or_now(year: int | None) -> int:
    """Return the asked budget year, or the present one in local time."""
    return clock.today().year if year is None else year
