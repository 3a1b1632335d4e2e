"""How a lesion's size changed between two scans, and whether measuring it twice would show as much."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import date
from enum import Enum

from lesionlocator.errors import InputError


class Trend(str, Enum):
    """What became of the size of a lesion that is there."""

    GROWN = "grown"
    SHRUNK = "shrunk"
    STABLE = "stable"


@dataclass(frozen=True)
class Size:
    """What is compared of a lesion: its volume, and its longest diameter within a slice; both positive."""

    volume_ml: float
    longest_diameter_mm: float


@dataclass(frozen=True)
class Change:
    """Changes as fractions of the earlier size: 0.25 is a quarter more, -1 would be nothing left.

    The diameter's is None where the earlier one is 0: that of a lesion of a single voxel a slice.
    """

    volume: float
    longest_diameter: float | None


@dataclass(frozen=True)
class ChangeLimits:
    """From when on a change of volume counts.

    Parameters
    ----------
    growth
        Increase over the smallest earlier volume (the nadir, baseline included) from which on a lesion has
        grown, as a fraction. The default is the 25 % that the British Thoracic Society's guideline (Callister
        et al., Thorax 2015;70:ii1) and the NELSON trial (van Klaveren et al., N Engl J Med 2009;361:2221)
        take for growth, because the same nodule scanned twice on one day differs by up to that much. QIBA's
        profile for tumour volumes in CT asks for 30 %.
    shrinkage
        Decrease below the first volume from which on a lesion has shrunk, as a fraction; by default likewise.
    least_ml
        A smaller change never counts, whatever its fraction. The default is 25 % of 50 mm3, the volume below
        which NELSON did not call nodules measurable.

    Raises
    ------
    InputError
        Where growth is not above 0, shrinkage not between 0 and 1, or the least change is negative.

    Notes
    -----
    That growth is judged from the nadir and shrinkage from the baseline is as in RECIST 1.1 (Eisenhauer et
    al., Eur J Cancer 2009;45:228), whose 20 % more and 30 % less of a diameter are, for a ball, 73 % more and
    66 % less of its volume. RECIST judges the sum over a patient's lesions, and response to treatment; here
    one lesion is said to be larger or smaller than it was, no more.
    """

    growth: float = 0.25
    shrinkage: float = 0.25
    least_ml: float = 0.0125

    def __post_init__(self) -> None:
        if not (math.isfinite(self.growth) and self.growth > 0):
            raise InputError(f"growth limit is {self.growth}; legal: above 0, such as 0.25 for 25 %")
        if not 0 < self.shrinkage < 1:
            raise InputError(f"shrinkage limit is {self.shrinkage}; legal: between 0 and 1")
        if not (math.isfinite(self.least_ml) and self.least_ml >= 0):
            raise InputError(f"least change is {self.least_ml} ml; legal: 0 or more")


def change(earlier: Size, now: Size) -> Change:
    """Return how the size changed.

    Examples
    --------
    >>> change(Size(2.0, 10.0), Size(3.0, 12.0))
    Change(volume=0.5, longest_diameter=0.2)
    """
    diameter = None
    if earlier.longest_diameter_mm > 0:
        diameter = now.longest_diameter_mm / earlier.longest_diameter_mm - 1
        diameter = round(diameter, 12)
    return Change(round(now.volume_ml / earlier.volume_ml - 1, 12), diameter)


def trend(baseline: Size, nadir: Size, now: Size, limits: ChangeLimits) -> Trend:
    """Say whether a lesion has grown from its nadir, otherwise whether it has shrunk from its baseline.

    A change of exactly the limit counts.

    Parameters
    ----------
    baseline
        The first size known.
    nadir
        The smallest size before now, baseline included.
    now
        The size to judge.
    limits
        From when on a change counts.
    """
    if _counts(now.volume_ml - nadir.volume_ml, limits) and change(nadir, now).volume >= limits.growth:
        return Trend.GROWN
    lost = -change(baseline, now).volume
    if _counts(baseline.volume_ml - now.volume_ml, limits) and lost >= limits.shrinkage:
        return Trend.SHRUNK
    return Trend.STABLE


def doubling_days(earlier: Size, now: Size, start: date, end: date) -> float | None:
    """Return the volume doubling time in days; negative where the volume halves in that time instead.

    It is the days between the scans times ln 2 over ln (volume now / volume then): exponential growth, as by
    Schwartz (Cancer 1961;14:1272). None where the volume is the same, so that it never doubles, or the scans
    are of one day.

    Examples
    --------
    >>> doubling_days(Size(1.0, 10.0), Size(4.0, 16.0), date(2024, 1, 1), date(2024, 4, 10))
    50.0
    """
    days = (end - start).days
    growth = math.log(now.volume_ml / earlier.volume_ml)
    if days <= 0 or growth == 0:
        return None
    return days * math.log(2) / growth


def _counts(difference_ml: float, limits: ChangeLimits) -> bool:
    """Whether an absolute change is large enough, give or take what sums of decimals lose."""
    return difference_ml >= limits.least_ml - 1e-12
