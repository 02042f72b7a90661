"""Coverage and leakage of aid that was handed over, INDICATORS 1.7.

The unit is the family (registry weight 1). A desil is a relative rank that BPS gives, not a poverty
status (handbook 1.5). A family without a known desil is neither target nor non-target: it leaves
both sides of a ratio and is counted beside it (INDICATORS 1.1, "missing").
"""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from enum import StrEnum
from typing import Final

TARGET_DESIL_MAX: Final = 4
"""Keluarga sasaran are desil 1-4, DESIGN section 1."""

RATIO_DIGITS: Final = Decimal("0.0001")


class Target(StrEnum):
    """Whether a family is meant. UNKNOWN: unranked, or a range that straddles the limit."""

    YES = "target"
    NO = "non_target"
    UNKNOWN = "unknown"


def classify(low: int | None, high: int | None, desil_max: int) -> Target:
    """Place a rank against a program's limit. The range 6-10 is surely outside desil 1-4."""
    if low is None or high is None:
        return Target.UNKNOWN
    if high <= desil_max:
        return Target.YES
    return Target.NO if low > desil_max else Target.UNKNOWN


def ratio(numerator: int, denominator: int | None) -> Decimal | None:
    """Return the share with four digits, half up; null when there is nothing to divide by."""
    if not denominator:
        return None
    share = Decimal(numerator) / Decimal(denominator)
    return share.quantize(RATIO_DIGITS, rounding=ROUND_HALF_UP)


@dataclass(frozen=True, slots=True)
class Group:
    """A group of families with the same place and rank, as the store counts them."""

    region_code: str
    desil_low: int | None
    desil_high: int | None
    families: int
    beneficiaries: int
    delivered_idr: int


@dataclass(frozen=True, slots=True)
class Targeting:
    """The counts that all ratios come from. ``*_idr`` are rupiah handed over, net of returns."""

    target: int = 0
    target_reached: int = 0
    non_target: int = 0
    non_target_reached: int = 0
    unknown: int = 0
    unknown_reached: int = 0
    target_idr: int = 0
    non_target_idr: int = 0
    unknown_idr: int = 0

    @property
    def families(self) -> int:
        return self.target + self.non_target + self.unknown

    @property
    def beneficiaries(self) -> int:
        return self.target_reached + self.non_target_reached + self.unknown_reached

    @property
    def delivered_idr(self) -> int:
        return self.target_idr + self.non_target_idr + self.unknown_idr

    @property
    def coverage(self) -> Decimal | None:
        """Target families reached / target families; null without a target."""
        return ratio(self.target_reached, self.target)

    @property
    def exclusion_error(self) -> Decimal | None:
        """Target families not reached / target families (undercoverage)."""
        return ratio(self.target - self.target_reached, self.target)

    @property
    def inclusion_error(self) -> Decimal | None:
        """Non-target families reached / beneficiaries of known desil (leakage)."""
        return ratio(self.non_target_reached, self.target_reached + self.non_target_reached)

    @property
    def inclusion_error_of_non_target(self) -> Decimal | None:
        """Non-target families reached / non-target families: the other denominator in use."""
        return ratio(self.non_target_reached, self.non_target)

    @property
    def inclusion_error_by_value(self) -> Decimal | None:
        """Rupiah to non-target families / rupiah to families of known desil."""
        return ratio(self.non_target_idr, self.target_idr + self.non_target_idr)

    @property
    def share_to_target(self) -> Decimal | None:
        """Target families reached / beneficiaries of known desil: the accuracy of question 5."""
        return ratio(self.target_reached, self.target_reached + self.non_target_reached)

    def revealing_counts(self) -> tuple[int, ...]:
        """Every count, and every difference of two counts, that a reader of this row learns."""
        return (
            self.target,
            self.target_reached,
            self.target - self.target_reached,
            self.non_target,
            self.non_target_reached,
            self.non_target - self.non_target_reached,
            self.unknown,
            self.unknown_reached,
            self.unknown - self.unknown_reached,
        )


def tally(groups: Iterable[Group], desil_max: int) -> Targeting:
    """Add groups up. Integers only, so the order of the groups cannot change the answer."""
    sums = dict.fromkeys(Target, (0, 0, 0))
    for group in groups:
        kind = classify(group.desil_low, group.desil_high, desil_max)
        families, beneficiaries, delivered_idr = sums[kind]
        sums[kind] = (
            families + group.families,
            beneficiaries + group.beneficiaries,
            delivered_idr + group.delivered_idr,
        )
    (target, target_reached, target_idr) = sums[Target.YES]
    (non_target, non_target_reached, non_target_idr) = sums[Target.NO]
    (unknown, unknown_reached, unknown_idr) = sums[Target.UNKNOWN]
    return Targeting(
        target=target,
        target_reached=target_reached,
        target_idr=target_idr,
        non_target=non_target,
        non_target_reached=non_target_reached,
        non_target_idr=non_target_idr,
        unknown=unknown,
        unknown_reached=unknown_reached,
        unknown_idr=unknown_idr,
    )


def desil_label(low: int | None, high: int | None) -> str:
    """Return how a rank is shown: "3", "6-10", or "belum_diketahui"."""
    if low is None or high is None:
        return "belum_diketahui"
    return str(low) if low == high else f"{low}-{high}"
