"""Events told by agencies (SKPD) from their own systems, each through its own NATS account.

An agency publishes on ``events.<type>`` in its account; the server maps that to
``skpd.<code>.<type>`` and files it in the agency's own stream ``IN_<CODE>``. The CloudEvents
``source`` must be ``skpd/<code>``: the subject, which the server enforces, decides who spoke.
"""

from datetime import date
from typing import ClassVar, Literal
from uuid import UUID

from pydantic import Field

from services.contracts.programs import BenefitV1, ProgramYearV1
from services.shared.events import EventData, Kind

INGEST_STREAM_PREFIX = "IN_"


class ProgramReportedV1(EventData):
    """An agency describes one of its programs: enough to list it in the catalog."""

    TYPE: ClassVar[str] = "skpd.program.reported.v1"
    KIND: ClassVar[Kind] = Kind.FACT
    KEY: ClassVar[str] = "code"
    STREAM: ClassVar[str] = INGEST_STREAM_PREFIX

    code: str = Field(pattern=r"^[A-Z0-9][A-Z0-9-]{1,39}$")
    name: str = Field(min_length=3, max_length=200)
    klaster: Literal["I", "II", "III", "IV"]
    strategi: Literal["BEBAN", "PENDAPATAN", "KANTONG"]
    bidang: Literal["PENDIDIKAN", "KESEHATAN", "INFRASTRUKTUR", "EKONOMI"]
    sub_kegiatan: str | None = Field(default=None, max_length=30)
    nomenclature_version: str | None = Field(default=None, max_length=60)
    unit: Literal["person", "family", "household", "group", "village"]
    benefit: BenefitV1
    frequency: str = Field(max_length=40)
    steps: tuple[str, ...] = Field(default=(), max_length=20)
    years: tuple[ProgramYearV1, ...] = Field(default=(), max_length=20)
    counts_as_reached: bool = True
    sensitive: bool = False


class DeliveryReportedV1(EventData):
    """An agency reports a handover of its own against an entitlement that Betang told it of."""

    TYPE: ClassVar[str] = "skpd.delivery.reported.v1"
    KIND: ClassVar[Kind] = Kind.FACT
    KEY: ClassVar[str] = "delivery_id"
    STREAM: ClassVar[str] = INGEST_STREAM_PREFIX

    delivery_id: UUID
    entitlement_id: UUID
    delivered_on: date
    quantity: int = Field(gt=0, le=1_000_000)
    serial_number: str | None = Field(default=None, max_length=80)
