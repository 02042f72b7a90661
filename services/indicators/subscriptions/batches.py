"""Parts of a batch: a consumer gets the types of one stream mixed."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, TypeVar

from services.shared.events import EventData, Received

E = TypeVar("E", bound=EventData)


def only(events: Sequence[Received[Any]], event_class: type[E]) -> list[Received[E]]:
    """Return the events of one class, in their order."""
    return [event for event in events if isinstance(event.data, event_class)]


def newest(events: Sequence[Received[Any]]) -> datetime:
    """Return the newest event's time: the date up to which the source has told us."""
    return max(event.time for event in events)
