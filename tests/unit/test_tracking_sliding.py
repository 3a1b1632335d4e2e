"""The best shift of two volumes, against trying each one."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from lesionlocator.tracking.coarse import CoarseScan
from lesionlocator.tracking.sliding import LEAST_OVERLAP, best_shift


def coarse(values, valid=None, origin=(0.0, 0.0, 0.0), spacing=2.0):
    valid = np.ones(values.shape, bool) if valid is None else valid
    return CoarseScan(np.where(valid, values, 0).astype(np.float32), valid, np.array(origin), spacing)


def tried(first, second):
    """The shift of the highest correlation, one after the other, in voxels."""
    best = (-np.inf, None)
    least = LEAST_OVERLAP * min(first.valid.sum(), second.valid.sum())
    ranges = [range(1 - a, b) for a, b in zip(first.values.shape, second.values.shape, strict=True)]
    for shift in itertools.product(*ranges):
        here = tuple(
            slice(max(0, -s), min(a, b - s))
            for s, a, b in zip(shift, first.values.shape, second.values.shape, strict=True)
        )
        there = tuple(slice(h.start + s, h.stop + s) for h, s in zip(here, shift, strict=True))
        both = first.valid[here] & second.valid[there]
        a, b = first.values[here][both], second.values[there][both]
        if both.sum() >= least and a.std() > 0 and b.std() > 0:
            best = max(best, (np.corrcoef(a, b)[0, 1], shift))
    return best


@pytest.mark.parametrize("seed", range(4))
def test_the_shift_is_the_best_of_all(seed):
    rng = np.random.default_rng(seed)
    first = coarse(rng.random((5, 4, 6)), rng.random((5, 4, 6)) < 0.8, origin=(3.0, 0.0, -4.0))
    second = coarse(rng.random((4, 6, 5)), rng.random((4, 6, 5)) < 0.8, origin=(1.0, 7.0, 0.0))
    correlation, shift = tried(first, second)
    found = best_shift(first, second)
    assert found.correlation == pytest.approx(correlation, abs=1e-6)
    np.testing.assert_allclose(found.offset_mm, second.origin - first.origin + 2.0 * np.array(shift))


@pytest.mark.parametrize("start", [0, 7, 18])
def test_a_part_is_found_in_the_whole(start):
    whole = np.random.default_rng(0).random((24, 9, 8))
    found = best_shift(coarse(whole[start : start + 6]), coarse(whole, origin=(100.0, 20.0, -5.0)))
    np.testing.assert_allclose(found.offset_mm, [100.0 + 2.0 * start, 20.0, -5.0])
    assert found.correlation == pytest.approx(1.0)


def test_what_only_one_scan_shows_does_not_count():
    rng = np.random.default_rng(1)
    first, second = rng.random((2, 8, 8, 8))
    second[2:, 1:] = first[:-2, :-1]
    mask = np.zeros((8, 8, 8), bool)
    mask[2:, 1:] = True
    assert best_shift(coarse(first), coarse(second, mask)).offset_mm.tolist() == [4.0, 2.0, 0.0]


def test_flat_volumes_have_no_correlation():
    assert best_shift(coarse(np.zeros((3, 4, 5))), coarse(np.ones((4, 4, 4)))).correlation == 0.0
