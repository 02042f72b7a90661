"""Who shows the real NATS server credentials that were not given, or were changed, stays out."""

import asyncio
import base64
import json
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import nkeys
import pytest

from deploy.nats import claims, permissions
from deploy.nats.claims import Key


def part(value: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


def body_of(token: str) -> dict[str, Any]:
    text = token.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))


class Door:
    """What DINSOS was given, what DINKES was given, and what a stranger makes."""

    def __init__(self, authority) -> None:
        self.dinsos, self.dinkes = authority.agency("DINSOS"), authority.agency("DINKES")
        self.operator, self.core = authority.operator, authority.core
        self.stranger = Key.new(nkeys.PREFIX_BYTE_ACCOUNT)
        self.rights = permissions.agency_permissions("DINSOS")

    def token(self, account: Key, **changed: Any) -> str:
        user = changed.pop("user", self.dinsos.user)
        return claims.user_token(account, user, "skpd-dinsos", changed.pop("rights", self.rights))

    def resigned(self, by: Key, header: dict[str, Any] | None = None, **changed: Any) -> str:
        """Return DINSOS's token with other contents, signed by any key."""
        body = {**body_of(self.token(self.dinsos.account)), **changed}
        signed = f"{part(header or {'typ': 'JWT', 'alg': 'ed25519-nkey'})}.{part(body)}"
        signature = base64.urlsafe_b64encode(by.sign(signed.encode())).decode().rstrip("=")
        return f"{signed}.{signature}"

    def with_wider_rights(self) -> str:
        head, _, signature = self.token(self.dinsos.account).split(".")
        wide = body_of(self.token(self.dinsos.account, rights=None))
        return f"{head}.{part(wide)}.{signature}"


NONE = {"typ": "JWT", "alg": "none"}
HMAC = {"typ": "JWT", "alg": "HS256"}
FORGED: dict[str, Callable[[Door], str]] = {
    "signed by a stranger": lambda d: d.token(d.stranger),
    "signed by a stranger in the account's name": lambda d: d.resigned(d.stranger),
    "signed by the user itself": lambda d: d.resigned(d.dinsos.user, iss=d.dinsos.user.public),
    "signed by another agency in this one's name": lambda d: d.resigned(d.dinkes.account),
    "another agency's signature, issuer_account this one": lambda d: d.resigned(
        d.dinkes.account,
        iss=d.dinkes.account.public,
        nats={"type": "user", "version": 2, "issuer_account": d.dinsos.account.public},
    ),
    "an agency's signature, issuer_account CORE": lambda d: d.resigned(
        d.dinsos.account,
        iss=d.dinsos.account.public,
        nats={"type": "user", "version": 2, "issuer_account": d.core.public},
    ),
    "rights changed after signing": lambda d: d.with_wider_rights(),
    "no signature": lambda d: d.token(d.dinsos.account).rsplit(".", 1)[0] + ".",
    "signature cut": lambda d: d.token(d.dinsos.account)[:-2],
    "alg none": lambda d: d.resigned(d.dinsos.account, NONE).rsplit(".", 1)[0] + ".",
    "alg none with a signature": lambda d: d.resigned(d.dinsos.account, NONE),
    "alg HS256": lambda d: d.resigned(d.dinsos.account, HMAC),
    "expired": lambda d: d.resigned(d.dinsos.account, exp=1_700_000_000),
    "not valid yet": lambda d: d.resigned(d.dinsos.account, nbf=4_102_444_800),
    "an account's token instead of a user's": lambda d: claims.account_token(
        d.stranger, d.stranger, claims.Account("SKPD", claims.AccountLimits())
    ),
    "garbage": lambda d: "a.b.c",
    "nothing": lambda d: "",
}


@pytest.fixture(scope="module")
async def door(broker) -> Door:
    for code in ("DINSOS", "DINKES"):
        await broker.issue_agency(code)
    return Door(broker.server.authority)


async def knock(broker, token: str, seed: str) -> str:
    """Connect with a token, proving the key of ``seed``; return what the server says to a PING.

    By hand: the client library would leave its connection open when it is refused.
    """
    address = urlsplit(broker.server.url)
    reader, writer = await asyncio.open_connection(address.hostname, address.port)
    try:
        info = json.loads((await reader.readline()).removeprefix(b"INFO "))
        proof = Key.of(seed).sign(info["nonce"].encode())
        signature = base64.urlsafe_b64encode(proof).decode().rstrip("=")
        shown = {"jwt": token, "sig": signature, "verbose": False, "pedantic": False, "lang": "py"}
        writer.write(f"CONNECT {json.dumps(shown)}\r\nPING\r\n".encode())
        return (await reader.readline()).decode().strip()
    finally:
        writer.close()
        await writer.wait_closed()


async def test_the_credentials_that_were_given_open(broker, door):
    assert await knock(broker, door.token(door.dinsos.account), door.dinsos.user.seed) == "PONG"
    assert await knock(broker, door.resigned(door.dinsos.account), door.dinsos.user.seed) == "PONG"


@pytest.mark.parametrize("forged", FORGED)
async def test_forged_credentials_stay_out(broker, door, forged):
    refusal = await knock(broker, FORGED[forged](door), door.dinsos.user.seed)
    assert refusal.startswith("-ERR 'A")  # Authorization Violation, Authentication Expired


async def test_a_true_token_without_its_key_stays_out(broker, door):
    refusal = await knock(broker, door.token(door.dinsos.account), door.dinkes.user.seed)
    assert refusal == "-ERR 'Authorization Violation'"
