"""A development identity provider: OIDC discovery, JWKS, and tokens for whoever asks.

It trusts everybody, so it runs on the loopback address only and is no part of production, where
the regency's own provider issues the tokens. ``ISSUER_URL`` and ``ISSUER_KEY_FILE`` (PEM) are its
settings.
"""

import os
from datetime import timedelta
from pathlib import Path
from urllib.parse import parse_qsl

from fastapi import FastAPI, HTTPException, Request
from pydantic import BaseModel

from services.shared.roles import Role
from services.shared.signing import TokenSigner

REGENCY = "62.02"
DAY = timedelta(days=1)


class Person(BaseModel):
    """One development person: what a token of it says."""

    subject: str
    name: str
    roles: list[Role]
    regions: list[str]
    agency: str | None = None


VILLAGE, DISTRICT = "62.02.06.2005", "62.02.06"
PEOPLE: dict[str, Person] = {
    person.subject: person
    for person in (
        Person(
            subject="operator-desa",
            name="Operator Desa",
            roles=[Role.OPERATOR_DESA],
            regions=[VILLAGE],
        ),
        Person(subject="kades", name="Kepala Desa", roles=[Role.KADES], regions=[VILLAGE]),
        Person(subject="camat", name="Camat", roles=[Role.CAMAT], regions=[DISTRICT]),
        Person(
            subject="verifikator",
            name="Verifikator Dinsos",
            roles=[Role.VERIFIKATOR_DINSOS],
            regions=[REGENCY],
            agency="DINSOS",
        ),
        Person(
            subject="admin",
            name="Admin Dinsos",
            roles=[Role.ADMIN_DINSOS],
            regions=[REGENCY],
            agency="DINSOS",
        ),
        Person(
            subject="petugas-dinsos",
            name="Petugas Dinas Sosial",
            roles=[Role.PETUGAS_SKPD],
            regions=[REGENCY],
            agency="DINSOS",
        ),
        Person(
            subject="penyalur",
            name="Penyalur",
            roles=[Role.PENYALUR],
            regions=[REGENCY],
            agency="DINSOS",
        ),
        Person(subject="analis", name="Analis TKPKD", roles=[Role.ANALIS_TKPKD], regions=[REGENCY]),
        Person(subject="pimpinan", name="Pimpinan", roles=[Role.PIMPINAN], regions=[REGENCY]),
        Person(subject="integrator", name="Integrator", roles=[Role.INTEGRATOR], regions=[REGENCY]),
        Person(subject="auditor", name="Auditor", roles=[Role.AUDITOR], regions=[REGENCY]),
        Person(subject="dpo", name="Petugas PDP", roles=[Role.DPO], regions=[REGENCY]),
        Person(subject="warga", name="Warga", roles=[Role.WARGA], regions=[]),
    )
}
"""A person for each role, so that a newcomer can try the system as each of them."""


class TokenAnswer(BaseModel):
    """RFC 6749 section 5.1."""

    access_token: str
    token_type: str
    expires_in: int


def token_of(signer: TokenSigner, person: Person, lifetime: timedelta = DAY) -> str:
    """Return an access token of a development person."""
    return signer.token(
        subject=person.subject,
        name=person.name,
        roles=person.roles,
        regions=person.regions,
        agency=person.agency,
        lifetime=lifetime,
    )


def create_app() -> FastAPI:
    """Return the provider's application, made from its environment."""
    issuer = os.environ["ISSUER_URL"]
    signer = TokenSigner.from_pem(issuer, Path(os.environ["ISSUER_KEY_FILE"]).read_bytes())
    app = FastAPI(title="Betang development issuer", openapi_url=None)

    @app.get("/health/live")
    async def live() -> dict[str, str]:
        return {"status": "live"}

    @app.get("/.well-known/openid-configuration")
    async def discovery() -> dict[str, object]:
        token_endpoint = {"token_endpoint": f"{issuer}/token"}
        return {**signer.discovery(f"{issuer}/jwks"), **token_endpoint}

    @app.get("/jwks")
    async def jwks() -> dict[str, object]:
        return signer.jwks

    @app.get("/people")
    async def people() -> list[Person]:
        return list(PEOPLE.values())

    @app.post("/token")
    async def token(request: Request) -> TokenAnswer:
        """Issue a token for a form: ``subject`` of ``/people``, or anybody described.

        Such a person has ``roles`` and ``regions`` (comma-separated) and ``agency``.
        """
        form = dict(parse_qsl((await request.body()).decode()))
        person = PEOPLE.get(form.get("subject", ""))
        if person is None or "roles" in form:
            person = _described(form)
        return TokenAnswer(
            access_token=token_of(signer, person),
            token_type="Bearer",  # noqa: S106 - the scheme's name
            expires_in=int(DAY.total_seconds()),
        )

    return app


def _described(form: dict[str, str]) -> Person:
    subject = form.get("subject") or "somebody"
    try:
        roles = [Role(role) for role in form.get("roles", Role.WARGA).split(",")]
    except ValueError as error:
        raise HTTPException(400, f"{error}; known: {', '.join(Role)}") from error
    regions = [region for region in form.get("regions", "").split(",") if region]
    return Person(
        subject=subject, name=subject, roles=roles, regions=regions, agency=form.get("agency")
    )
