"""Which headers cross the gateway, and which it adds."""

from collections.abc import Iterable

from starlette.types import Scope

Headers = list[tuple[bytes, bytes]]

HOP_BY_HOP = frozenset(
    {
        b"connection",
        b"keep-alive",
        b"proxy-authenticate",
        b"proxy-authorization",
        b"proxy-connection",
        b"te",
        b"trailer",
        b"transfer-encoding",
        b"upgrade",
    }
)
NOT_FORWARDED = HOP_BY_HOP | {
    b"host",
    b"expect",
    # Callers are known by their bearer token only; a cookie would be somebody else's.
    b"cookie",
    # Set here, so that no caller can pretend.
    b"forwarded",
    b"x-forwarded-for",
    b"x-forwarded-host",
    b"x-forwarded-proto",
    b"x-forwarded-port",
    b"x-forwarded-prefix",
    b"x-real-ip",
    b"x-request-id",
    b"traceparent",
    b"tracestate",
}
NOT_RETURNED = HOP_BY_HOP | {b"server", b"date", b"set-cookie", b"x-request-id", b"x-powered-by"}

SECURITY: Headers = [
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-frame-options", b"DENY"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"strict-transport-security", b"max-age=31536000; includeSubDomains"),
    (b"cache-control", b"no-store"),
    (b"api-version", b"1"),
]
"""Added where the answer does not say otherwise."""


def to_upstream(scope: Scope, *, request_id: str, traceparent: str | None) -> Headers:
    """Return the headers that the service gets for the request in ``scope``."""
    given: Headers = scope["headers"]
    dropped = NOT_FORWARDED | named_by_connection(given)
    headers = [(name, value) for name, value in given if name not in dropped]
    client = scope.get("client")
    if client is not None:
        headers.append((b"x-forwarded-for", str(client[0]).encode("latin-1")))
    headers.append((b"x-forwarded-proto", str(scope.get("scheme", "http")).encode()))
    headers += [(b"x-forwarded-host", value) for name, value in given if name == b"host"]
    headers.append((b"x-request-id", request_id.encode()))
    if traceparent is not None:
        headers.append((b"traceparent", traceparent.encode()))
    return headers


def to_caller(given: Iterable[tuple[bytes, bytes]]) -> Headers:
    """Return the headers of the service's answer that the caller gets."""
    lowered = [(name.lower(), value) for name, value in given]
    dropped = NOT_RETURNED | named_by_connection(lowered)
    return [(name, value) for name, value in lowered if name not in dropped]


def named_by_connection(headers: Headers) -> frozenset[bytes]:
    """Return the names that ``Connection`` declares hop-by-hop."""
    return frozenset(
        token.strip().lower()
        for name, value in headers
        if name == b"connection"
        for token in value.split(b",")
    ) - {b"authorization", b"content-length", b"content-type"}


def value_of(headers: Headers, name: bytes) -> str | None:
    """Return the first value of a header of an ASGI message."""
    for key, value in headers:
        if key == name:
            return value.decode("latin-1")
    return None


def with_defaults(headers: Headers, defaults: Headers) -> Headers:
    """Return ``headers`` and those of ``defaults`` that they do not have."""
    present = {name.lower() for name, _ in headers}
    return [*headers, *((name, value) for name, value in defaults if name not in present)]
