"""The public keys of one token issuer, fetched, kept and refreshed."""

import asyncio
import json
from collections.abc import Callable
from datetime import datetime
from typing import Any

import httpx
import jwt
import structlog

from services.shared import clock
from services.shared.settings import Issuer

REFETCH_S = 30
"""An unknown kid may make us ask the issuer again at most this often: kids are free to invent."""
FIRST_FETCH_S = 2
"""Without any key nobody can be let in: then it is asked again sooner."""
STALE_S = 600
RSA_BITS_MIN = 2048
DOCUMENT_BYTES_MAX = 256 * 1024
ALGORITHMS = {
    ("EC", "P-256"): "ES256",
    ("OKP", "Ed25519"): "EdDSA",
    ("RSA", None): "RS256",
}
UNREADABLE = (
    httpx.HTTPError,
    OSError,
    ValueError,
    LookupError,
    TypeError,
    AttributeError,
    RecursionError,
)
"""What reading somebody else's document may raise, whatever it holds instead of keys."""

log = structlog.get_logger(__name__)


class IssuerUnavailable(Exception):
    """No key of this issuer was ever got, so its tokens can be neither accepted nor refused."""


class KeySet:
    """Keys by kid. Fetched when first needed, after 10 minutes, and for an unknown kid.

    When the issuer does not answer, the keys got before stay valid.
    """

    def __init__(
        self, trusted: Issuer, http: httpx.AsyncClient, *, now: Callable[[], datetime] = clock.now
    ) -> None:
        self._trusted = trusted
        self._http = http
        self._now = now
        self._keys: list[jwt.PyJWK] | None = None
        self._fetched_at = 0.0
        self._tried_at = 0.0
        self._lock = asyncio.Lock()
        self._fixed = trusted.jwks is not None or trusted.jwks_file is not None

    async def find(self, kid: Any) -> jwt.PyJWK | None:
        """Return the key named ``kid``, or the only key when the token names none."""
        if self._keys is None or (not self._fixed and self._age(self._fetched_at) >= STALE_S):
            await self._refresh()
        found = self._lookup(kid)
        if found is None and not self._fixed:
            await self._refresh()
            found = self._lookup(kid)
        return found

    def _lookup(self, kid: Any) -> jwt.PyJWK | None:
        keys = self._keys or []
        if kid is None:
            return keys[0] if len(keys) == 1 else None
        return next((key for key in keys if key.key_id == kid), None)

    def _age(self, instant: float) -> float:
        return self._now().timestamp() - instant

    async def _refresh(self) -> None:
        async with self._lock:
            if self._age(self._tried_at) >= (FIRST_FETCH_S if self._keys is None else REFETCH_S):
                self._tried_at = self._now().timestamp()
                try:
                    self._keys = _usable(await self._document())
                    self._fetched_at = self._tried_at
                except UNREADABLE as error:
                    log.warning(
                        "issuer_keys_not_fetched",
                        issuer=self._trusted.issuer,
                        error=type(error).__name__,
                    )
            if self._keys is None:
                raise IssuerUnavailable(self._trusted.issuer)

    async def _document(self) -> dict[str, Any]:
        trusted = self._trusted
        if trusted.jwks is not None:
            return trusted.jwks
        if trusted.jwks_file is not None:
            text = await asyncio.to_thread(trusted.jwks_file.read_text, encoding="utf-8")
            return _object(text.encode())
        return await self._get(trusted.jwks_uri or await self._discover())

    async def _discover(self) -> str:
        issuer = self._trusted.issuer
        metadata = await self._get(f"{issuer.rstrip('/')}/.well-known/openid-configuration")
        if metadata["issuer"] != issuer:
            raise ValueError("the metadata is another issuer's")
        return str(metadata["jwks_uri"])

    async def _get(self, url: str) -> dict[str, Any]:
        async with self._http.stream("GET", url, headers={"Accept": "application/json"}) as answer:
            answer.raise_for_status()
            body = b""
            async for chunk in answer.aiter_bytes():
                body += chunk
                if len(body) > DOCUMENT_BYTES_MAX:
                    raise ValueError("the document is too large")
        return _object(body)


def _object(text: bytes) -> dict[str, Any]:
    document = json.loads(text)
    if not isinstance(document, dict):
        raise TypeError("not a JSON object")
    return document


def _usable(document: dict[str, Any]) -> list[jwt.PyJWK]:
    """Keep the signing keys of the allowed kinds; a set may hold others, which are skipped."""
    keys = []
    for entry in document["keys"]:
        curve = entry.get("crv") if entry.get("kty") != "RSA" else None
        algorithm = ALGORITHMS.get((entry.get("kty"), curve))
        if algorithm is None or not _is_to_verify(entry, algorithm):
            continue
        try:
            key = jwt.PyJWK(entry, algorithm=algorithm)
        except jwt.PyJWTError:
            log.warning("issuer_key_unreadable", algorithm=algorithm)
            continue
        if algorithm != "RS256" or key.key.key_size >= RSA_BITS_MIN:
            keys.append(key)
    return keys


def _is_to_verify(entry: dict[str, Any], algorithm: str) -> bool:
    """Say whether a key is for signatures by ``algorithm``, as far as it says (RFC 7517 4)."""
    names = {algorithm, "Ed25519"} if algorithm == "EdDSA" else {algorithm}
    return (
        entry.get("use", "sig") == "sig"
        and "verify" in entry.get("key_ops", ["verify"])
        and entry.get("alg", algorithm) in names
    )
