"""Give an agency (SKPD) its door: an account, a creds file and a stream of its own. Take it away.

``python -m deploy.nats issue DINSOS`` and ``revoke DINSOS`` call these on a running server.
"""

import dataclasses
from pathlib import Path

import nats
import nkeys
from nats.js.api import DiscardPolicy, RetentionPolicy, StorageType, StreamConfig
from nats.js.errors import NotFoundError

from deploy.nats import permissions
from deploy.nats.authority import (
    AGENCY_PAYLOAD_BYTES_MAX,
    CORE_ADMIN,
    Agency,
    Authority,
    new_agency,
    revoked_now,
)
from deploy.nats.claims import Key

STREAM_BYTES_MAX = 256 * 1024 * 1024
"""An agency cannot fill the disk of the others: a full stream refuses what is new."""

STREAM_AGE_MAX_S = 90 * 24 * 3600
"""What is ninety days old was handled or parked long ago; the room is the agency's again."""

DUPLICATE_WINDOW_S = 120


@dataclasses.dataclass(frozen=True, slots=True)
class Door:
    """What an agency needs to connect: its creds file, and the subjects that are its own."""

    code: str
    creds: Path
    publish: str
    hear: str
    inbox_prefix: str


async def issue(authority: Authority, nats_url: str, code: str, *, replicas: int = 1) -> Door:
    """Issue the agency's account, or renew what it has; return its door. Safe to repeat."""
    agency = authority.agency(code) or new_agency(code)
    if not agency.active:
        user = Key.new(nkeys.PREFIX_BYTE_USER)
        agency = dataclasses.replace(agency, user=user, active=True)
    authority.keep(agency)
    await ensure_stream(authority, nats_url, agency.code, replicas=replicas)
    # CORE first: the import is refused while the export does not exist.
    await authority.push(nats_url, authority.core_token(), authority.agency_token(agency))
    return door(authority, agency)


async def restore(authority: Authority, nats_url: str) -> None:
    """Tell the server all accounts again, as the authority's folder has them."""
    tokens = [authority.agency_token(agency) for agency in authority.agencies()]
    await authority.push(nats_url, authority.core_token(), *tokens)


async def revoke(authority: Authority, nats_url: str, code: str) -> None:
    """Close the agency's connections and refuse its creds. Its stream and its events stay."""
    agency = authority.agency(code)
    if agency is None:
        raise LookupError(f"agency {code} has no account")
    agency = dataclasses.replace(agency, revoked=revoked_now(agency), active=False)
    authority.keep(agency)
    await authority.push(nats_url, authority.agency_token(agency), authority.core_token())


async def ensure_stream(
    authority: Authority, nats_url: str, code: str, *, replicas: int = 1
) -> None:
    """Create or update the agency's stream ``IN_<CODE>`` in CORE, kept on ``replicas`` servers."""
    client = await nats.connect(
        nats_url, user_credentials=str(authority.creds(CORE_ADMIN)), allow_reconnect=False
    )
    config = StreamConfig(
        name=permissions.ingest_stream(code),
        subjects=[f"skpd.{permissions.agency_token(code)}.>"],
        retention=RetentionPolicy.LIMITS,
        storage=StorageType.FILE,
        discard=DiscardPolicy.NEW,
        max_bytes=STREAM_BYTES_MAX,
        max_age=STREAM_AGE_MAX_S,
        max_msg_size=AGENCY_PAYLOAD_BYTES_MAX,
        duplicate_window=DUPLICATE_WINDOW_S,
        num_replicas=replicas,
    )
    try:
        streams = client.jetstream()
        try:
            await streams.update_stream(config)
        except NotFoundError:
            await streams.add_stream(config)
    finally:
        await client.close()


def door(authority: Authority, agency: Agency) -> Door:
    """Return what the agency needs to connect."""
    return Door(
        code=agency.code,
        creds=authority.creds(f"skpd-{agency.token}"),
        publish="events.",
        hear=f"notify.{agency.token}.>",
        inbox_prefix=permissions.inbox_prefix(agency.token),
    )
