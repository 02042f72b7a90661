"""The synthetic regency's people, drawn with a fixed seed. DATA SINTETIS: nobody here exists.

Sizes follow handbook 3.3 and 4 (17 kecamatan, 185 villages, about 3.13 people a family). Shapes
that no source gives (desil shares, disability by age) are assumptions, named as constants here.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from random import Random
from zlib import crc32

from lokal import wilayah

from deploy.demo.names import FEMALE, LAST, MALE

REGENCY = "62.02"
REFERENCE_DAY = date(2026, 10, 1)
"""Ages are as of this day, so that a seed gives the same people for ever."""

SYNTHETIC_SERIAL_FIRST = 9000
"""Serial numbers from here on mark a NIK or KK number as synthetic (handbook 2.1)."""

SYNTHETIC_SERIALS = 1000

DESIL_WEIGHTS = (55, 70, 80, 90, 100, 115, 120, 120, 125, 105)
"""Share of families by desil 1..10, per 980; assumption: Kotim is somewhat better off than
the nation (P0 5.83 % against 8.47 % in March 2025), so its low desil are thinner."""

UNRANKED_PER_1000 = 20
RANGE_PER_1000 = 15
MISSING_IN_DTSEN_PER_1000 = 12
FAMILY_SIZE_WEIGHTS = {1: 12, 2: 22, 3: 28, 4: 22, 5: 10, 6: 4, 7: 2}
"""Mean 3.14 people (handbook 4.6: about 3.13)."""

AGE_BANDS_HEAD = ((20, 29, 14), (30, 39, 27), (40, 49, 26), (50, 59, 18), (60, 69, 10), (70, 88, 5))
WALKING_DIFFICULTY_PER_1000 = ((0, 39, 3), (40, 59, 9), (60, 120, 60))
"""People who cannot walk or climb stairs without help (428c in 1, 2), by age; assumption."""

DWELLING_GOOD = {
    "301a": 1, "302": 60, "303": 2, "304": 1, "305": 3, "306a": 4, "306b": 2,
    "307a": 1, "307b": 2, "308": 4, "309a": 1, "309b": 1, "310": 1,
}  # fmt: skip
DWELLING_POOR = {
    "301a": 1, "302": 24, "303": 5, "304": 3, "305": 7, "306a": 9, "306b": 1,
    "307a": 2, "307b": 1, "308": 10, "309a": 6, "309b": 4, "310": 3,
}  # fmt: skip


@dataclass(slots=True)
class Person:
    """One synthetic person. ``relation`` by Regsosek 409, ``walking`` by 428c (4: none)."""

    nik: str
    name: str
    sex: str
    born: date
    relation: int
    marital: int
    occupation: int
    walking: int = 4


@dataclass(slots=True)
class Family:
    """One synthetic family (one KK). ``desil`` as DTSEN writes it: "1".."10", "0", "6-10"."""

    kk_number: str
    village: str
    rt: str
    address: str
    desil: str
    in_dtsen: bool
    dwelling: dict[str, int]
    members: list[Person] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Village:
    """A village with the number of families drawn for it."""

    code: str
    name: str
    is_kelurahan: bool
    families: int


def villages(total_families: int, seed: int = 62_02) -> list[Village]:
    """Spread ``total_families`` over the 185 villages, kelurahan larger; leave out empty ones."""
    random = Random(seed)
    drawn = []
    for district in wilayah.list_wilayah(REGENCY):
        for village in wilayah.list_wilayah(district.code):
            urban = village.code.split(".")[3].startswith("1")
            drawn.append((village, urban, random.lognormvariate(0.0, 0.45) * (4.5 if urban else 1)))
    return [
        Village(village.code, village.name, urban, size)
        for (village, urban, _), size in zip(
            drawn, _shares(total_families, [weight for *_, weight in drawn]), strict=True
        )
        if size
    ]


def _shares(total: int, weights: list[float]) -> list[int]:
    """Split ``total`` by weight into whole parts that add up (largest remainder)."""
    exact = [total * weight / sum(weights) for weight in weights]
    parts = [int(share) for share in exact]
    by_remainder = sorted(range(len(exact)), key=lambda at: parts[at] - exact[at])
    for at in by_remainder[: total - sum(parts)]:
        parts[at] += 1
    return parts


class Numbers:
    """Hands out synthetic NIK and KK numbers, each once."""

    def __init__(self) -> None:
        """Start with no number taken."""
        self._taken: dict[str, int] = {}

    def nik(self, district: str, born: date, sex: str) -> str:
        """Return a NIK ``PPKKCC DDMMYY SSSS`` (day + 40 for women), serial from 9000."""
        day = born.day + (40 if sex == "P" else 0)
        return self._take(f"{district}{day:02d}{born:%m%y}")

    def kk(self, district: str, issued: date) -> str:
        """Return a KK number ``PPKKCC DDMMYY SSSS``, serial from 9000."""
        return self._take(f"{district}{issued:%d%m%y}")

    def _take(self, prefix: str) -> str:
        taken = self._taken.get(prefix, 0)
        if taken == SYNTHETIC_SERIALS:
            msg = f"more than {SYNTHETIC_SERIALS} synthetic numbers under {prefix}"
            raise OverflowError(msg)
        self._taken[prefix] = taken + 1
        # Not from 9000 upwards: a column of numbers that all end in 0 looks damaged by Excel.
        serial = (crc32(prefix.encode()) + taken) % SYNTHETIC_SERIALS
        return f"{prefix}{SYNTHETIC_SERIAL_FIRST + serial:04d}"


def draw(total_families: int, seed: int = 62_02) -> Iterator[tuple[Village, list[Family]]]:
    """Yield every village with its families, in code order; the same seed, the same people."""
    numbers = Numbers()
    for village in villages(total_families, seed):
        random = Random(f"{seed}/{village.code}")
        yield village, [_family(random, village, numbers) for _ in range(village.families)]


def _family(random: Random, village: Village, numbers: Numbers) -> Family:
    district = village.code.replace(".", "")[:6]
    roll = random.randrange(1000)
    rank = random.choices(range(1, 11), DESIL_WEIGHTS)[0]
    desil = str(rank)
    if roll < UNRANKED_PER_1000:
        desil = "0"
    elif roll < UNRANKED_PER_1000 + RANGE_PER_1000:
        desil = "6-10"
    poor = random.random() < max(0.03, 0.75 - 0.09 * rank)
    dwelling = dict(DWELLING_POOR if poor else DWELLING_GOOD)
    dwelling["302"] += random.randrange(0, 30)
    family = Family(
        kk_number=numbers.kk(district, date(2005, 1, 1) + timedelta(days=random.randrange(7600))),
        village=village.code,
        rt=f"{random.randrange(1, 13):03d}",
        address=f"Jl. Contoh No. {random.randrange(1, 400)} (DATA SINTETIS)",
        desil=desil,
        in_dtsen=random.randrange(1000) >= MISSING_IN_DTSEN_PER_1000,
        dwelling=dwelling,
    )
    family.members = _members(random, district, numbers)
    return family


def _members(random: Random, district: str, numbers: Numbers) -> list[Person]:
    sizes = list(FAMILY_SIZE_WEIGHTS)
    size = random.choices(sizes, list(FAMILY_SIZE_WEIGHTS.values()))[0]
    low, high, _ = random.choices(AGE_BANDS_HEAD, [band[2] for band in AGE_BANDS_HEAD])[0]
    head_age = random.randint(low, high)
    head_sex = "P" if random.random() < (0.45 if size == 1 else 0.12) else "L"
    married = size > 1 and head_sex == "L"
    members = [_person(random, district, numbers, head_age, head_sex, 1, 2 if married else 4)]
    if married:
        wife_age = max(18, head_age - random.randint(-2, 8))
        members.append(_person(random, district, numbers, wife_age, "P", 2, 2))
    oldest_child = max(0, head_age - 19)
    while len(members) < size:
        sex = random.choice("LP")
        if oldest_child > 55 or random.random() < 0.06:
            members.append(_person(random, district, numbers, min(95, head_age + 22), sex, 6, 4))
            continue
        age = random.randint(0, min(oldest_child, 26))
        members.append(_person(random, district, numbers, age, sex, 3, 1))
    return members


def _person(  # noqa: PLR0917 - a private draw, called on one page
    random: Random, district: str, numbers: Numbers, age: int, sex: str, relation: int, marital: int
) -> Person:
    born = REFERENCE_DAY - timedelta(days=age * 365 + age // 4 + random.randrange(364))
    if random.random() < 0.3:  # born in another kecamatan: a NIK keeps the place of registration
        district = f"6202{random.randrange(1, 18):02d}"
    name = f"{random.choice(MALE if sex == 'L' else FEMALE)} {random.choice(LAST)}".strip()
    return Person(
        nik=numbers.nik(district, born, sex),
        name=name.upper(),
        sex=sex,
        born=born,
        relation=relation,
        marital=marital,
        occupation=_occupation(random, age, sex),
        walking=_walking(random, age),
    )


def _occupation(random: Random, age: int, sex: str) -> int:
    """Return an OpenSID occupation code (handbook 2.11)."""
    if age < 6:
        return 1
    if age < 19:
        return 3
    if sex == "P" and random.random() < 0.55:
        return 2
    return random.choices((9, 20, 19, 11, 15, 84, 88, 5, 18), (24, 16, 14, 6, 16, 8, 9, 4, 3))[0]


def _walking(random: Random, age: int) -> int:
    for low, high, per_1000 in WALKING_DIFFICULTY_PER_1000:
        if low <= age <= high and random.randrange(1000) < per_1000:
            return random.choice((1, 2, 2))
    return 3 if age > 60 and random.random() < 0.15 else 4
