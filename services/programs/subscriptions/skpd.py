"""What agencies tell through their own accounts: their programs.

Who spoke is the subject that the broker enforces; the inbox has checked the source against it.
"""

from collections.abc import Sequence
from typing import Any

from services.contracts.skpd import INGEST_STREAM_PREFIX, DeliveryReportedV1, ProgramReportedV1
from services.programs.actions.programs import Description, Report, take_reports
from services.programs.domain.programs import ProgramYear
from services.shared.db import Transaction
from services.shared.events import Received
from services.shared.inbox import Subscription


async def handle_reports(tx: Transaction, events: Sequence[Received[Any]]) -> None:
    """List or revise the reported programs in the catalog."""
    await take_reports(tx, [_report(event) for event in events])


def _report(event: Received[ProgramReportedV1]) -> Report:
    data = event.data
    return Report(
        agency_code=event.source.removeprefix("skpd/").upper(),
        reported_at=event.time,
        described=Description(
            code=data.code,
            name=data.name,
            klaster=data.klaster,
            strategi=data.strategi,
            bidang=data.bidang,
            nomenclature_version=data.nomenclature_version,
            sub_kegiatan=data.sub_kegiatan,
            unit=data.unit,
            benefit=data.benefit.model_dump(mode="json"),
            frequency=data.frequency,
            steps=list(data.steps),
            years=tuple(
                ProgramYear(
                    line.year,
                    line.fund_source,
                    line.ceiling_idr,
                    line.aid_ceiling_idr,
                    line.quota,
                )
                for line in data.years
            ),
            counts_as_reached=data.counts_as_reached,
            sensitive=data.sensitive,
        ),
    )


REPORTS = Subscription(
    name="skpd-programs",
    stream_prefix=INGEST_STREAM_PREFIX,
    types=(ProgramReportedV1,),
    handle=handle_reports,
    # What distribution reads is left to it; what nobody knows is parked here, once.
    leaves=(DeliveryReportedV1,),
)
