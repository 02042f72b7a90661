"""What an issuer's key set may hold without harm: it is somebody else's document."""

import json

import httpx
import pytest

from services.shared.auth import TokenVerifier
from services.shared.jwks import IssuerUnavailable
from services.shared.settings import Issuer
from services.shared.signing import TokenSigner

SIGNER = TokenSigner("https://issuer.example")


def verifier(document: bytes) -> TokenVerifier:
    transport = httpx.MockTransport(lambda _: httpx.Response(200, content=document))
    http = httpx.AsyncClient(transport=transport)
    issuer = Issuer(issuer=SIGNER.issuer, jwks_uri=f"{SIGNER.issuer}/keys")
    return TokenVerifier([issuer], "betang", http=http)


@pytest.mark.parametrize(
    "document",
    [
        b"",
        b"null",
        b"[]",
        b"{}",
        b"<html>",
        b"\xff\xfe",
        b"[" * 100_000,
        b'{"keys": null}',
        b'{"keys": 7}',
        b'{"keys": "ed"}',
        b'{"keys": ["ed"]}',
        b'{"keys": [null]}',
        b'{"keys": [[]]}',
        b'{"keys": {"ed": {}}}',
        b'{"keys": [{"kty": ["OKP"], "crv": {}}]}',
        b'{"keys": [{"kty": "OKP", "crv": "Ed25519", "x": "AA", "key_ops": 1}]}',
        b'{"keys": "' + b"x" * 300_000 + b'"}',
    ],
)
async def test_a_document_that_is_no_key_set_leaves_us_without_keys(document):
    with pytest.raises(IssuerUnavailable):
        await verifier(document).verify(SIGNER.token(subject="siti", roles=[]))


@pytest.mark.parametrize(
    "beside",
    [
        {},
        {"kty": "quantum"},
        {"kty": "EC", "crv": "P-256", "x": 7, "y": 7},
        {"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA"},
        {"kty": "OKP", "crv": "Ed25519"},
        {"kty": "OKP", "crv": "Ed25519", "x": "not base64!"},
        {"kty": "RSA", "n": "AQAB", "e": "AQAB"},
        {"kty": "RSA", "n": None, "e": None},
    ],
)
async def test_a_key_that_cannot_be_read_does_not_spoil_the_others(beside):
    document = json.dumps({"keys": [beside, *SIGNER.jwks["keys"]]}).encode()
    token = SIGNER.token(subject="siti", roles=[])
    assert (await verifier(document).verify(token)).subject == "siti"
