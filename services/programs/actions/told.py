"""Builds the states that programs tells from what it keeps."""

from services.contracts.programs import (
    BenefitV1,
    EnrolmentStateV1,
    OrganisationStateV1,
    ProgramStateV1,
    ProgramYearV1,
    ReasonV1,
)
from services.programs.storage.enrolments import Enrolment
from services.programs.storage.organisations import Organisation
from services.programs.storage.programs import Program


def organisation_state(organisation: Organisation) -> OrganisationStateV1:
    """Return what is told of an organisation."""
    return OrganisationStateV1.model_validate(
        {"code": organisation.code, "name": organisation.name, "kind": organisation.kind}
    )


def program_state(program: Program) -> ProgramStateV1:
    """Return what is told of a program."""
    years = tuple(
        ProgramYearV1(
            year=line.year,
            fund_source=line.fund_source,
            ceiling_idr=line.ceiling_idr,
            aid_ceiling_idr=line.aid_ceiling_idr,
            quota=line.quota,
        )
        for line in program.years
    )
    return ProgramStateV1.model_validate(
        {
            "program_id": program.program_id,
            "code": program.code,
            "name": program.name,
            "owner_code": program.owner_code,
            "reporter_code": program.reporter_code,
            "klaster": program.klaster,
            "strategi": program.strategi,
            "bidang": program.bidang,
            "unit": program.unit,
            "benefit": BenefitV1.model_validate(program.benefit),
            "frequency": program.frequency,
            "steps": tuple(program.steps),
            "years": years,
            "counts_as_reached": program.counts_as_reached,
            "sensitive": program.sensitive,
            "target_desil_max": program.target_desil_max,
            "status": program.status,
        }
    )


def enrolment_state(enrolment: Enrolment, *, sensitive: bool, owner_code: str) -> EnrolmentStateV1:
    """Return what is told of an enrolment; the program tells the rest."""
    return EnrolmentStateV1.model_validate(
        {
            "enrolment_id": enrolment.enrolment_id,
            "program_id": enrolment.program_id,
            "year": enrolment.year,
            "family_id": enrolment.family_id,
            "person_id": enrolment.person_id,
            "region_code": enrolment.region_code,
            "status": enrolment.status,
            "reasons": tuple(ReasonV1.model_validate(reason) for reason in enrolment.reasons),
            "rule_version": enrolment.rule_version,
            "decided_at": enrolment.decided_at,
            "valid_from": enrolment.valid_from,
            "valid_to": enrolment.valid_to,
            "sensitive": sensitive,
            "owner_code": owner_code,
        }
    )
