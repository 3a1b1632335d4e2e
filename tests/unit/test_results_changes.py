"""Changes of size: the numbers, and on which side of each limit a lesion falls."""

from __future__ import annotations

import math
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lesionlocator.errors import InputError
from lesionlocator.results.changes import (
    Change,
    ChangeLimits,
    Size,
    Trend,
    change,
    doubling_days,
    trend,
)

LIMITS = ChangeLimits(growth=0.25, shrinkage=0.4, least_ml=0.0)
VOLUMES = st.floats(1e-3, 1e3)


def size(volume: float) -> Size:
    return Size(volume, 10.0)


def judged(baseline: float, nadir: float, now: float, limits: ChangeLimits = LIMITS) -> Trend:
    return trend(size(baseline), size(nadir), size(now), limits)


def test_changes_are_fractions_of_the_earlier_size():
    assert change(Size(2.0, 8.0), Size(1.0, 10.0)) == Change(-0.5, 0.25)


def test_a_diameter_of_zero_has_no_change():
    assert change(Size(2.0, 0.0), Size(1.0, 10.0)) == Change(-0.5, None)


@pytest.mark.parametrize(
    ("now", "expected"), [(1.2499, Trend.STABLE), (1.25, Trend.GROWN), (9.0, Trend.GROWN)]
)
def test_growth_begins_at_the_limit(now, expected):
    assert judged(1.0, 1.0, now) is expected


@pytest.mark.parametrize(
    ("now", "expected"), [(0.6001, Trend.STABLE), (0.6, Trend.SHRUNK), (1e-3, Trend.SHRUNK)]
)
def test_shrinkage_begins_at_the_limit(now, expected):
    assert judged(1.0, 1.0, now) is expected


def test_growth_is_judged_from_the_nadir_and_comes_first():
    assert judged(10.0, 2.0, 2.5) is Trend.GROWN
    assert judged(10.0, 2.0, 2.4) is Trend.SHRUNK
    assert judged(10.0, 9.0, 10.5) is Trend.STABLE


def test_shrinkage_is_judged_from_the_baseline():
    assert judged(1.0, 0.9, 0.65) is Trend.STABLE
    assert judged(1.0, 0.9, 0.6) is Trend.SHRUNK


@pytest.mark.parametrize(
    ("now", "expected"),
    [(0.03, Trend.GROWN), (0.0299, Trend.STABLE), (0.01, Trend.SHRUNK), (0.0101, Trend.STABLE)],
)
def test_a_small_change_does_not_count_whatever_its_fraction(now, expected):
    assert judged(0.02, 0.02, now, ChangeLimits(least_ml=0.01)) is expected


def test_the_default_leaves_out_the_noise_of_nodules_too_small_to_measure():
    limits = ChangeLimits()
    assert judged(0.04, 0.04, 0.051, limits) is Trend.STABLE
    assert judged(0.05, 0.05, 0.0625, limits) is Trend.GROWN


@given(VOLUMES, VOLUMES)
def test_a_size_is_exactly_one_of_grown_shrunk_and_stable(baseline, now):
    fraction = change(size(baseline), size(now)).volume
    expected = Trend.GROWN if fraction >= 0.25 else Trend.SHRUNK if fraction <= -0.4 else Trend.STABLE
    assert judged(baseline, baseline, now) is expected


@given(VOLUMES, st.floats(0.01, 100.0), st.integers(1, 4000))
def test_after_the_doubling_time_the_volume_has_doubled(volume, ratio, days):
    start = date(2020, 1, 1)
    found = doubling_days(
        size(volume), size(volume * ratio), start, date.fromordinal(start.toordinal() + days)
    )
    if found is None:
        assert volume * ratio == volume
    else:
        assert 2 ** (days / found) == pytest.approx(ratio, rel=1e-6)


def test_a_volume_that_halves_has_a_negative_doubling_time():
    assert doubling_days(size(2.0), size(1.0), date(2020, 1, 1), date(2020, 1, 31)) == -30.0


def test_no_change_or_no_time_has_no_doubling_time():
    day = date(2020, 1, 1)
    assert doubling_days(size(2.0), size(2.0), day, date(2021, 1, 1)) is None
    assert doubling_days(size(2.0), size(3.0), day, day) is None


@pytest.mark.parametrize("bad", [0.0, -0.1, math.nan, math.inf])
def test_an_impossible_growth_limit_is_refused(bad):
    with pytest.raises(InputError, match="growth limit is"):
        ChangeLimits(growth=bad)


@pytest.mark.parametrize("bad", [0.0, 1.0, math.nan])
def test_an_impossible_shrinkage_limit_is_refused(bad):
    with pytest.raises(InputError, match="shrinkage limit is"):
        ChangeLimits(shrinkage=bad)


@pytest.mark.parametrize("bad", [-0.1, math.nan, math.inf])
def test_an_impossible_least_change_is_refused(bad):
    with pytest.raises(InputError, match="least change is"):
        ChangeLimits(least_ml=bad)
