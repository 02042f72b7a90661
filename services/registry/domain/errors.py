"""What the world can do wrong in the registry. ``api/errors.py`` gives each class its status."""

from typing import ClassVar


class DomainError(Exception):
    """Base of all refusals. ``code`` is stable and public; ``params`` fill the message."""

    code: ClassVar[str] = "registry_error"

    def __init__(self, **params: object) -> None:
        super().__init__(self.code)
        self.params = params


class FamilyNotFoundError(DomainError):
    """No such family, or the caller may not know that it exists."""

    code: ClassVar[str] = "family_not_found"


class FamilyNotThereThenError(DomainError):
    """The caller may know the family; on ``as_of`` it was not there, or not yet on record."""

    code: ClassVar[str] = "family_not_there_then"


class PersonNotFoundError(DomainError):
    """No such person, or the caller may not know that they exist."""

    code: ClassVar[str] = "person_not_found"


class RegionNotFoundError(DomainError):
    """The code names no region of this regency on that day."""

    code: ClassVar[str] = "region_not_found"


class CodeListNotFoundError(DomainError):
    """No such code list."""

    code: ClassVar[str] = "code_list_not_found"


class PersonHasNoNikError(DomainError):
    """There is nothing to reveal: the person lawfully has no NIK yet."""

    code: ClassVar[str] = "person_has_no_nik"


class InvalidNumberError(DomainError):
    """A NIK or KK number that cannot exist. ``findings`` names the rules it breaks."""

    code: ClassVar[str] = "invalid_number"


class StatusForbidsError(DomainError):
    """The family's status does not allow this action."""

    code: ClassVar[str] = "status_forbids"


class NothingToChangeError(DomainError):
    """A correction that changes nothing is refused: history keeps no empty entries."""

    code: ClassVar[str] = "nothing_to_change"
