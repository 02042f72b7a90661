"""What a service listens to, written down by its ``subscriptions``."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

from services.shared import pulling
from services.shared.db import Transaction
from services.shared.events import EventData, Received
from services.shared.parking import Delivery

Handler = Callable[[Transaction, Sequence[Received[Any]]], Awaitable[None]]
Reset = Callable[[Transaction], Awaitable[None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscription:
    """What to read, and the function that handles it.

    Either ``stream`` or ``stream_prefix`` (``IN_``: every agency's stream). ``leaves`` names the
    agencies' event types that other services read; who gives it also takes, and parks, agencies'
    events that nobody knows. ``reset`` empties the projection for ``rebuild``.
    """

    name: str
    types: tuple[type[EventData], ...]
    handle: Handler
    stream: str = ""
    stream_prefix: str = ""
    batch_max: int = 500
    reset: Reset | None = None
    leaves: tuple[type[EventData], ...] | None = None

    def __post_init__(self) -> None:
        if bool(self.stream) == bool(self.stream_prefix):
            raise ValueError(f"{self.name}: give stream or stream_prefix")

    @property
    def producer(self) -> str:
        """Whose events these are, for ``as_of``."""
        return self.types[0].TYPE.split(".", 1)[0]

    def subjects(self) -> list[str]:
        """Return the consumer's filters; none means the whole stream."""
        names = tuple(event_class.TYPE for event_class in self.types)
        if self.stream:
            return sorted(f"{name}.*" for name in names)
        return [] if self.leaves is not None else pulling.agency_subjects(names)

    def leaves_to_others(self, delivery: Delivery) -> bool:
        """Say whether another service reads this agency's event."""
        inner = ".".join(delivery.subject.split(".")[2:])
        families = (".".join(other.TYPE.split(".")[:2]) for other in self.leaves or ())
        return any(inner.startswith(f"{family}.") for family in families)
