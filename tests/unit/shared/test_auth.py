import base64
import json
from datetime import UTC, datetime, timedelta

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from fastapi import FastAPI
from hypothesis import given
from hypothesis import strategies as st

from services.shared import problems
from services.shared.auth import Actor, InvalidToken, TokenVerifier, allow
from services.shared.jwks import IssuerUnavailable
from services.shared.openapi import AllowedRoute, describe
from services.shared.roles import Role
from services.shared.settings import Issuer
from services.shared.signing import TokenSigner

SIGNER = TokenSigner("https://issuer.example")
RSA_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
EC_KEY = ec.generate_private_key(ec.SECP256R1())


def jwk_of(key, algorithm: type[jwt.algorithms.Algorithm], **more) -> dict:
    return {**json.loads(algorithm.to_jwk(key.public_key())), **more}


KEYS = {
    "keys": [
        *SIGNER.jwks["keys"],
        jwk_of(RSA_KEY, jwt.algorithms.RSAAlgorithm, kid="rsa"),
        jwk_of(EC_KEY, jwt.algorithms.ECAlgorithm, kid="ec"),
        {"kty": "oct", "k": "c2VjcmV0", "kid": "oct"},
        {"kty": "EC", "crv": "P-256", "kid": "broken"},
    ]
}


class Clock:
    def __init__(self) -> None:
        self.instant = datetime.now(UTC)  # noqa: TID251

    def __call__(self) -> datetime:
        return self.instant

    def pass_(self, seconds: float) -> None:
        self.instant += timedelta(seconds=seconds)


def verifier(clock=None, **issuer) -> TokenVerifier:
    trusted = Issuer(issuer=SIGNER.issuer, **{"jwks": KEYS, **issuer})
    return TokenVerifier([trusted], "betang", **({"now": clock} if clock else {}))


def claims(**changed) -> dict:
    instant = int(Clock().instant.timestamp())
    usual = {
        "iss": SIGNER.issuer,
        "aud": "betang",
        "sub": "siti",
        "jti": "1",
        "iat": instant,
        "exp": instant + 300,
        "roles": ["operator_desa"],
    }
    return {key: value for key, value in {**usual, **changed}.items() if value is not None}


async def test_a_good_token_tells_who_is_calling():
    token = SIGNER.token(
        subject="siti",
        roles=[Role.OPERATOR_DESA, "raja"],
        regions=["62.02.06.2005", "62.2", 7, "62.02%"],
        agency="DINSOS",
        name="Siti",
    )

    actor = await verifier().verify(token)

    assert actor.subject == "siti"
    assert actor.id == "https://issuer.example#siti"
    assert actor.roles == {Role.OPERATOR_DESA}
    assert actor.regions == ("62.02.06.2005",)
    assert (actor.agency, actor.name, actor.client_id) == ("DINSOS", "Siti", "betang-dev")


@pytest.mark.parametrize(
    ("key", "algorithm", "kid"), [(RSA_KEY, "RS256", "rsa"), (EC_KEY, "ES256", "ec")]
)
async def test_rs256_and_es256_are_accepted(key, algorithm, kid):
    token = jwt.encode(claims(), key, algorithm, {"typ": "at+jwt", "kid": kid})
    assert (await verifier().verify(token)).subject == "siti"


@pytest.mark.parametrize(
    "changed",
    [
        {"iss": "https://other.example"},
        {"iss": None},
        {"iss": ["https://issuer.example"]},
        {"aud": "another"},
        {"aud": None},
        {"sub": None},
        {"sub": ""},
        {"sub": 7},
        {"sub": "x" * 300},
        {"jti": None},
        {"exp": None},
        {"exp": "soon"},
        {"exp": True},
        {"exp": 1},
        {"exp": 1e300},
        {"iat": None},
        {"iat": 4_000_000_000},
        {"nbf": 4_000_000_000},
        {"nbf": "later"},
    ],
)
async def test_a_token_with_a_wrong_claim_is_refused(changed):
    header = {"typ": "at+jwt", "kid": SIGNER.kid}
    # PyJWT's encode refuses to write some of these; the bytes are signed as they are.
    payload = json.dumps(claims(**changed)).encode()
    token = jwt.api_jws.encode(payload, SIGNER._key, "EdDSA", header)
    with pytest.raises(InvalidToken):
        await verifier().verify(token)


@pytest.mark.parametrize(
    "header",
    [
        {"typ": "JWT"},
        {"kid": "unknown"},
        {"kid": "ec"},
        {"kid": "oct"},
        {"kid": "broken"},
        {"crit": ["exp"]},
    ],
)
async def test_a_token_with_a_wrong_header_is_refused(header):
    sent = {"typ": "at+jwt", "kid": SIGNER.kid, **header}
    token = jwt.encode(claims(), SIGNER._key, "EdDSA", sent)
    with pytest.raises(InvalidToken):
        await verifier().verify(token)


async def test_a_key_that_the_token_brings_along_is_ignored():
    stranger = TokenSigner(SIGNER.issuer)
    for hint in ({"jwk": stranger.jwks["keys"][0]}, {"jku": "https://evil.example/keys"}):
        header = {"typ": "at+jwt", "kid": SIGNER.kid, **hint}
        token = jwt.encode(claims(), stranger._key, "EdDSA", header)
        with pytest.raises(InvalidToken):
            await verifier().verify(token)


def forge(header: dict, payload: object, signature: bytes = b"") -> str:
    parts = [json.dumps(header).encode(), json.dumps(payload).encode(), signature]
    return ".".join(base64.urlsafe_b64encode(part).decode().rstrip("=") for part in parts)


async def test_unsigned_and_hmac_signed_tokens_are_refused():
    public = SIGNER.jwks["keys"][0]["x"].encode()
    hmac_signed = jwt.encode(claims(), public.ljust(32), "HS256", {"typ": "at+jwt"})
    unsigned = forge({"alg": "none", "typ": "at+jwt", "kid": SIGNER.kid}, claims())
    for token in (hmac_signed, unsigned):
        with pytest.raises(InvalidToken):
            await verifier().verify(token)


@pytest.mark.parametrize(
    "token",
    [
        "",
        "a.b.c",
        "....",
        "x" * 9000,
        "\ud800",
        "é.é.é",
        forge({"alg": "EdDSA", "typ": "at+jwt"}, []),
        forge({"alg": "EdDSA", "typ": ["at+jwt"]}, {}),
        forge({"alg": "EdDSA", "typ": "at+jwt", "kid": ["x"]}, {"iss": "https://issuer.example"}),
        forge({"alg": "EdDSA", "typ": "at+jwt", "kid": {}}, {"iss": "https://issuer.example"}),
        "eyJhbGciOiJFZERTQSJ9." + base64.urlsafe_b64encode(b"[" * 4000).decode() + ".x",
    ],
)
async def test_garbage_is_refused_and_nothing_else_happens(token):
    with pytest.raises(InvalidToken):
        await verifier().verify(token)


@given(st.data())
async def test_a_token_changed_in_any_character_is_refused(data):
    token = SIGNER.token(subject="siti", roles=[])
    # The last character of a part holds unused bits, which decoders ignore: it is left alone.
    inner = [i for i in range(len(token) - 1) if token[i] != "." and token[i + 1] != "."]
    position = data.draw(st.sampled_from(inner))
    other = "A" if token[position] != "A" else "B"
    with pytest.raises(InvalidToken):
        await verifier().verify(token[:position] + other + token[position + 1 :])


async def test_a_known_token_is_believed_for_60_seconds_and_never_past_its_end():
    clock = Clock()
    checking = verifier(clock)
    token = SIGNER.token(subject="siti", roles=[], lifetime=timedelta(seconds=30))
    first = await checking.verify(token)

    assert await checking.verify(token) is first
    clock.pass_(31)
    assert await checking.verify(token) is not first  # expired, inside the 60 s of clock skew
    clock.pass_(60)
    with pytest.raises(InvalidToken):
        await checking.verify(token)


async def test_the_cache_of_tokens_is_bounded(monkeypatch):
    monkeypatch.setattr("services.shared.auth.CACHE_TOKENS_MAX", 3)
    checking = verifier()
    for number in range(9):
        await checking.verify(SIGNER.token(subject=str(number), roles=[]))
    assert len(checking._verified) == 3


class IssuerServer:
    """An identity provider in this process, which counts how often it is asked."""

    def __init__(self) -> None:
        self.asked = 0
        self.down = False
        self.keys = dict(SIGNER.jwks)
        self.name = SIGNER.issuer

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.asked += 1
        if self.down:
            raise httpx.ConnectError("down")
        if request.url.path.endswith("/openid-configuration"):
            metadata = SIGNER.discovery(f"{SIGNER.issuer}/keys")
            return httpx.Response(200, json={**metadata, "issuer": self.name})
        return httpx.Response(200, json=self.keys)

    def verifier(self, clock: Clock) -> TokenVerifier:
        http = httpx.AsyncClient(transport=httpx.MockTransport(self))
        return TokenVerifier([Issuer(issuer=SIGNER.issuer)], "betang", http=http, now=clock)


async def test_keys_are_discovered_once_and_refreshed_for_a_new_kid():
    server, clock = IssuerServer(), Clock()
    checking = server.verifier(clock)
    await checking.verify(SIGNER.token(subject="a", roles=[]))
    await checking.verify(SIGNER.token(subject="b", roles=[]))
    assert server.asked == 2  # metadata and keys

    rotated = TokenSigner(SIGNER.issuer)
    server.keys = {"keys": [*SIGNER.jwks["keys"], *rotated.jwks["keys"]]}
    clock.pass_(31)
    assert (await checking.verify(rotated.token(subject="c", roles=[]))).subject == "c"


async def test_invented_kids_make_us_ask_at_most_every_30_seconds():
    server, clock = IssuerServer(), Clock()
    checking = server.verifier(clock)
    await checking.verify(SIGNER.token(subject="a", roles=[]))
    before = server.asked
    for _ in range(20):
        with pytest.raises(InvalidToken):
            await checking.verify(TokenSigner(SIGNER.issuer).token(subject="x", roles=[]))
    assert server.asked == before

    clock.pass_(31)
    for _ in range(20):
        with pytest.raises(InvalidToken):
            await checking.verify(TokenSigner(SIGNER.issuer).token(subject="x", roles=[]))
    assert server.asked == before + 2


async def test_keys_stay_valid_while_the_issuer_is_down():
    server, clock = IssuerServer(), Clock()
    checking = server.verifier(clock)
    await checking.verify(SIGNER.token(subject="a", roles=[]))
    server.down = True
    clock.pass_(3600)
    token = SIGNER.token(subject="b", roles=[], lifetime=timedelta(hours=3))
    assert (await checking.verify(token)).subject == "b"


async def test_without_any_key_the_answer_is_unavailable_not_refused():
    server = IssuerServer()
    server.down = True
    with pytest.raises(IssuerUnavailable):
        await server.verifier(Clock()).verify(SIGNER.token(subject="a", roles=[]))


async def test_an_issuer_that_starts_late_is_found_within_seconds():
    server, clock = IssuerServer(), Clock()
    server.down = True
    checking = server.verifier(clock)
    for _ in range(3):
        with pytest.raises(IssuerUnavailable):
            await checking.verify(SIGNER.token(subject="a", roles=[]))
    assert server.asked == 1

    server.down = False
    clock.pass_(3)
    assert (await checking.verify(SIGNER.token(subject="a", roles=[]))).subject == "a"


async def test_metadata_of_another_issuer_is_not_believed():
    server = IssuerServer()
    server.name = "https://evil.example"
    with pytest.raises(IssuerUnavailable):
        await server.verifier(Clock()).verify(SIGNER.token(subject="a", roles=[]))


# --- routes ------------------------------------------------------------------------------------


def build() -> FastAPI:
    app = FastAPI()
    app.router.route_class = AllowedRoute
    app.state.verifier = verifier()
    problems.install(app)
    describe(app)

    @app.get("/approve")
    async def approve(actor: Actor = allow(Role.KADES, Role.ADMIN_DINSOS)) -> str:
        return actor.subject

    @app.get("/public", openapi_extra={"x-public": "it says nothing"})
    async def public() -> str:
        return "ok"

    return app


@pytest.fixture
async def client():
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(build()), base_url="http://test"
    ) as opened:
        yield opened


async def get(client, token: str | None) -> httpx.Response:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    return await client.get("/approve", headers=headers)


async def test_a_route_answers_those_with_one_of_its_roles(client):
    answer = await get(client, SIGNER.token(subject="siti", roles=["kades"]))
    assert answer.json() == "siti"


async def test_without_a_token_the_answer_is_401_with_a_challenge(client):
    answer = await get(client, None)
    assert (answer.status_code, answer.json()["code"]) == (401, "token_missing")
    assert answer.headers["www-authenticate"] == 'Bearer realm="betang"'


async def test_a_bad_token_is_401_without_a_reason(client):
    answer = await get(client, SIGNER.token(subject="s", roles=["kades"], audience="x"))
    assert (answer.status_code, answer.json()["code"]) == (401, "token_invalid")
    assert 'error="invalid_token"' in answer.headers["www-authenticate"]
    assert "audience" not in answer.text.lower()


@pytest.mark.parametrize("roles", [[], ["raja"], ["operator_desa"]])
async def test_another_role_is_403(client, roles):
    answer = await get(client, SIGNER.token(subject="s", roles=roles))
    assert answer.status_code == 403


async def test_basic_authentication_is_401(client):
    answer = await client.get("/approve", headers={"Authorization": "Basic YTpi"})
    assert answer.status_code == 401


async def test_the_document_names_the_roles_and_the_shape_of_errors(client):
    document = (await client.get("/openapi.json")).json()
    operation = document["paths"]["/approve"]["get"]
    assert operation["x-roles"] == ["admin_dinsos", "kades"]
    assert operation["security"] == [{"bearer": []}]
    assert "application/problem+json" in operation["responses"]["401"]["content"]
    assert document["paths"]["/public"]["get"]["x-public"] == "it says nothing"


def test_a_route_for_nobody_cannot_be_written():
    with pytest.raises(ValueError, match="at least one role"):
        allow()
