"""Longest diameter, surface and percentiles against scipy, scikit-image and numpy."""

import itertools
from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial.distance import pdist
from skimage.measure import marching_cubes, mesh_surface_area

from lesionlocator import _core
from lesionlocator.errors import KernelError

SPACINGS = ((1.0, 1.0, 1.0), (5.0, 0.7, 0.7), (1.5, 0.6, 2.5))


def blob(seed, shape=(9, 14, 17), threshold=0.7):
    noise = ndimage.gaussian_filter(np.random.default_rng(seed).random(shape), 1.5)
    return (noise > np.quantile(noise, threshold)).astype(np.uint8)


def ball(radius, spacing=(1.0, 1.0, 1.0)):
    sizes = [int(np.ceil(radius / s)) + 1 for s in spacing]
    axes = [np.arange(-n, n + 1) * s for n, s in zip(sizes, spacing, strict=True)]
    grid = np.meshgrid(*axes, indexing="ij")
    return (sum(axis**2 for axis in grid) <= radius**2).astype(np.uint8)


def mesh(mask, spacing):
    """Area and volume of scikit-image's mesh."""
    points, faces, _, _ = marching_cubes(
        np.pad(mask, 1).astype(np.float32), 0.5, spacing=spacing, method="lorensen"
    )
    corners = points[faces].astype(np.float64)
    volume = np.einsum("ni,ni->n", corners[:, 0], np.cross(corners[:, 1], corners[:, 2])).sum() / 6
    return mesh_surface_area(points, faces), abs(volume)


@pytest.mark.parametrize("spacing", SPACINGS)
@pytest.mark.parametrize("seed", range(5))
def test_the_longest_diameter_is_that_of_all_pairs_of_voxels(seed, spacing):
    mask = blob(seed)
    ends = _core.measure_longest_diameter(mask, spacing=spacing)
    found = np.linalg.norm((ends[1] - ends[0]) * spacing)
    assert found == pytest.approx(pdist(np.argwhere(mask) * spacing).max(), rel=1e-12)
    assert all(mask[tuple(end)] for end in ends.astype(int))


def test_of_equal_diameters_the_first_in_raster_order_counts():
    ends = _core.measure_longest_diameter(np.ones((2, 3, 4), np.uint8), spacing=(1.0, 1.0, 1.0))
    np.testing.assert_array_equal(ends, [[0, 0, 0], [1, 2, 3]])


def test_one_voxel_has_a_diameter_of_zero_and_none_has_none():
    mask = np.zeros((3, 4, 5), np.uint8)
    assert _core.measure_longest_diameter(mask, spacing=(1.0, 1.0, 1.0)) is None
    mask[1, 2, 3] = 1
    ends = _core.measure_longest_diameter(mask, spacing=(1.0, 1.0, 1.0))
    np.testing.assert_array_equal(ends, [[1, 2, 3]] * 2)


@cache
def areas_of_cells(spacing):
    """Area of scikit-image's polygons in each of the 256 cells, each split around its centre."""
    areas = np.zeros(256)
    for case in range(1, 255):
        cell = np.reshape([case >> corner & 1 for corner in range(8)], (2, 2, 2)).astype(np.float32)
        points, faces, _, _ = marching_cubes(cell, 0.5, spacing=spacing, method="lorensen")
        edges = np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]])
        around = [(a, b) for a, b in edges if not ((edges == (b, a)).all(axis=1)).any()]
        linked = coo_array((np.ones(len(around)), np.transpose(around)), shape=(len(points),) * 2)
        _, polygon = connected_components(linked, directed=False)
        for a, b in around:
            centre = points[polygon == polygon[a]].mean(axis=0)
            areas[case] += np.linalg.norm(np.cross(points[a] - centre, points[b] - centre)) / 2
    return areas


@pytest.mark.parametrize("spacing", SPACINGS)
@pytest.mark.parametrize("threshold", [0.3, 0.7, 0.95])
def test_the_area_is_that_of_the_polygons_of_marching_cubes(threshold, spacing):
    mask = np.pad(np.random.default_rng(4).random((11, 12, 13)) < threshold, 1)
    corners = itertools.product((0, 1), repeat=3)
    views = [mask[z : z + 12, y : y + 13, x : x + 14] for z, y, x in corners]
    cases = sum(view.astype(int) << corner for corner, view in enumerate(views))
    area, _ = _core.measure_surface(mask[1:-1, 1:-1, 1:-1].astype(np.uint8), spacing=spacing)
    assert area == pytest.approx(areas_of_cells(spacing)[cases].sum(), rel=1e-6)


@pytest.mark.parametrize("spacing", SPACINGS)
@pytest.mark.parametrize("seed", range(3))
def test_the_surface_of_a_lesion_is_nearly_that_of_another_triangulation(seed, spacing):
    mask = blob(seed, shape=(20, 24, 28))
    area, volume = _core.measure_surface(mask, spacing=spacing)
    expected_area, expected_volume = mesh(mask, spacing)
    assert area == pytest.approx(expected_area, rel=0.025)
    assert volume == pytest.approx(expected_volume, rel=0.01)


def test_a_block_has_the_surface_of_a_block_with_cut_edges():
    size = np.array([4, 5, 6])
    area, volume = _core.measure_surface(np.ones(size, np.uint8), spacing=(1.0, 1.0, 1.0))
    inner = size - 1
    faces = 2 * (inner[0] * inner[1] + inner[1] * inner[2] + inner[0] * inner[2])
    edges, corners = 4 * inner.sum() * np.sqrt(0.5), np.sqrt(3)
    assert area == pytest.approx(faces + edges + corners)
    assert volume == pytest.approx(inner.prod() + faces / 2 + 4 * inner.sum() / 8 + 1 / 6)


@pytest.mark.parametrize(("spacing", "tolerance"), [((1.0, 1.0, 1.0), 0.1), ((0.5, 0.8, 0.7), 0.1)])
def test_a_ball_is_nearly_a_sphere(spacing, tolerance):
    area, volume = _core.measure_surface(ball(14.0, spacing), spacing=spacing)
    assert volume == pytest.approx(4 / 3 * np.pi * 14**3, rel=0.01)
    assert area == pytest.approx(4 * np.pi * 14**2, rel=tolerance)
    assert area > (36 * np.pi * volume**2) ** (1 / 3), "a sphere has the smallest surface"


@pytest.mark.parametrize("axes", list(itertools.permutations(range(3))))
def test_the_order_of_the_axes_does_not_matter(axes):
    mask, spacing = blob(3), SPACINGS[2]
    turned = mask.transpose(axes)[::-1, :, ::-1]
    found = _core.measure_surface(turned, spacing=tuple(spacing[axis] for axis in axes))
    np.testing.assert_allclose(found, _core.measure_surface(mask, spacing=spacing), rtol=1e-12)


@settings(deadline=None, max_examples=60)
@given(
    shape=st.tuples(st.integers(1, 5), st.integers(1, 8), st.integers(1, 70)),
    dtype=st.sampled_from([np.int16, np.float32]),
    density=st.floats(0, 1),
    wanted=st.lists(st.floats(0, 100), max_size=5),
    seed=st.integers(0, 2**32 - 1),
)
def test_percentiles_equal_those_of_numpy(shape, dtype, density, wanted, seed):
    rng = np.random.default_rng(seed)
    values = rng.normal(-500, 300, shape).astype(dtype)
    mask = (rng.random(shape) < density).astype(np.uint8)
    found = _core.measure_percentiles(values, mask, wanted)
    under = values[mask > 0].astype(np.float64)
    if under.size:
        np.testing.assert_allclose(found, np.percentile(under, wanted), rtol=1e-12, atol=1e-9)
    else:
        assert np.isnan(found).all()


def test_a_value_that_is_not_finite_leaves_no_percentile():
    values = np.ones((2, 2, 2), np.float32)
    values[1, 1, 1] = np.inf
    assert np.isnan(_core.measure_percentiles(values, np.ones(values.shape, np.uint8), [50])).all()


@pytest.mark.parametrize("bad", [-1.0, 100.5, np.nan])
def test_a_senseless_percentile_is_refused(bad):
    with pytest.raises(KernelError, match=r"percentile is .*; legal: from 0 to 100"):
        _core.measure_percentiles(np.zeros((2, 2, 2), np.int16), np.ones((2, 2, 2), np.uint8), [bad])


@pytest.mark.parametrize("kernel", [_core.measure_longest_diameter, _core.measure_surface])
def test_a_senseless_spacing_is_refused(kernel):
    with pytest.raises(KernelError, match="spacing is"):
        kernel(np.ones((2, 2, 2), np.uint8), spacing=(1.0, 0.0, 1.0))


def test_a_mask_of_another_shape_is_refused():
    with pytest.raises(KernelError, match="mask has shape"):
        _core.measure_percentiles(np.zeros((2, 2, 2), np.int16), np.zeros((2, 2, 3), np.uint8), [50])
