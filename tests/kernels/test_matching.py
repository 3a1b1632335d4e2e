"""Overlap tables against numpy's bincount, assignments against scipy."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy.optimize import linear_sum_assignment

from lesionlocator import _core
from lesionlocator.errors import KernelError

LABEL_TYPES = (np.uint8, np.uint16, np.uint32)


def counted(first, second):
    """Every pair of labels and its voxels, by bincount over pair numbers."""
    first, second = np.asarray(first, np.int64), np.asarray(second, np.int64)
    columns = int(second.max(initial=0)) + 1
    table = np.bincount(
        (first * columns + second).ravel(), minlength=columns * (first.max(initial=0) + 1)
    ).reshape(-1, columns)
    return table


def check(first, second):
    (ids_a, voxels_a), (ids_b, voxels_b), (pairs, voxels) = _core.matching_overlap(first, second)
    table = counted(first, second)
    rows, columns = table.sum(axis=1), table.sum(axis=0)
    np.testing.assert_array_equal(ids_a, np.flatnonzero(rows[1:]) + 1)
    np.testing.assert_array_equal(voxels_a, rows[ids_a])
    np.testing.assert_array_equal(ids_b, np.flatnonzero(columns[1:]) + 1)
    np.testing.assert_array_equal(voxels_b, columns[ids_b])
    np.testing.assert_array_equal(pairs, np.argwhere(table[1:, 1:]) + 1)
    np.testing.assert_array_equal(voxels, table[pairs[:, 0], pairs[:, 1]])


def blobs(shape, labels, seed, dtype):
    """Boxes of labels on background, overlapping, so that stretches of all lengths occur."""
    rng = np.random.default_rng(seed)
    volume = np.zeros(shape, dtype)
    for label in rng.permutation(labels) + 1:
        low = rng.integers(0, shape)
        high = low + rng.integers(1, np.maximum(2, np.array(shape) // 2))
        volume[tuple(slice(a, b) for a, b in zip(low, high, strict=True))] = label
    return volume


@pytest.mark.parametrize(("a", "b"), list(itertools.product(LABEL_TYPES, LABEL_TYPES)))
def test_tables_of_all_label_types_equal_those_of_bincount(a, b):
    check(blobs((9, 30, 150), 40, 1, a), blobs((9, 30, 150), 60, 2, b))


def test_labels_beyond_the_table_are_counted_too():
    first, second = blobs((8, 20, 130), 600, 3, np.uint16), blobs((8, 20, 130), 900, 4, np.uint32)
    check(first, second)


def test_a_volume_that_threads_share_out_equals_bincount():
    check(blobs((80, 128, 200), 100, 5, np.uint8), blobs((80, 128, 200), 200, 6, np.uint8))


@pytest.mark.parametrize("axes", list(itertools.permutations(range(3))))
def test_strides_do_not_matter(axes):
    first, second = blobs((7, 12, 90), 9, 7, np.uint8), blobs((7, 12, 90), 9, 8, np.uint16)
    check(first.transpose(axes)[::-1, :, ::2], second.transpose(axes)[::-1, :, ::2])
    check(np.asfortranarray(first), second)


@settings(max_examples=40)
@given(st.data())
def test_any_two_maps_equal_bincount(data):
    shape = data.draw(hnp.array_shapes(min_dims=3, max_dims=3, max_side=9))
    maps = hnp.arrays(np.uint8, shape, elements=st.integers(0, 3))
    check(data.draw(maps), data.draw(maps))


def test_empty_maps_have_no_pairs():
    for shape in ((2, 3, 4), (0, 3, 4)):
        (ids, _), _, (pairs, voxels) = _core.matching_overlap(
            np.zeros(shape, np.uint8), np.ones(shape, np.uint8)
        )
        assert len(ids) == len(voxels) == 0
        assert pairs.shape == (0, 2)


def test_maps_of_different_shapes_are_refused():
    with pytest.raises(KernelError, match=r"second label map has shape \[2, 3, 5\], expected \[2, 3, 4\]"):
        _core.matching_overlap(np.zeros((2, 3, 4), np.uint8), np.zeros((2, 3, 5), np.uint8))


@pytest.mark.parametrize("shape", [(1, 1), (5, 5), (3, 9), (9, 3), (1, 7), (60, 60), (40, 75), (75, 40)])
@pytest.mark.parametrize("kind", ["normal", "ties", "sparse", "ramp"])
def test_the_cost_of_an_assignment_equals_scipys(shape, kind):
    rng = np.random.default_rng(shape)
    cost = {
        "normal": rng.standard_normal(shape),
        "ties": rng.integers(0, 4, shape).astype(float),
        "sparse": -np.where(rng.random(shape) < 0.1, rng.random(shape), 0.0),
        "ramp": np.multiply.outer(np.arange(shape[0]) + 1.0, np.arange(shape[1]) + 1.0),
    }[kind]
    rows, columns = _core.matching_assign(cost)
    assert len(set(columns.tolist())) == len(rows) == min(shape)
    assert (np.diff(rows) > 0).all()
    assert cost[rows, columns].sum() == pytest.approx(cost[linear_sum_assignment(cost)].sum(), abs=1e-9)


def test_a_turned_matrix_is_assigned_as_its_copy():
    cost = np.random.default_rng(0).random((8, 6))[:, ::-1].T
    for turned, copied in zip(_core.matching_assign(cost), _core.matching_assign(cost.copy()), strict=True):
        np.testing.assert_array_equal(turned, copied)


def test_equal_costs_take_the_lowest_indices():
    rows, columns = _core.matching_assign(np.zeros((3, 5)))
    assert rows.tolist() == columns.tolist() == [0, 1, 2]


@pytest.mark.parametrize("shape", [(0, 4), (4, 0), (0, 0)])
def test_nothing_to_assign_gives_nothing(shape):
    assert [found.tolist() for found in _core.matching_assign(np.zeros(shape))] == [[], []]


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_a_cost_that_is_not_finite_is_named(bad):
    cost = np.zeros((3, 4))
    cost[1, 2] = bad
    with pytest.raises(KernelError, match="in row 1, column 2; legal: finite numbers"):
        _core.matching_assign(cost)
