"""Who may do what with an import, in which state."""

import pytest

from services.registry.domain.imports import (
    TERMINAL,
    WORKABLE,
    Decider,
    ImportFormat,
    ImportState,
    allowed_actions,
)

OPENSID, DTSEN = ImportFormat.OPENSID_RESIDENTS, ImportFormat.DTSEN_EXTRACT
UPLOADER = "issuer#operator"


def actions(state, import_format=OPENSID, *, who="issuer#other", roles=("kades",)):
    return allowed_actions(state, import_format, Decider(who, frozenset(roles)), UPLOADER)


@pytest.mark.parametrize("state", [*sorted(TERMINAL), ImportState.REVIEWED])
def test_nobody_can_do_anything_once_an_import_is_decided(state):
    for who in (UPLOADER, "issuer#other"):
        assert actions(state, who=who, roles=("operator_desa", "admin_dinsos", "kades")) == []


def test_another_person_of_the_village_or_dinsos_approves_a_validated_list():
    for role in ("kades", "verifikator_dinsos", "admin_dinsos"):
        assert {"approve", "refuse"} <= set(actions(ImportState.VALIDATED, roles=(role,)))


@pytest.mark.parametrize("role", ["operator_desa", "camat", "auditor", "pimpinan", "warga"])
def test_no_other_role_approves(role):
    assert "approve" not in actions(ImportState.VALIDATED, roles=(role,))


def test_who_uploaded_may_only_cancel_whatever_roles_they_hold():
    roles = ("operator_desa", "kades", "admin_dinsos")
    assert actions(ImportState.VALIDATED, who=UPLOADER, roles=roles) == ["cancel"]


def test_an_extract_is_approved_by_a_verifier_only():
    assert "approve" in actions(ImportState.VALIDATED, DTSEN, roles=("verifikator_dinsos",))
    for role in ("kades", "admin_dinsos"):
        assert "approve" not in actions(ImportState.VALIDATED, DTSEN, roles=(role,))


def test_a_state_waits_for_a_person_or_for_the_worker_or_has_ended():
    assert set(WORKABLE) | TERMINAL | {ImportState.VALIDATED} == set(ImportState)
    assert not set(WORKABLE) & TERMINAL
