"""Comparing and matching instances: the numbers, the gate, and the best sum rather than the best pair."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from lesionlocator.errors import InputError
from lesionlocator.geometry import Geometry
from lesionlocator.tracking.matching import Gate, compare_labels, match_instances

GRID = Geometry((4, 10, 40), (3.0, 2.0, 1.0), (5.0, -7.0, 9.0))


def row(**labels):
    """A label map of stretches along x in one row; a keyword is l<label>=(start, stop)."""
    volume = np.zeros(GRID.shape, np.uint8)
    for name, (start, stop) in labels.items():
        volume[1, 2, start:stop] = int(name[1:])
    return volume


def pairs(first, second, **gate):
    compared = compare_labels(first, second, GRID)
    return [(match.first, match.second) for match in match_instances(compared, Gate(**gate))]


@settings(max_examples=40)
@given(st.data())
def test_numbers_equal_those_of_whole_masks(data):
    maps = hnp.arrays(np.uint8, (4, 3, 5), elements=st.integers(0, 3))
    first, second = data.draw(maps), data.draw(maps)
    grid = Geometry(first.shape, (3.0, 2.0, 1.0))
    compared = compare_labels(first, second, grid)
    for i, a in enumerate(compared.first.ids):
        for j, b in enumerate(compared.second.ids):
            mask_a, mask_b = first == a, second == b
            both = np.count_nonzero(mask_a & mask_b)
            assert compared.common[i, j] == both
            assert compared.iou[i, j] == pytest.approx(both / np.count_nonzero(mask_a | mask_b))
            assert compared.dice[i, j] == pytest.approx(2 * both / (mask_a.sum() + mask_b.sum()))
            assert compared.fraction_of_first[i, j] == pytest.approx(both / mask_a.sum())
            assert compared.fraction_of_second[i, j] == pytest.approx(both / mask_b.sum())
            apart = (np.argwhere(mask_a).mean(0) - np.argwhere(mask_b).mean(0)) * grid.spacing
            assert compared.distance_mm[i, j] == pytest.approx(np.linalg.norm(apart))


def test_ids_stay_what_they_are():
    assert pairs(row(l9=(0, 5), l200=(20, 25)), row(l3=(21, 25), l7=(1, 5))) == [(9, 7), (200, 3)]


@settings(max_examples=40)
@given(st.data())
def test_no_other_choice_of_pairs_has_a_higher_sum(data):
    maps = hnp.arrays(np.uint8, (1, 2, 12), elements=st.integers(0, 4))
    grid = Geometry((1, 2, 12), (1.0, 1.0, 2.0))
    compared, gate = compare_labels(data.draw(maps), data.draw(maps), grid), Gate(0.3, 6.0)
    near = np.maximum(0, 1 - compared.distance_mm / gate.reach_mm)
    smaller = np.maximum(compared.fraction_of_first, compared.fraction_of_second)
    score = np.where((smaller >= gate.least_overlap) | (near > 0), compared.dice + near, 0)
    found = match_instances(compared, gate)
    rows, columns = len(compared.first.ids), len(compared.second.ids)
    places = range(columns + rows)  # the places beyond the columns mean no partner
    best = max(
        sum(score[i, j] for i, j in enumerate(choice) if j < columns)
        for choice in itertools.permutations(places, rows)
    )
    assert sum(match.score for match in found) == pytest.approx(best)
    assert len({match.second for match in found}) == len({match.first for match in found}) == len(found)


def test_the_best_sum_wins_over_the_best_pair():
    first, second = row(l1=(0, 10), l2=(10, 22)), row(l5=(4, 16), l6=(16, 24))
    # Lesion 2 lies in both and 1 in 5 only; 2 with 6 and 1 with 5 beats 2 with 5 and 1 alone.
    assert pairs(first, second) == [(1, 5), (2, 6)]


def test_without_overlap_the_nearest_within_reach_is_taken():
    first, second = row(l1=(0, 2)), row(l1=(6, 8), l2=(11, 13))
    assert pairs(first, second) == [(1, 1)]
    assert pairs(first, second, reach_mm=6.1) == [(1, 1)]
    assert pairs(first, second, reach_mm=6.0) == []
    assert pairs(first, second, reach_mm=0.0) == []


def test_a_sliver_of_overlap_does_not_pass_the_gate():
    first, second = row(l1=(0, 20)), row(l1=(19, 39))
    assert pairs(first, second) == []
    assert pairs(first, second, least_overlap=0.05) == [(1, 1)]


def test_no_instance_twice_and_some_without_partner():
    found = pairs(row(l1=(0, 4), l2=(30, 34)), row(l1=(1, 4)))
    assert found == [(1, 1)]


def test_empty_maps_have_no_matches():
    assert pairs(row(), row(l1=(0, 3))) == pairs(row(l1=(0, 3)), row()) == pairs(row(), row()) == []


def test_a_map_on_another_grid_is_refused():
    with pytest.raises(InputError, match=r"second label map has shape \(1, 2, 3\); legal: \(4, 10, 40\)"):
        compare_labels(row(), np.zeros((1, 2, 3), np.uint8), GRID)


@pytest.mark.parametrize("bad", [{"least_overlap": 0.0}, {"least_overlap": 1.01}, {"least_overlap": np.nan}])
def test_a_gate_that_asks_for_an_impossible_overlap_is_refused(bad):
    with pytest.raises(InputError, match=r"least overlap is .*; legal: above 0 and up to 1"):
        Gate(**bad)


@pytest.mark.parametrize("bad", [-1.0, np.nan, np.inf])
def test_a_gate_without_a_finite_reach_is_refused(bad):
    with pytest.raises(InputError, match=r"reach is .* mm; legal: 0 or more, finite"):
        Gate(reach_mm=bad)
