"""Keycloak's realm gives out the tokens that ``services.shared.auth`` accepts."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from services.shared import auth
from services.shared.jwks import ALGORITHMS
from services.shared.roles import Role
from services.shared.settings import ServiceSettings
from tests.architecture.source import text
from tests.support.compose import environment, profile_values

REALM: dict[str, Any] = json.loads(text(Path("deploy/keycloak/realm.json")))
CLIENTS = {client["clientId"]: client for client in REALM["clients"]}


def mappers(client: str) -> dict[str, dict[str, str]]:
    """Return claim -> configuration of what a client's mappers write into its access tokens."""
    found = {}
    for mapper in CLIENTS[client]["protocolMappers"]:
        assert mapper["config"]["access.token.claim"] == "true"
        claim = mapper["config"].get("claim.name", mapper["name"])
        found[claim] = {"kind": mapper["protocolMapper"], **mapper["config"]}
    return found


def profile() -> dict[str, dict[str, Any]]:
    (component,) = REALM["components"]["org.keycloak.userprofile.UserProfileProvider"]
    (kept,) = component["config"]["kc.user.profile.config"]
    return {attribute["name"]: attribute for attribute in json.loads(kept)["attributes"]}


def test_the_realm_has_exactly_the_roles_of_the_services():
    assert [role["name"] for role in REALM["roles"]["realm"]] == [role.value for role in Role]
    assert all(role["description"] for role in REALM["roles"]["realm"])


@pytest.mark.parametrize("client", CLIENTS)
def test_a_client_gets_access_tokens_of_the_type_and_for_the_audience_we_ask_for(client):
    attributes = CLIENTS[client]["attributes"]
    # Writes the header typ at+jwt of RFC 9068; without it Keycloak writes JWT.
    assert attributes["access.token.header.type.rfc9068"] == "true"
    assert "at+jwt" in auth.TOKEN_TYPES
    audience = mappers(client)["audience"]
    assert audience["kind"] == "oidc-audience-mapper"
    assert audience["included.custom.audience"] == ServiceSettings.model_fields["audience"].default
    assert mappers(client)["subject"]["kind"] == "oidc-sub-mapper"
    assert REALM["defaultSignatureAlgorithm"] in ALGORITHMS.values()


@pytest.mark.parametrize("client", CLIENTS)
def test_a_token_carries_roles_regions_and_agency_in_the_shape_we_read(client):
    claims = mappers(client)
    assert claims["roles"]["kind"] == "oidc-usermodel-realm-role-mapper"
    for claim, several in (("roles", "true"), ("regions", "true"), ("agency", "false")):
        assert claims[claim]["multivalued"] == several
        assert claims[claim]["jsonType.label"] == "String"
    for claim in ("regions", "agency"):
        assert claims[claim]["kind"] == "oidc-usermodel-attribute-mapper"
        assert claims[claim]["user.attribute"] == claim


def test_nobody_chooses_his_own_region_or_agency():
    for name in ("regions", "agency"):
        assert profile()[name]["permissions"]["edit"] == ["admin"]
    assert REALM["registrationAllowed"] is False
    (pattern,) = [v["pattern"] for k, v in profile()["regions"]["validations"].items()]
    for code in ("62", "62.02", "62.02.06", "62.02.06.2005", "6202", "62.2", "62.02.", "x"):
        assert bool(re.match(pattern, code)) == bool(auth.REGION.fullmatch(code)), code


def test_people_log_in_with_a_code_and_pkce_and_machines_with_a_secret():
    frontend, machine = CLIENTS["betang-frontend"], CLIENTS["betang-integrator"]
    assert frontend["publicClient"]
    assert frontend["attributes"]["pkce.code.challenge.method"] == "S256"
    assert machine["serviceAccountsEnabled"]
    assert not machine["standardFlowEnabled"]
    for client in CLIENTS.values():
        assert not client["implicitFlowEnabled"]
        assert not client["directAccessGrantsEnabled"]
        assert "secret" not in client, "Keycloak makes it; it stands in no file"
    (account,) = REALM["users"]
    assert account["serviceAccountClientId"] == "betang-integrator"
    assert account["realmRoles"] == [Role.INTEGRATOR.value]


def test_the_issuer_of_profile_full_is_this_realm():
    values = profile_values("full")
    (issuer,) = json.loads(values["BETANG_ISSUERS"])
    assert issuer["issuer"] == f"{values['KEYCLOAK_URL']}/realms/{REALM['realm']}"
    assert issuer["jwks_uri"].endswith(f"/realms/{REALM['realm']}/protocol/openid-connect/certs")
    keycloak = environment("keycloak", "full")
    assert keycloak["KC_HOSTNAME"] == values["KEYCLOAK_URL"]
    named = set(re.findall(r"\$\{(\w+)\}", json.dumps(REALM)))
    assert named <= set(keycloak), "the realm file names what the container is not told"
