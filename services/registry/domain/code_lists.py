"""Code lists as data: the questions in use, their codes and labels, in Indonesian and English.

Schemes: ``regsosek`` 2022k (numbers of the questionnaire, handbook 2.5) and ``siak`` 2019 (the
civil registry's lists as OpenSID numbers them, handbook 2.11). A published list never changes;
another edition is another version. Unknown has no code: the answer is absent.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from services.registry.domain.code_labels_regsosek import REGSOSEK_2022K
from services.registry.domain.code_labels_siak import SIAK_2019


@dataclass(frozen=True, slots=True)
class Code:
    """One code of a list, in the list's order."""

    code: int
    label_id: str
    label_en: str


@dataclass(frozen=True, slots=True)
class CodeList:
    """The allowed answers to one variable."""

    scheme: str
    version: str
    variable: str
    title_id: str
    title_en: str
    codes: tuple[Code, ...]

    @property
    def key(self) -> tuple[str, str, str]:
        """Return (scheme, version, variable)."""
        return self.scheme, self.version, self.variable


_SCHEMES = {("regsosek", "2022k"): REGSOSEK_2022K, ("siak", "2019"): SIAK_2019}

RELATION_FROM_SIAK: Mapping[int, int] = {
    1: 1, 2: 2, 3: 2, 4: 3, 5: 4, 6: 5, 7: 6, 8: 6, 9: 8, 10: 7, 11: 8,
}  # fmt: skip
"""SIAK "kk_level" (SHDK) to Regsosek 409: both spouses are 2, parents and parents-in-law 6."""


@cache
def code_lists() -> Mapping[tuple[str, str, str], CodeList]:
    """Return every list by (scheme, version, variable)."""
    lists = [
        CodeList(
            scheme, version, variable, title_id, title_en, tuple(Code(*code) for code in codes)
        )
        for (scheme, version), variables in _SCHEMES.items()
        for variable, (title_id, title_en, codes) in variables.items()
    ]
    return {one.key: one for one in lists}


def is_code(scheme: str, version: str, variable: str, code: int) -> bool:
    """Tell whether ``code`` answers ``variable``; False for a variable without a list."""
    found = code_lists().get((scheme, version, variable))
    return found is not None and any(one.code == code for one in found.codes)
