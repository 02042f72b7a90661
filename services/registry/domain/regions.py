"""Regions as dated data: what a newer source changes against what is known."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

Level = Literal["kabupaten", "kecamatan", "desa", "kelurahan"]


LEVELS: Mapping[str, Level] = {
    "kabupaten": "kabupaten",
    "kota": "kabupaten",
    "kecamatan": "kecamatan",
    "distrik": "kecamatan",
    "kelurahan": "kelurahan",
    "desa": "desa",
    "desa_adat": "desa",
}
"""The kinds of region in the law, by what they are here: a kota is told as a kabupaten is."""


@dataclass(frozen=True, slots=True)
class Region:
    """A region as a source tells it. Codes are dotted Kemendagri codes, "62.02.06.1001"."""

    code: str
    name: str
    level: Level
    parent_code: str | None
    postal_code: str | None


@dataclass(frozen=True, slots=True)
class RegionChanges:
    """What to open (new or changed) and which codes to close, gone or changed."""

    opened: tuple[Region, ...]
    closed: tuple[str, ...]


def changes(known: Mapping[str, Region], source: Iterable[Region]) -> RegionChanges:
    """Compare the open regions with the source's; equal ones change nothing."""
    told = {region.code: region for region in source}
    opened = tuple(one for code, one in told.items() if known.get(code) != one)
    replaced = [one.code for one in opened if one.code in known]
    gone = [code for code in known if code not in told]
    return RegionChanges(opened, tuple(replaced + gone))


def is_village(level: str) -> bool:
    """Tell whether families can live directly in a region of this level."""
    return level in ("desa", "kelurahan")
