"""Who may say and hear what on NATS. One table; the accounts and the tests are made from it.

A service publishes its own subjects, keeps its own streams, and reads the streams it listens to
through consumers. Everything else is refused by the server.
"""

from dataclasses import dataclass

from deploy.nats.claims import Permissions

INGEST_PREFIX = "IN_"
"""Streams of the agencies (SKPD), ``IN_<CODE>``; made when an agency gets its account."""


@dataclass(frozen=True, slots=True)
class ServiceRights:
    """One service on NATS: its streams, whose streams it reads, and whether it hears agencies."""

    streams: tuple[str, ...]
    listens: tuple[str, ...] = ()
    hears_agencies: bool = False


SERVICES: dict[str, ServiceRights] = {
    "registry": ServiceRights(
        streams=("REGISTRY_STATE", "REGISTRY_IDENTITY", "REGISTRY_FACT"),
        listens=("PROGRAMS_STATE", "DISTRIBUTION_STATE"),
    ),
    "programs": ServiceRights(
        streams=("PROGRAMS_STATE", "PROGRAMS_FACT"),
        listens=("REGISTRY_STATE", "REGISTRY_IDENTITY", "DISTRIBUTION_STATE", "DISTRIBUTION_FACT"),
        hears_agencies=True,
    ),
    "distribution": ServiceRights(
        streams=("DISTRIBUTION_STATE", "DISTRIBUTION_FACT"),
        listens=("REGISTRY_STATE", "REGISTRY_IDENTITY", "PROGRAMS_STATE"),
        hears_agencies=True,
    ),
    "indicators": ServiceRights(
        streams=("INDICATORS_STATE", "INDICATORS_FACT"),
        # Never REGISTRY_IDENTITY: indicators knows families, not people (DESIGN section 4).
        listens=("REGISTRY_STATE", "PROGRAMS_STATE", "DISTRIBUTION_STATE", "DISTRIBUTION_FACT"),
    ),
}

_STREAM_OWNER_CALLS = ("CREATE", "UPDATE", "INFO", "PURGE")
_CONSUMER_CALLS = ("CREATE", "DURABLE.CREATE", "INFO", "MSG.NEXT", "DELETE")


def service_permissions(service: str) -> Permissions:
    """Return what the user of ``service`` may publish and subscribe in the account CORE."""
    rights = SERVICES[service]
    publish = [f"{service}.>", "$JS.API.INFO", "$JS.API.STREAM.NAMES"]
    for stream in rights.streams:
        publish += [f"$JS.API.STREAM.{call}.{stream}" for call in _STREAM_OWNER_CALLS]
    for stream in rights.listens:
        publish += [f"$JS.API.STREAM.INFO.{stream}", *_consumer_subjects(stream)]
    denied: list[str] = []
    if rights.hears_agencies:
        # An agency's stream may come at any time and a wildcard cannot begin with IN_. So every
        # stream is allowed here, and the closed set of the services' own streams taken out again.
        publish += ["notify.>", "$JS.API.STREAM.INFO.*", *_consumer_subjects("*")]
        for stream in _streams_not_for(service):
            denied += [f"$JS.API.STREAM.INFO.{stream}", *_consumer_subjects(stream)]
    return Permissions(
        publish=tuple(publish),
        publish_denied=tuple(denied),
        subscribe=(f"{inbox_prefix(service)}.>",),
    )


def agency_permissions(code: str) -> Permissions:
    """Return what the user of an agency may do in its own account: tell, and hear what returns."""
    token = agency_token(code)
    return Permissions(
        publish=("events.>",), subscribe=(f"{inbox_prefix(token)}.>", f"notify.{token}.>")
    )


def inbox_prefix(name: str) -> str:
    """Return the subject prefix of a client's answers; no client hears another's."""
    return f"_INBOX_{name}"


def agency_token(code: str) -> str:
    """Return an agency's code as a subject token: ``DINAS.SOSIAL`` is not one, ``dinsos`` is."""
    if not code or not code.replace("-", "").isalnum() or not code.isascii():
        raise ValueError(f"an agency code has letters, digits and dashes, not {code!r}")
    return code.lower()


def ingest_stream(code: str) -> str:
    """Return the name of an agency's stream."""
    return INGEST_PREFIX + agency_token(code).upper().replace("-", "_")


def all_streams() -> tuple[str, ...]:
    """Return the streams of all services."""
    return tuple(stream for rights in SERVICES.values() for stream in rights.streams)


def _streams_not_for(service: str) -> tuple[str, ...]:
    rights = SERVICES[service]
    known = set(rights.listens) | set(rights.streams)
    return tuple(stream for stream in all_streams() if stream not in known)


def _consumer_subjects(stream: str) -> list[str]:
    calls = [f"$JS.API.CONSUMER.{call}.{stream}.>" for call in _CONSUMER_CALLS]
    # Without a name in the subject: how clients older than NATS 2.9 make ephemeral consumers.
    return [*calls, f"$JS.API.CONSUMER.NAMES.{stream}", f"$JS.ACK.{stream}.>"]
