"""Diameters against all pairs of voxels, intensities against numpy."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage
from scipy.spatial import ConvexHull

from lesionlocator import _core
from lesionlocator.errors import KernelError

SPACINGS = ((1.0, 1.0, 1.0), (5.0, 0.7, 0.7), (1.5, 0.6, 2.5))


def blob(seed, shape=(4, 14, 17), threshold=0.55):
    noise = ndimage.gaussian_filter(np.random.default_rng(seed).random(shape), (0, 2, 2))
    return (noise > np.quantile(noise, threshold)).astype(np.uint8)


def length(ends, spacing):
    return float(np.linalg.norm((ends[1] - ends[0]) * spacing[1:]))


def longest_by_all_pairs(mask, spacing):
    best = -1.0
    for plane in mask:
        points = np.argwhere(plane) * spacing[1:]
        if len(points):
            best = max(best, np.linalg.norm(points[:, None] - points[None], axis=-1).max())
    return best


def widest_by_shooting(plane, longest, spacing, lines=4001):
    """Length of the hull's longest chord across ``longest``, by clipping many parallel lines."""
    points = np.argwhere(plane) * np.asarray(spacing[1:])
    direction = (longest[1] - longest[0]) * spacing[1:]
    direction /= np.linalg.norm(direction)
    across = np.array([-direction[1], direction[0]])
    hull = ConvexHull(points).equations
    best = 0.0
    for t in np.concatenate([np.linspace(*np.sort(points @ direction)[[0, -1]], lines), points @ direction]):
        rate, room = hull[:, :2] @ across, -(hull[:, 2] + hull[:, :2] @ (t * direction))
        low, high = -np.inf, np.inf
        for r, s in zip(rate, room, strict=True):
            if r > 1e-12:
                high = min(high, s / r)
            elif r < -1e-12:
                low = max(low, s / r)
        best = max(best, high - low)
    return best


@pytest.mark.parametrize("spacing", SPACINGS)
@pytest.mark.parametrize("seed", range(6))
def test_the_longest_diameter_is_that_of_all_pairs(seed, spacing):
    mask = blob(seed)
    index, longest, _ = _core.measure_axial_diameters(mask, spacing=spacing)
    assert length(longest, spacing) == pytest.approx(longest_by_all_pairs(mask, spacing), rel=1e-12)
    ends = longest.astype(int)
    assert np.all(mask[index, ends[:, 0], ends[:, 1]])
    np.testing.assert_array_equal(ends, longest)


@pytest.mark.parametrize("spacing", SPACINGS)
@pytest.mark.parametrize("seed", range(6))
def test_the_perpendicular_is_the_longest_chord_across(seed, spacing):
    mask = blob(seed)
    index, longest, across = _core.measure_axial_diameters(mask, spacing=spacing)
    steps = [(ends[1] - ends[0]) * spacing[1:] for ends in (longest, across)]
    assert abs(steps[0] @ steps[1]) < 1e-9 * length(longest, spacing) ** 2
    expected = widest_by_shooting(mask[index], longest, spacing)
    assert length(across, spacing) == pytest.approx(expected, rel=1e-6)
    assert length(across, spacing) <= length(longest, spacing) * (1 + 1e-12)


def test_a_rectangle_has_its_diagonal_and_the_first_of_equals_counts():
    mask = np.zeros((5, 10, 12), np.uint8)
    mask[1:4, 2:6, 3:9] = 1
    index, longest, _ = _core.measure_axial_diameters(mask, spacing=(2.0, 1.0, 1.0))
    assert index == 1
    np.testing.assert_array_equal(longest, [[2, 3], [5, 8]])


def test_spacing_decides_which_way_is_longest():
    mask = np.zeros((1, 9, 9), np.uint8)
    mask[0, 4, 1:8] = 1
    mask[0, 2:7, 4] = 1
    along_x = _core.measure_axial_diameters(mask, spacing=(1.0, 1.0, 1.0))
    along_y = _core.measure_axial_diameters(mask, spacing=(1.0, 2.0, 1.0))
    np.testing.assert_array_equal(along_x[1], along_y[2])
    np.testing.assert_array_equal(along_x[2], along_y[1])


def test_a_single_voxel_and_a_line_have_no_width():
    mask = np.zeros((3, 4, 5), np.uint8)
    assert _core.measure_axial_diameters(mask, spacing=(1.0, 1.0, 1.0)) is None
    mask[2, 3, 1] = 1
    index, longest, across = _core.measure_axial_diameters(mask, spacing=(1.0, 1.0, 1.0))
    assert index == 2
    np.testing.assert_array_equal([longest, across], np.full((2, 2, 2), (3, 1)))
    mask[2, 3, 1:4] = 1
    index, longest, across = _core.measure_axial_diameters(mask, spacing=(1.0, 1.0, 1.0))
    np.testing.assert_array_equal(longest, [[3, 1], [3, 3]])
    np.testing.assert_array_equal(across[0], across[1])


@pytest.mark.parametrize("axes", list(itertools.permutations(range(3))))
def test_diameters_are_those_of_the_view(axes):
    view = blob(1, shape=(9, 10, 70)).transpose(axes)[::-1, :, ::-1]
    found = _core.measure_axial_diameters(view, spacing=(1.0, 0.8, 0.9))
    expected = _core.measure_axial_diameters(view.copy(), spacing=(1.0, 0.8, 0.9))
    for a, b in zip(found, expected, strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("bad", [0.0, -1.0, np.nan, np.inf])
def test_a_senseless_spacing_is_refused(bad):
    with pytest.raises(KernelError, match="spacing is"):
        _core.measure_axial_diameters(np.ones((2, 2, 2), np.uint8), spacing=(1.0, bad, 1.0))


@settings(deadline=None, max_examples=60)
@given(
    shape=st.tuples(st.integers(1, 6), st.integers(1, 8), st.integers(1, 80)),
    dtype=st.sampled_from([np.int16, np.float32]),
    density=st.floats(0, 1),
    axes=st.permutations(range(3)),
    seed=st.integers(0, 2**32 - 1),
)
def test_intensities_equal_those_of_numpy(shape, dtype, density, axes, seed):
    rng = np.random.default_rng(seed)
    values = rng.normal(-500, 300, shape).astype(dtype).transpose(axes)
    mask = (rng.random(shape) < density).astype(np.uint8).transpose(axes)[:, ::-1]
    count, *found = _core.measure_intensity(values, mask)
    under = values[mask > 0].astype(np.float64)
    assert count == under.size
    if count:
        expected = [under.mean(), under.std(), under.min(), under.max()]
        np.testing.assert_allclose(found, expected, rtol=1e-11, atol=1e-9)
    else:
        assert np.isnan(found).all()


def test_a_small_spread_far_from_zero_is_kept():
    values = np.float32(1e6) + np.arange(1000, dtype=np.float32).reshape(10, 10, 10) / 16
    _, mean, deviation, _, _ = _core.measure_intensity(values, np.ones(values.shape, np.uint8))
    assert mean == pytest.approx(values.astype(float).mean(), rel=1e-15)
    assert deviation == pytest.approx(values.astype(float).std(), rel=1e-12)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_a_value_that_is_not_finite_leaves_the_count_only(bad):
    values = np.ones((3, 4, 5), np.float32)
    values[1, 2, 3] = bad
    count, *rest = _core.measure_intensity(values, np.ones(values.shape, np.uint8))
    assert count == 60
    assert np.isnan(rest).all()


def test_a_mask_of_another_shape_is_refused():
    with pytest.raises(KernelError, match=r"mask has shape \[2, 2, 3\], expected \[2, 2, 2\]"):
        _core.measure_intensity(np.zeros((2, 2, 2), np.int16), np.zeros((2, 2, 3), np.uint8))
