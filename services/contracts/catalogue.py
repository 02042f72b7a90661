"""All event classes in one place: the schemas, the AsyncAPI document and the tests walk it."""

from services.contracts import distribution, indicators, programs, registry, skpd
from services.shared.events import EventData

EVENTS: tuple[type[EventData], ...] = (
    registry.RegionStateV1,
    registry.FamilyStateV1,
    registry.PersonIdentityV1,
    programs.OrganisationStateV1,
    programs.ProgramStateV1,
    programs.EnrolmentStateV1,
    distribution.CycleStateV1,
    distribution.EntitlementStateV1,
    distribution.DeliveryCompletedV1,
    distribution.DeliveryReturnedV1,
    indicators.IndicatorPublishedV1,
    skpd.ProgramReportedV1,
    skpd.DeliveryReportedV1,
)
"""Every published event version, by producer."""

BY_TYPE: dict[str, type[EventData]] = {event.TYPE: event for event in EVENTS}
