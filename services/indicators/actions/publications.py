"""Freeze a value and tell it: what goes upward is an aggregate, never a family."""

from collections.abc import AsyncIterator
from datetime import datetime
from uuid import UUID

from services.contracts.indicators import IndicatorPublishedV1
from services.indicators.actions import values
from services.indicators.domain.catalog import Definition, Origin
from services.indicators.domain.errors import NothingToPublish, OfficialFigureNotOurs, PeriodInvalid
from services.indicators.storage import publications
from services.indicators.storage.publications import Publication
from services.shared.db import Transaction
from services.shared.ids import new_id


async def publish(
    tx: Transaction,
    definition: Definition,
    *,
    region: str,
    period: str,
    window_months: int,
    desil_max: int,
    actor: str,
) -> Publication:
    """Freeze the present value of a registry indicator and tell it.

    Raise ``OfficialFigureNotOurs``, ``PeriodInvalid`` (only years), ``NothingToPublish``.
    """
    if definition.origin is Origin.OFFICIAL:
        raise OfficialFigureNotOurs(code=definition.code)
    if not (period.isascii() and period.isdigit()):
        raise PeriodInvalid(period=period)
    data_as_of = await values.data_as_of(tx)
    present = await values.present(
        tx,
        definition.code,
        region=region,
        year=int(period),
        window_months=window_months,
        desil_max=desil_max,
    )
    if present.value is None or data_as_of is None:
        raise NothingToPublish
    publication = _frozen(
        definition,
        region=region,
        period=period,
        present=present,
        data_as_of=data_as_of,
        now=tx.now,
    )
    publications.add(tx, publication, actor=actor)
    tx.emit(_event(publication))
    tx.audit(
        "indicators.publish",
        f"{definition.code}/{region}/{period}",
        {"publication_id": str(publication.id), "suppressed": publication.suppressed},
        actor,
    )
    return publication


async def republish(tx: Transaction) -> AsyncIterator[tuple[IndicatorPublishedV1, int]]:
    """Yield every publication; see ``shared.republishing``."""
    last: UUID | None = None
    while found := await publications.after(tx, last):
        for publication in found:
            yield _event(publication), 1
        last = found[-1].id


def _frozen(
    definition: Definition,
    *,
    region: str,
    period: str,
    present: values.Value,
    data_as_of: datetime,
    now: datetime,
) -> Publication:
    return Publication(
        id=new_id(),
        indicator_code=definition.code,
        definition_version=definition.version,
        region_code=region,
        period=period,
        value=None if present.small else present.value,
        suppressed=present.small,
        unit=definition.unit,
        data_as_of=data_as_of,
        published_at=now,
    )


def _event(publication: Publication) -> IndicatorPublishedV1:
    value = publication.value
    return IndicatorPublishedV1(
        publication_id=str(publication.id),
        indicator_code=publication.indicator_code,
        definition_version=publication.definition_version,
        region_code=publication.region_code,
        period=publication.period,
        value=None if value is None else format(value, "f"),
        unit=publication.unit,
        data_as_of=publication.data_as_of,
    )
