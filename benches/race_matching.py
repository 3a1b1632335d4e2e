"""Which lesions of two time points overlap, and which belong together."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest

from lesionlocator import _core
from racing import Racing, Traffic
from volumes import BODY, QUARTER, lesions

_LABELS = 256


@pytest.fixture(scope="module")
def maps(quick: bool) -> tuple[np.ndarray, np.ndarray]:
    shape = (QUARTER if quick else BODY)[0]
    before = lesions(shape, 50 if quick else 200)
    return before, np.roll(before, 3, axis=2)


def bincount(before: np.ndarray, after: np.ndarray) -> np.ndarray:
    joined = before.ravel().astype(np.uint32) * _LABELS + after.ravel()
    return np.bincount(joined, minlength=_LABELS**2).reshape(_LABELS, _LABELS)


def masked_bincount(before: np.ndarray, after: np.ndarray) -> np.ndarray:
    before, after = before.ravel(), after.ravel()
    where = np.flatnonzero(before | after)
    return bincount(before[where], after[where])


def same_pairs(found: tuple, table: np.ndarray) -> bool:
    pairs, voxels = found[2]
    inner = table[1:, 1:]
    return np.array_equal(pairs, np.argwhere(inner) + 1) and np.array_equal(voxels, inner[inner > 0])


@pytest.mark.parametrize(
    ("peer", "theirs", "goals"),
    [
        ("numpy mask + bincount", masked_bincount, {1: 5, 2: 6}),
        ("numpy bincount", bincount, {1: 25, 2: 30}),
    ],
)
def race_overlap(race: Racing, maps: tuple[np.ndarray, np.ndarray], peer: str, theirs, goals: dict) -> None:
    race(
        "overlap of two label maps, body",
        partial(_core.matching_overlap, *maps),
        peer,
        partial(theirs, *maps),
        equal=same_pairs,
        goals=goals,
        traffic=Traffic(read=2 * maps[0].nbytes),
    )


def race_assignment(race: Racing) -> None:
    from scipy.optimize import linear_sum_assignment

    cost = np.random.default_rng(0).random((200, 200))

    def total(pairs: tuple[np.ndarray, np.ndarray]) -> float:
        return float(cost[pairs].sum())

    race(
        "assignment, 200 x 200",
        partial(_core.matching_assign, cost),
        "scipy linear_sum_assignment",
        partial(linear_sum_assignment, cost),
        equal=lambda a, b: bool(np.isclose(total(a), total(b), rtol=1e-12)),
        goals={1: 1, 2: 1},
    )
