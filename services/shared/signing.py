"""Access tokens made as an identity provider makes them: for the development issuer and tests.

Production tokens come from the regency's identity provider; no service signs any.
"""

import json
from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import uuid4

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from services.shared import clock
from services.shared.roles import Role


class TokenSigner:
    """Signs ``at+jwt`` with an Ed25519 key and publishes its JWKS."""

    def __init__(self, issuer: str, *, key: Ed25519PrivateKey | None = None) -> None:
        self.issuer = issuer
        self._key = key or Ed25519PrivateKey.generate()
        public = json.loads(jwt.algorithms.OKPAlgorithm.to_jwk(self._key.public_key()))
        self.kid = str(public["x"])[:16]
        self.jwks: dict[str, Any] = {
            "keys": [{**public, "kid": self.kid, "use": "sig", "alg": "EdDSA"}]
        }

    @classmethod
    def from_pem(cls, issuer: str, pem: bytes) -> "TokenSigner":
        """Return the signer whose key is in ``pem``."""
        key = load_pem_private_key(pem, password=None)
        if not isinstance(key, Ed25519PrivateKey):
            raise TypeError("the issuer's key is not Ed25519")
        return cls(issuer, key=key)

    def to_pem(self) -> bytes:
        """Return the private key, to be kept in a 0600 file."""
        return self._key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())

    def discovery(self, jwks_uri: str) -> dict[str, Any]:
        """Return the OIDC metadata, served at ``/.well-known/openid-configuration``."""
        return {
            "issuer": self.issuer,
            "jwks_uri": jwks_uri,
            "response_types_supported": ["code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["EdDSA"],
        }

    def token(
        self,
        *,
        subject: str,
        roles: Sequence[Role | str],
        regions: Sequence[str] = (),
        agency: str | None = None,
        name: str | None = None,
        audience: str = "betang",
        lifetime: timedelta = timedelta(hours=1),
        client_id: str = "betang-dev",
        **claims: Any,
    ) -> str:
        """Return a signed token; ``claims`` add to or replace the usual ones (tests use it)."""
        issued = clock.now()
        payload = {
            "iss": self.issuer,
            "aud": audience,
            "sub": subject,
            "jti": str(uuid4()),
            "client_id": client_id,
            "iat": int(issued.timestamp()),
            "exp": int((issued + lifetime).timestamp()),
            "roles": [str(role) for role in roles],
            "regions": list(regions),
            "agency": agency,
            "name": name,
            **claims,
        }
        present = {claim: value for claim, value in payload.items() if value is not None}
        return jwt.encode(
            present, self._key, algorithm="EdDSA", headers={"typ": "at+jwt", "kid": self.kid}
        )
