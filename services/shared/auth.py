"""Who is calling: OIDC access tokens verified, and what the caller may see.

Every process verifies tokens itself. ``allow`` is the only way to an ``Actor`` in a route; the
roles it names appear as ``x-roles`` in the OpenAPI document (see ``openapi``). Keys of issuers are
kept by ``jwks``. Longer than others here: what a token must say is one list of refusals.
"""

import hashlib
import re
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import httpx
import jwt
from fastapi import Depends
from fastapi.openapi.models import HTTPBearer
from fastapi.security.base import SecurityBase
from jwt.types import Options
from starlette.requests import Request

from services.shared import clock, jws
from services.shared.jwks import IssuerUnavailable, KeySet
from services.shared.observability import TOKEN_FAILURES
from services.shared.problems import FORBIDDEN, UNAVAILABLE, Problem, ProblemType
from services.shared.roles import Role
from services.shared.scope import REGION_FOREIGN, Scope
from services.shared.settings import Issuer

__all__ = [
    "REGION_FOREIGN",
    "Actor",
    "Allow",
    "InvalidToken",
    "Scope",
    "TokenVerifier",
    "allow",
    "authenticate",
]

REGION = re.compile(r"[0-9]{2}(\.[0-9]{2}(\.[0-9]{2}(\.[0-9]{4})?)?)?")
LEEWAY_S = 60
TOKEN_CHARS_MAX = 8192
CLAIM_CHARS_MAX = 255
CACHE_TOKENS_MAX = 10_000
CACHE_S = 60
TOKEN_TYPES = ("at+jwt", "application/at+jwt")
CHECKED: Options = {
    "require": ["exp", "iat", "iss", "aud", "sub", "jti"],
    # Times are checked below, by our own clock.
    "verify_exp": False,
    "verify_iat": False,
    "verify_nbf": False,
}

TOKEN_INVALID = ProblemType(
    "token_invalid",
    401,
    "Token tidak sah atau sudah berakhir",
    "The access token is not valid or has expired",
)
TOKEN_MISSING = ProblemType(
    "token_missing", 401, "Token akses wajib disertakan", "An access token is required"
)
ROLE_MISSING = ProblemType(
    "role_missing",
    403,
    "Peran Anda tidak mencakup tindakan ini",
    "Your roles do not cover this action",
)


class InvalidToken(Exception):
    """The token proves nothing; ``reason`` is for the log, the caller is not told."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Actor:
    """The caller, as a trusted issuer describes it. ``issuer`` and ``subject`` identify it."""

    subject: str
    issuer: str
    name: str | None
    roles: frozenset[Role]
    regions: tuple[str, ...]
    agency: str | None
    client_id: str | None
    expires_at: datetime
    scope: Scope = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "scope", Scope(self.regions))

    @property
    def id(self) -> str:
        """Return the caller's identity across issuers, for audit and for separation of duties."""
        return f"{self.issuer}#{self.subject}"

    def has(self, *roles: Role) -> bool:
        """Say whether the caller holds one of ``roles``."""
        return not self.roles.isdisjoint(roles)


class TokenVerifier:
    """Verifies RFC 9068 access tokens of the trusted issuers; remembers good ones up to 60 s."""

    def __init__(
        self,
        issuers: Sequence[Issuer],
        audience: str,
        *,
        http: httpx.AsyncClient | None = None,
        now: Callable[[], datetime] = clock.now,
    ) -> None:
        self._http = http or httpx.AsyncClient(timeout=5, follow_redirects=False, trust_env=False)
        self._now = now
        self._key_sets = {
            trusted.issuer: KeySet(trusted, self._http, now=now) for trusted in issuers
        }
        self._audiences = {trusted.issuer: trusted.audience or audience for trusted in issuers}
        self._verified: OrderedDict[bytes, tuple[Actor, float]] = OrderedDict()

    async def close(self) -> None:
        """Close the connections to the issuers."""
        await self._http.aclose()

    async def verify(self, token: str) -> Actor:
        """Return who presents ``token``.

        Raise ``InvalidToken``, or ``IssuerUnavailable`` when no key of the issuer was ever got.
        """
        if len(token) > TOKEN_CHARS_MAX:
            raise InvalidToken("too long")
        digest = hashlib.sha256(token.encode("utf-8", "replace")).digest()
        instant = self._now().timestamp()
        known = self._verified.get(digest)
        if known is not None and instant < known[1]:
            return known[0]
        actor = await self._check(token)
        # Past its exp a token is never served from here, whatever leeway fresh ones get.
        until = min(instant + CACHE_S, actor.expires_at.timestamp())
        self._verified[digest] = (actor, until)
        self._verified.move_to_end(digest)
        if len(self._verified) > CACHE_TOKENS_MAX:
            self._verified.popitem(last=False)
        return actor

    async def _check(self, token: str) -> Actor:
        header, issuer = _unverified(token)
        key_set = self._key_sets.get(issuer)
        if key_set is None:
            raise InvalidToken("issuer is not trusted")
        key = await key_set.find(header.get("kid"))
        if key is None:
            raise InvalidToken("no key of the issuer fits")
        try:
            claims = jwt.decode(
                token,
                key.key,
                # The algorithm follows from the key, never from the token.
                algorithms=[key.algorithm_name],
                audience=self._audiences[issuer],
                issuer=issuer,
                leeway=LEEWAY_S,
                options=CHECKED,
            )
        except (jwt.PyJWTError, ValueError, TypeError, OverflowError, RecursionError) as error:
            raise InvalidToken(type(error).__name__) from error
        return _actor(claims, self._now())


def _unverified(token: str) -> tuple[dict[str, Any], str]:
    """Read header and issuer in order to choose a key. Key hints in the header are ignored."""
    try:
        header, claims = jws.read(token)
    except ValueError as error:
        raise InvalidToken("unreadable") from error
    if str(header.get("typ", "")).lower() not in TOKEN_TYPES:
        raise InvalidToken("typ is not at+jwt")
    if "crit" in header or "b64" in header:
        raise InvalidToken("critical header")
    if not isinstance(header.get("kid", ""), str):
        raise InvalidToken("kid is not a text")
    issuer = claims.get("iss")
    if not isinstance(issuer, str):
        raise InvalidToken("iss is missing")
    return header, issuer


def _actor(claims: dict[str, Any], instant: datetime) -> Actor:
    expires_at = _time(claims, "exp")
    if expires_at + LEEWAY_S <= instant.timestamp():
        raise InvalidToken("expired")
    if _time(claims, "iat") > instant.timestamp() + LEEWAY_S:
        raise InvalidToken("issued in the future")
    if "nbf" in claims and _time(claims, "nbf") > instant.timestamp() + LEEWAY_S:
        raise InvalidToken("not valid yet")
    subject = _short(claims.get("sub"))
    if not subject or not _short(claims.get("jti")):
        raise InvalidToken("sub or jti")
    known = {role.value for role in Role}
    roles = frozenset(Role(text) for text in _texts(claims.get("roles")) if text in known)
    return Actor(
        subject=subject,
        issuer=str(claims["iss"]),
        name=_short(claims.get("name")) or _short(claims.get("preferred_username")),
        roles=roles,
        regions=tuple(text for text in _texts(claims.get("regions")) if REGION.fullmatch(text)),
        agency=_short(claims.get("agency")),
        client_id=_short(claims.get("client_id")) or _short(claims.get("azp")),
        expires_at=datetime.fromtimestamp(expires_at, UTC),
    )


def _time(claims: dict[str, Any], name: str) -> float:
    value = claims[name]
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 1e11:  # noqa: PLR2004 - seconds up to the year 5138
        raise InvalidToken(f"{name} is not a time")
    return float(value)


def _short(value: Any) -> str | None:
    """Return a text that can be kept and shown: no NUL, no line break, no half surrogate."""
    if isinstance(value, str) and 0 < len(value) <= CLAIM_CHARS_MAX and value.isprintable():
        return value
    return None


def _texts(value: Any) -> list[str]:
    return [item for item in value if isinstance(item, str)] if isinstance(value, list) else []


class Allow(SecurityBase):
    """The dependency behind ``allow``: a bearer token whose caller holds one of ``roles``.

    It is the security scheme of the OpenAPI document itself, and not a dependency on one: each
    dependency costs a request as much as the whole check of a remembered token.
    """

    model = HTTPBearer(bearerFormat="JWT")
    scheme_name = "bearer"

    def __init__(self, roles: frozenset[Role]) -> None:
        self.roles = roles

    async def __call__(self, request: Request) -> Actor:
        authorization = request.headers.get("authorization")
        actor = await authenticate(request.app.state.verifier, authorization)
        if not actor.has(*self.roles):
            raise Problem(FORBIDDEN if not actor.roles else ROLE_MISSING)
        # The idempotency key is scoped to the caller, see shared.http.
        request.state.actor = actor
        return actor


async def authenticate(verifier: TokenVerifier, authorization: str | None) -> Actor:
    """Return whose bearer token it is. Raise 401 without a good one, 503 without issuer keys."""
    scheme, _, token = (authorization or "").partition(" ")
    if scheme.lower() != "bearer" or not (token := token.strip()):
        raise Problem(TOKEN_MISSING)
    try:
        return await verifier.verify(token)
    except InvalidToken as error:
        TOKEN_FAILURES.labels(str(error)).inc()
        challenge = {"WWW-Authenticate": 'Bearer realm="betang", error="invalid_token"'}
        raise Problem(TOKEN_INVALID, headers=challenge) from error
    except IssuerUnavailable as error:
        TOKEN_FAILURES.labels("issuer is unavailable").inc()
        raise Problem(UNAVAILABLE, headers={"Retry-After": "5"}) from error


def allow(*roles: Role) -> Any:
    """Return the dependency that gives the ``Actor`` if it holds one of ``roles``.

    ``actor: Annotated[Actor, allow(Role.ADMIN_DINSOS)]``. Needs ``app.state.verifier``.
    """
    if not roles:
        raise ValueError("allow() needs at least one role: nobody is allowed by default")
    return Depends(Allow(frozenset(roles)))
