"""What can go wrong in programs, as facts of the field. ``api/errors.py`` gives each its status."""

from collections.abc import Mapping
from typing import ClassVar


class DomainError(Exception):
    """A request or an event that the rules refuse. ``params`` name the numbers of the case."""

    code: ClassVar[str] = "programs_error"

    def __init__(self, detail: str = "", **params: object) -> None:
        super().__init__(detail or self.code)
        self.params: Mapping[str, object] = {"reason": detail, **params}


class ProgramNotFound(DomainError):
    """No such program, or a sensitive one that the caller may not know of."""

    code: ClassVar[str] = "program_not_found"


class EnrolmentNotFound(DomainError):
    """No such enrolment within the caller's sight."""

    code: ClassVar[str] = "enrolment_not_found"


class RuleNotFound(DomainError):
    """The program has no eligibility rule in force on that day."""

    code: ClassVar[str] = "rule_not_found"


class OrganisationUnknown(DomainError):
    """The agency is not among the organisations."""

    code: ClassVar[str] = "organisation_unknown"


class OrganisationExists(DomainError):
    """An organisation with this code is there already."""

    code: ClassVar[str] = "organisation_exists"


class ProgramExists(DomainError):
    """The owner has a program with this code already."""

    code: ClassVar[str] = "program_exists"


class NotYourAgency(DomainError):
    """The caller acts for another agency than the program's owner or reporter."""

    code: ClassVar[str] = "not_your_agency"


class SameHand(DomainError):
    """Who proposed may not approve."""

    code: ClassVar[str] = "same_hand"


class WrongStatus(DomainError):
    """The status does not allow this action."""

    code: ClassVar[str] = "wrong_status"


class InvalidSubKegiatan(DomainError):
    """The SIPD code does not have the shape of handbook 1.11."""

    code: ClassVar[str] = "invalid_sub_kegiatan"


class InvalidYears(DomainError):
    """A line twice, an aid part above its ceiling, or an amount out of range."""

    code: ClassVar[str] = "invalid_years"


class InvalidBenefit(DomainError):
    """A benefit of no quantity, or of a value below zero or beyond all budgets."""

    code: ClassVar[str] = "invalid_benefit"


class InvalidDates(DomainError):
    """An enrolment would end before it begins."""

    code: ClassVar[str] = "invalid_dates"


class InvalidRule(DomainError):
    """The tree cannot be compiled: ``pointer`` says where, the message why."""

    code: ClassVar[str] = "invalid_rule"


class InvalidStackingRule(DomainError):
    """A stacking rule names one program twice, or exists already."""

    code: ClassVar[str] = "invalid_stacking_rule"


class FamilyUnknown(DomainError):
    """The family or the person is not known here, not in scope, or no longer current."""

    code: ClassVar[str] = "family_unknown"


class WrongUnit(DomainError):
    """The program enrols persons and none was named, or families and one was."""

    code: ClassVar[str] = "wrong_unit"


class AlreadyEnrolled(DomainError):
    """The recipient has a live enrolment in this program and year."""

    code: ClassVar[str] = "already_enrolled"


class ProgramNotActive(DomainError):
    """Only an active program with that year enrols."""

    code: ClassVar[str] = "program_not_active"


class NotEligible(DomainError):
    """A condition is not met; another person may override with a reason."""

    code: ClassVar[str] = "not_eligible"


class QuotaExceeded(DomainError):
    """The grant would pass the year's quota; ``params`` carry quota, granted, requested."""

    code: ClassVar[str] = "quota_exceeded"


class CeilingExceeded(DomainError):
    """The grant would commit more than the year's aid ceiling; ``params`` carry the rupiah."""

    code: ClassVar[str] = "ceiling_exceeded"


class MalformedFact(DomainError):
    """A registry state carries a value that the projection cannot hold."""

    code: ClassVar[str] = "malformed_fact"
