"""Where a short scan fits into a long one, against trying every offset."""

from __future__ import annotations

import numpy as np
import pytest

from lesionlocator.tracking.alignment import Alignment, offset_errors


def slices(count: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(count, 6, 5)).astype(np.float32)


def tried_one_by_one(longer: np.ndarray, shorter: np.ndarray) -> list[float]:
    n = len(shorter)
    return [
        float(np.square(longer[o : o + n].astype(float) - shorter).mean()) for o in range(len(longer) - n + 1)
    ]


def test_errors_equal_those_of_trying_every_offset() -> None:
    longer, shorter = slices(40) - 3, slices(13, 1)
    np.testing.assert_allclose(offset_errors(longer, shorter), tried_one_by_one(longer, shorter), rtol=1e-9)


def test_up_to_20_slices_of_difference_nothing_is_cut() -> None:
    assert Alignment(slices(40), slices(20)).windows() == ((0, 40), (0, 20))


@pytest.mark.parametrize("first", [0, 7, 29])
@pytest.mark.parametrize("swapped", [False, True])
def test_the_longer_scan_is_cut_to_where_the_shorter_one_fits(first: int, swapped: bool) -> None:
    longer = slices(40)
    shorter = longer[first : first + 10] + np.float32(0.01)
    alignment = Alignment(shorter, longer) if swapped else Alignment(longer, shorter)
    windows = ((first, first + 10), (0, 10))
    assert alignment.windows() == (windows[::-1] if swapped else windows)


def test_the_last_offset_is_never_taken() -> None:
    longer = slices(40)
    alignment = Alignment(longer, longer[30:])
    assert alignment.windows()[0] != (30, 40)
    assert alignment.windows(mirrored=True)[0] == (30, 40)


def test_of_equal_offsets_the_first_counts() -> None:
    one = slices(10)
    longer = np.concatenate([slices(5, 1), one, slices(5, 2), one, slices(5, 3)])
    assert Alignment(longer, one).windows()[0] == (5, 15)
    assert Alignment(longer, one).windows(mirrored=True)[0] == (20, 30)


@pytest.mark.parametrize("first", [0, 1, 17, 30])
def test_mirrored_is_what_mirrored_images_would_give(first: int) -> None:
    longer = slices(40)
    shorter = longer[first : first + 10]
    start, stop = Alignment(longer[::-1], shorter[::-1]).windows()[0]
    assert Alignment(longer, shorter).windows(mirrored=True)[0] == (40 - stop, 40 - start)
