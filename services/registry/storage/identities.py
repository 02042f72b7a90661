"""Identity numbers as they are kept: sealed, indexed, masked. The keys never leave this class."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from services.shared.sealing import KeyedIndex, Keyring, Sealer, mask_nik

Kind = Literal["nik", "kk"]

CONTEXT: dict[Kind, str] = {"nik": "person.nik", "kk": "family.kk"}
"""What a sealed number is bound to: a value moved to another column does not open."""


@dataclass(frozen=True, slots=True)
class KeptNumber:
    """One number in the three forms that are stored."""

    sealed: bytes
    number_index: bytes
    masked: str


class Numbers:
    """Seals and finds NIK and KK numbers by this regency's keys."""

    def __init__(self, keyring: Keyring) -> None:
        self._sealer = Sealer(keyring)
        self._index = KeyedIndex(keyring)
        self._rotating = len(keyring["index"].keys) > 1

    @property
    def key_version(self) -> int:
        """The version of the index key that new rows get."""
        return self._index.key_version

    def indexes(self, kind: Kind, numbers: Sequence[str | None]) -> list[bytes | None]:
        """Return the active index of each number."""
        return self._index.index_column(kind, numbers)

    def aliases(self, kind: Kind, numbers: Iterable[str | None]) -> dict[bytes, bytes]:
        """Return every index under which a number may be stored, leading to its active index.

        During a key rotation rows of both keys exist; a look-up asks for both.
        """
        given = [number for number in numbers if number is not None]
        active = [one for one in self._index.index_column(kind, given) if one is not None]
        found = dict(zip(active, active, strict=True))
        if self._rotating:
            for number, one in zip(given, active, strict=True):
                found.update((index, one) for index in self.lookup(kind, number))
        return found

    def lookup(self, kind: Kind, number: str) -> list[bytes]:
        """Return all indexes under which one number may be stored."""
        return [one for one, _version in self._index.all_versions(kind, number)]

    def keep(self, kind: Kind, numbers: Sequence[str]) -> list[KeptNumber]:
        """Return what is stored of each number."""
        sealed = self._sealer.seal_column(numbers, CONTEXT[kind])
        indexes = self._index.index_column(kind, numbers)
        return [
            KeptNumber(box, one, mask_nik(number))
            for box, one, number in zip(sealed, indexes, numbers, strict=True)
            if box is not None and one is not None
        ]

    def open(self, kind: Kind, sealed: bytes) -> str:
        """Return the number itself. Only a reveal, which is logged, may call this."""
        return self._sealer.open(sealed, CONTEXT[kind])
