"""Errors and roles at the edge; fund sources added up on the way in."""

from datetime import UTC, datetime

import pytest

from services.contracts.programs import ProgramYearV1
from services.distribution.api.errors import CATALOGUE, batch_problem
from services.distribution.api.permissions import caller_of, sight_of
from services.distribution.domain import errors
from services.distribution.domain.errors import DomainError
from services.distribution.subscriptions.programs import years_of
from services.shared.auth import Actor
from services.shared.roles import Role


def an_actor(*roles, agency=None, regions=("62.02",)):
    return Actor(
        subject="x",
        issuer="https://issuer.test",
        name=None,
        roles=frozenset(roles),
        regions=tuple(regions),
        agency=agency,
        client_id=None,
        expires_at=datetime(2030, 1, 1, tzinfo=UTC),
    )


def all_errors(base=DomainError):
    yield base
    for child in base.__subclasses__():
        yield from all_errors(child)


@pytest.mark.parametrize("error", list(all_errors()), ids=lambda error: error.__name__)
def test_every_domain_error_has_its_status_and_its_sentences(error):
    kind = CATALOGUE[error]
    assert kind.code == error.code
    assert 400 <= kind.status < 500
    assert kind.title_id
    assert kind.title_en
    assert bool(kind.detail_id) == bool(kind.detail_en)


def test_codes_are_not_used_twice():
    codes = [error.code for error in all_errors()]
    assert len(codes) == len(set(codes))


def test_a_refused_batch_names_each_row_with_its_numbers():
    refused = errors.BatchRefused(rows=[(4, errors.OverDelivery(remaining=1, asked=3))])
    [row] = batch_problem(refused).errors
    assert (row.pointer, row.code) == ("#/rows/4", "over_delivery")
    assert row.detail_id == "Melebihi sisa jatah. Sisa jatah 1, diminta 3."


@pytest.mark.parametrize(
    ("roles", "agency", "own_only", "names"),
    [
        ((Role.PETUGAS_SKPD,), "DINKES", True, True),
        ((Role.PETUGAS_SKPD,), None, True, True),
        ((Role.PENYALUR,), None, False, True),
        ((Role.PENYALUR,), "DINSOS", True, True),
        ((Role.PETUGAS_SKPD, Role.ADMIN_DINSOS), "DINSOS", False, True),
        ((Role.AUDITOR,), None, False, False),
        ((Role.AUDITOR, Role.ADMIN_DINSOS), None, False, True),
        ((Role.AUDITOR, Role.WARGA), None, False, False),
        ((Role.AUDITOR, Role.INTEGRATOR), None, False, False),
        ((Role.ANALIS_TKPKD, Role.PETUGAS_SKPD), "DINKES", True, True),
        ((Role.AUDITOR, Role.PENYALUR), "DINKES", True, True),
        ((Role.OPERATOR_DESA, Role.PETUGAS_SKPD), "DINKES", False, True),
        ((Role.OPERATOR_DESA,), None, False, True),
    ],
)
def test_roles_decide_whose_programs_and_whether_names_are_seen(roles, agency, own_only, names):
    sight = sight_of(an_actor(*roles, agency=agency))
    assert (sight.own_only, sight.names, sight.agency) == (own_only, names, agency)


@pytest.mark.parametrize(
    ("roles", "agency", "manages", "hands"),
    [
        ((Role.ADMIN_DINSOS,), "DINSOS", True, True),
        ((Role.PETUGAS_SKPD,), "DINKES", True, True),
        ((Role.PETUGAS_SKPD,), "DISDIK", False, False),
        ((Role.PENYALUR,), None, False, True),
        ((Role.PENYALUR,), "DISDIK", False, False),
    ],
)
def test_only_the_owners_people_and_the_admin_manage_a_program(roles, agency, manages, hands):
    caller = caller_of(an_actor(*roles, agency=agency))
    program = {"owner_code": "DINKES"}
    for check, may in ((caller.require_manager, manages), (caller.require_hands, hands)):
        if may:
            check(program)
        else:
            with pytest.raises(errors.NotYourProgram):
                check(program)


def test_fund_sources_of_a_year_add_up_and_one_unknown_makes_the_year_unknown():
    told = (
        ProgramYearV1(year=2026, fund_source="APBD_KAB", ceiling_idr=100, aid_ceiling_idr=80),
        ProgramYearV1(year=2026, fund_source="DAK_FISIK", ceiling_idr=50),
        ProgramYearV1(year=2025, fund_source="APBN", ceiling_idr=None, aid_ceiling_idr=7),
    )
    assert years_of(told) == [
        {"year": 2025, "ceiling_idr": None, "aid_ceiling_idr": 7},
        {"year": 2026, "ceiling_idr": 150, "aid_ceiling_idr": None},
    ]
