"""An official series against the RPJMD's targets, INDICATORS 1.9. Decimals, no binary fractions.

The wording is neutral: target, realised, gap, source. A regency's P0 comes from a small sample and
moves of 0.1-0.2 points are noise (handbook 4.5), so nothing is extrapolated here.
"""

import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from enum import StrEnum
from typing import Final

POINTS_MIN: Final = 3
"""With fewer published years nothing is said about the way, INDICATORS 1.9."""

BANDS: Final = (
    (Decimal(91), "sangat_tinggi"),
    (Decimal(76), "tinggi"),
    (Decimal(66), "sedang"),
    (Decimal(51), "rendah"),
)
"""Bands 91/76/66/51, read as "at least 76 and below 91", INDICATORS 1.9; labels are ours."""

HUNDREDTH: Final = Decimal("0.01")


class Direction(StrEnum):
    """Whether a smaller value is the better one."""

    LOWER_IS_BETTER = "lower_is_better"
    HIGHER_IS_BETTER = "higher_is_better"


class Way(StrEnum):
    """Where the newest comparable year stands against its target."""

    REACHED = "tercapai"
    OFF_PATH = "di_luar_jalur"
    TOO_FEW_POINTS = "titik_data_belum_cukup"


@dataclass(frozen=True, slots=True)
class PathPoint:
    """The target of one year; ``interpolated`` when the document is silent on that year."""

    year: int
    target: Decimal
    interpolated: bool


@dataclass(frozen=True, slots=True)
class YearProgress:
    """One year: what was published, what was aimed at, and their difference. Null is unknown."""

    year: int
    realised: Decimal | None
    target: Decimal | None
    target_interpolated: bool
    gap: Decimal | None
    achievement_percent: Decimal | None
    band: str | None


@dataclass(frozen=True, slots=True)
class Progress:
    """The whole way. ``gap_to_end`` is the newest value minus the last year's target."""

    years: tuple[YearProgress, ...]
    way: Way
    points: int
    gap_to_end: Decimal | None


def target_path(targets: Mapping[int, Decimal]) -> tuple[PathPoint, ...]:
    """Return every year between the first and last target: the document's, else a straight line."""
    years = sorted(targets)
    path: list[PathPoint] = []
    for start, end in itertools.pairwise(years):
        step = (targets[end] - targets[start]) / (end - start)
        path.append(PathPoint(start, targets[start], interpolated=False))
        path += [
            PathPoint(year, _round(targets[start] + step * (year - start)), interpolated=True)
            for year in range(start + 1, end)
        ]
    if years:
        path.append(PathPoint(years[-1], targets[years[-1]], interpolated=False))
    return tuple(path)


def achievement(realised: Decimal, target: Decimal, direction: Direction) -> Decimal | None:
    """Return the achievement in percent: r/T, or (2T - r)/T when lower is better; null at T = 0."""
    if target == 0:
        return None
    if direction is Direction.LOWER_IS_BETTER:
        return _round((2 * target - realised) / target * 100)
    return _round(realised / target * 100)


def band(achievement_percent: Decimal | None) -> str | None:
    """Return the band's name; below 51 it is ``sangat_rendah``."""
    if achievement_percent is None:
        return None
    return next((name for floor, name in BANDS if achievement_percent >= floor), "sangat_rendah")


def progress(
    series: Mapping[int, Decimal], targets: Mapping[int, Decimal], direction: Direction
) -> Progress:
    """Lay a published yearly series beside its targets."""
    path = {point.year: point for point in target_path(targets)}
    years = tuple(
        _year(year, series.get(year), path.get(year), direction)
        for year in sorted(series.keys() | path.keys())
    )
    newest = series[max(series)] if series else None
    last_target = path[max(path)].target if path else None
    return Progress(
        years=years,
        way=_way(years, len(series), direction),
        points=len(series),
        gap_to_end=None if newest is None or last_target is None else newest - last_target,
    )


def _year(
    year: int, realised: Decimal | None, point: PathPoint | None, direction: Direction
) -> YearProgress:
    target = None if point is None else point.target
    gap = None if realised is None or target is None else realised - target
    reached = None
    if realised is not None and target is not None:
        reached = achievement(realised, target, direction)
    return YearProgress(
        year=year,
        realised=realised,
        target=target,
        target_interpolated=point is not None and point.interpolated,
        gap=gap,
        achievement_percent=reached,
        band=band(reached),
    )


def _way(years: tuple[YearProgress, ...], points: int, direction: Direction) -> Way:
    gaps = [year.gap for year in years if year.gap is not None]
    if points < POINTS_MIN or not gaps:
        return Way.TOO_FEW_POINTS
    reached = gaps[-1] <= 0 if direction is Direction.LOWER_IS_BETTER else gaps[-1] >= 0
    return Way.REACHED if reached else Way.OFF_PATH


def _round(value: Decimal) -> Decimal:
    return value.quantize(HUNDREDTH, rounding=ROUND_HALF_UP)
