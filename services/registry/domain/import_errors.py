"""What people can do wrong with an import. ``api/imports.py`` gives each class its status."""

from typing import ClassVar

from services.registry.domain.errors import DomainError


class ImportNotFoundError(DomainError):
    """No such import, or it is of a region that the caller may not see."""

    code: ClassVar[str] = "import_not_found"


class ImportStateForbidsError(DomainError):
    """The import is in another state than the action needs. ``state`` names it."""

    code: ClassVar[str] = "import_state_forbids"


class UploaderCannotDecideError(DomainError):
    """Who uploaded a list may not approve or refuse it."""

    code: ClassVar[str] = "uploader_cannot_decide"


class FormatNotYoursError(DomainError):
    """The caller's role may not upload, or decide on, this kind of list."""

    code: ClassVar[str] = "import_format_not_yours"


class UploadNotUsableError(DomainError):
    """The upload does not exist, is not finished, or is somebody else's."""

    code: ClassVar[str] = "upload_not_usable"


class VillageNeededError(DomainError):
    """A village's list needs the code of a village of this regency."""

    code: ClassVar[str] = "village_needed"


class RowsForgottenError(DomainError):
    """The rows of this import are past their retention and were deleted."""

    code: ClassVar[str] = "import_rows_forgotten"
