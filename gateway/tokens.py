"""Who calls the gateway: the bearer token of the request, verified, or nobody."""

from starlette.types import Scope

from gateway.headers import value_of
from services.shared.auth import TOKEN_MISSING, Actor, TokenVerifier, authenticate
from services.shared.problems import Problem


async def actor_of(scope: Scope, verifier: TokenVerifier) -> Actor:
    """Return the caller. Raise the 401 problem without a valid token, 503 without issuer keys."""
    header = value_of(scope["headers"], b"authorization") or ""
    scheme, _, token = header.partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise Problem(TOKEN_MISSING)
    return await authenticate(verifier, token.strip())
