"""Events told by indicators: published values."""

from datetime import datetime
from typing import ClassVar

from services.shared.events import EventData, Kind


class IndicatorPublishedV1(EventData):
    """A value was frozen and published. Decimals travel as text; a suppressed value is null."""

    TYPE: ClassVar[str] = "indicators.indicator.published.v1"
    KIND: ClassVar[Kind] = Kind.FACT
    KEY: ClassVar[str] = "publication_id"
    STREAM: ClassVar[str] = "INDICATORS_FACT"

    publication_id: str
    indicator_code: str
    definition_version: int
    region_code: str
    period: str
    value: str | None
    unit: str
    data_as_of: datetime
