"""Who acts: an id for the record, a sight, and whose programs the caller manages."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from services.distribution.domain.errors import NotYourProgram
from services.distribution.storage.sight import Sight


@dataclass(frozen=True, slots=True)
class Caller:
    """``manages_all``: not bound to one agency (admin of Dinsos)."""

    id: str
    sight: Sight
    agency: str | None
    manages_all: bool = False

    def require_manager(self, program: Mapping[Any, Any]) -> None:
        """Raise ``NotYourProgram`` unless the caller may plan and pay for the program."""
        if not self.manages_all and self.agency != program["owner_code"]:
            raise NotYourProgram(owner_code=program["owner_code"])

    def require_hands(self, program: Mapping[Any, Any]) -> None:
        """Raise ``NotYourProgram`` unless the caller may hand over aid of the program.

        An officer without an agency (a bank's or a village's) is bound by regions alone.
        """
        if not self.manages_all and self.agency not in (None, program["owner_code"]):
            raise NotYourProgram(owner_code=program["owner_code"])
