"""Components, statistics, hole filling and nonzero boxes against cc3d, scipy and numpy."""

import itertools

import cc3d
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import ndimage

from lesionlocator import _core
from lesionlocator.errors import KernelError

LABEL_TYPES = (np.uint8, np.uint16, np.uint32)
SHAPES = ((1, 1, 1), (3, 1, 70), (1, 40, 9), (9, 11, 130), (20, 30, 65))
STRUCTURES = {6: 1, 18: 2, 26: 3}
ORIENTATIONS = [
    (axes, flips)
    for axes in itertools.permutations(range(3))
    for flips in itertools.product((1, -1), repeat=3)
]


def oriented(array, axes, flips):
    return array.transpose(axes)[tuple(slice(None, None, flip) for flip in flips)]


def label(mask, connectivity):
    out = np.zeros(mask.shape, np.uint32)
    return _core.components_label(mask, out, connectivity=connectivity), out


def random_mask(shape, density, seed, dtype=np.uint8):
    return (np.random.default_rng(seed).random(shape) < density).astype(dtype) * 3


@pytest.mark.parametrize("connectivity", STRUCTURES)
@pytest.mark.parametrize("density", [0.02, 0.15, 0.3, 0.5, 0.9, 1.0])
@pytest.mark.parametrize("shape", SHAPES)
def test_numbers_equal_those_of_cc3d_and_scipy(shape, density, connectivity):
    mask = random_mask(shape, density, seed=connectivity)
    count, found = label(mask, connectivity)
    structure = ndimage.generate_binary_structure(3, STRUCTURES[connectivity])
    expected, expected_count = ndimage.label(mask, structure)
    assert count == expected_count
    np.testing.assert_array_equal(found, expected)
    np.testing.assert_array_equal(found, cc3d.connected_components(mask > 0, connectivity=connectivity))


@pytest.mark.parametrize("dtype", LABEL_TYPES)
@pytest.mark.parametrize(("axes", "flips"), ORIENTATIONS)
def test_numbers_follow_the_raster_of_the_view_whatever_its_strides(axes, flips, dtype):
    view = oriented(random_mask((6, 13, 70), 0.2, seed=1, dtype=dtype), axes, flips)
    count, found = label(view, 18)
    expected = label(np.ascontiguousarray(view), 18)
    assert count == expected[0]
    np.testing.assert_array_equal(found, expected[1])


def test_components_join_across_what_threads_share_out():
    mask = np.zeros((64, 128, 256), np.uint8)
    mask[:, ::2, 0] = 1  # columns that run through every plane
    mask[40, :, 0] = 1  # and one plane that joins them
    mask[:, 5, 100:200:2] = 1
    count, found = label(mask, 26)
    np.testing.assert_array_equal(found, cc3d.connected_components(mask, connectivity=26))
    assert count == found.max() == 1 + 50


@pytest.mark.parametrize("connectivity", STRUCTURES)
@pytest.mark.parametrize("density", [0.005, 0.1, 0.3])
def test_dense_and_sparse_noise_join_across_what_threads_share_out(density, connectivity):
    mask = random_mask((40, 90, 201), density, seed=3)
    expected = cc3d.connected_components(mask > 0, connectivity=connectivity)
    np.testing.assert_array_equal(label(mask, connectivity)[1], expected)


def test_long_and_short_runs_end_where_they_should():
    row = np.concatenate([np.r_[np.ones(n), 0] for n in (1, 2, 3, 4, 5, 70, 4, 3, 2, 1)]).astype(np.uint8)
    for end in range(len(row) - 12, len(row) + 1):
        mask = row[None, None, :end]
        np.testing.assert_array_equal(label(mask, 6)[1], ndimage.label(mask)[0])


def test_gaps_between_the_elements_of_a_view_do_not_matter():
    view = random_mask((8, 20, 140), 0.3, seed=2)[::2, ::-3, 1::2]
    np.testing.assert_array_equal(label(view, 26)[1], label(view.copy(), 26)[1])


def test_no_foreground_gives_no_components_and_leaves_the_output_alone():
    for shape in [(4, 5, 6), (0, 5, 6), (4, 0, 6), (4, 5, 0)]:
        count, found = label(np.zeros(shape, np.uint8), 6)
        assert count == 0
        assert not found.any()


@pytest.mark.parametrize("connectivity", [0, 4, 8, 27])
def test_an_unknown_connectivity_is_refused(connectivity):
    with pytest.raises(KernelError, match=r"connectivity is \d+; legal: 6, 18, 26"):
        label(np.zeros((2, 2, 2), np.uint8), connectivity)


@pytest.mark.parametrize("dtype", LABEL_TYPES)
def test_any_label_type_takes_the_numbers(dtype):
    mask = random_mask((10, 11, 12), 0.05, seed=8)
    out = np.zeros(mask.shape, dtype)
    _core.components_label(mask, out, connectivity=26)
    np.testing.assert_array_equal(out, label(mask, 26)[1])


def test_more_components_than_the_type_can_number_are_refused():
    mask = np.zeros((1, 32, 33), np.uint8)
    mask[0, ::2, 1::2] = 1
    out = np.zeros(mask.shape, np.uint8)
    with pytest.raises(KernelError, match="number of components is 256"):
        _core.components_label(mask, out, connectivity=6)
    assert not out.any()
    mask[0, 0, 1] = 0
    assert _core.components_label(mask, out, connectivity=6) == 255 == out.max()


def test_an_output_of_another_shape_is_refused():
    with pytest.raises(KernelError, match=r"out has shape \[2, 2, 3\], expected \[2, 2, 2\]"):
        _core.components_label(np.zeros((2, 2, 2), np.uint8), np.zeros((2, 2, 3), np.uint32), connectivity=6)
    with pytest.raises(KernelError, match="shape"):
        _core.components_fill_holes(np.zeros((2, 2, 2), np.uint8), np.zeros((2, 3, 2), np.uint8))


def test_an_output_with_gaps_is_refused():
    with pytest.raises(KernelError, match="C-contiguous"):
        _core.components_label(
            np.zeros((2, 2, 2), np.uint8), np.zeros((2, 2, 4), np.uint32)[..., ::2], connectivity=6
        )


def test_a_read_only_output_is_refused():
    out = np.zeros((2, 2, 2), np.uint32)
    out.flags.writeable = False
    with pytest.raises(TypeError, match="writeable"):
        _core.components_label(np.zeros((2, 2, 2), np.uint8), out, connectivity=6)


def test_other_types_and_numbers_of_axes_are_refused():
    for mask in (np.zeros((2, 2, 2), np.float64), np.zeros((2, 2), np.uint8), [[[1]]]):
        with pytest.raises(TypeError):
            _core.components_statistics(mask)


def test_a_field_of_a_record_is_refused():
    records = np.zeros((2, 2, 2), [("a", "u1"), ("b", "<u2")])
    with pytest.raises(KernelError, match="do not fit elements of 2 bytes"):
        _core.components_statistics(records["b"])


@pytest.mark.parametrize(("axes", "flips"), ORIENTATIONS[::7])
def test_labels_and_statistics_come_from_one_call(axes, flips):
    mask = oriented(random_mask((9, 14, 75), 0.15, seed=4), axes, flips)
    out = np.zeros(mask.shape, np.uint16)
    found = _core.components_instances(mask, connectivity=18, out=out)
    np.testing.assert_array_equal(out, label(mask, 18)[1])
    assert_statistics_equal(found, statistics_by_numpy(out))
    for ours, alone in zip(found, _core.components_instances(mask, connectivity=18), strict=True):
        np.testing.assert_array_equal(ours, alone)


def test_an_output_too_small_for_the_labels_is_refused():
    mask = random_mask((4, 5, 6), 0.5, seed=5)
    with pytest.raises(KernelError, match=r"out has shape \[4, 5, 5\], expected \[4, 5, 6\]"):
        _core.components_instances(mask, connectivity=6, out=np.zeros((4, 5, 5), np.uint8))


def statistics_by_numpy(labels):
    ids = np.unique(labels)
    ids = ids[ids > 0]
    places = [np.argwhere(labels == i) for i in ids]
    boxes = [np.stack([p.min(0), p.max(0) + 1], axis=1) for p in places]
    return ids, [len(p) for p in places], boxes, [p.mean(0) for p in places]


def assert_statistics_equal(found, expected):
    for array, dtype in zip(found, (np.uint32, np.uint64, np.int64, np.float64), strict=True):
        assert array.dtype == dtype
    for a, b in zip(found[:3], expected[:3], strict=True):
        np.testing.assert_array_equal(a, np.reshape(b, a.shape))
    np.testing.assert_allclose(found[3], np.reshape(expected[3], found[3].shape), rtol=1e-14)


@pytest.mark.parametrize("dtype", LABEL_TYPES)
@pytest.mark.parametrize("most", [1, 4, 200])
@pytest.mark.parametrize("shape", SHAPES)
def test_statistics_equal_those_of_numpy(shape, most, dtype):
    labels = np.random.default_rng(3).integers(0, most + 1, shape).astype(dtype)
    assert_statistics_equal(_core.components_statistics(labels), statistics_by_numpy(labels))


@pytest.mark.parametrize(("axes", "flips"), ORIENTATIONS)
def test_statistics_are_those_of_the_view_whatever_its_strides(axes, flips):
    labels = np.random.default_rng(4).integers(0, 5, (4, 7, 70)).astype(np.uint16)
    view = oriented(labels * (labels > 2), axes, flips)
    assert_statistics_equal(_core.components_statistics(view), statistics_by_numpy(view))


def test_statistics_equal_those_of_cc3d():
    labels = cc3d.connected_components(random_mask((30, 40, 50), 0.2, seed=5), connectivity=6)
    ids, counts, boxes, centroids = _core.components_statistics(labels.astype(np.uint32))
    expected = cc3d.statistics(labels)
    np.testing.assert_array_equal(ids, np.arange(1, labels.max() + 1))
    np.testing.assert_array_equal(counts, expected["voxel_counts"][1:])
    np.testing.assert_allclose(centroids, expected["centroids"][1:], rtol=1e-12)
    for found, slices in zip(boxes, expected["bounding_boxes"][1:], strict=True):
        assert [tuple(pair) for pair in found] == [(s.start, s.stop) for s in slices]


def test_labels_may_be_any_number():
    labels = np.zeros((3, 4, 5), np.uint32)
    values = [1, 255, 256, 65535, 2**20 - 1, 2**20, 2**31, 2**32 - 1]
    labels.flat[3 : 3 + 2 * len(values) : 2] = values[::-1]
    labels.flat[-1] = 2**32 - 1
    assert_statistics_equal(_core.components_statistics(labels), statistics_by_numpy(labels))


def test_without_labels_the_statistics_are_empty():
    for shape in [(2, 3, 4), (0, 3, 4)]:
        ids, counts, boxes, centroids = _core.components_statistics(np.zeros(shape, np.uint8))
        assert (ids.shape, counts.shape, boxes.shape, centroids.shape) == ((0,), (0,), (0, 3, 2), (0, 3))


@pytest.mark.parametrize("connectivity", STRUCTURES)
@pytest.mark.parametrize(("axes", "flips"), ORIENTATIONS[::5])
def test_instances_are_the_statistics_of_the_components(axes, flips, connectivity):
    view = oriented(random_mask((30, 40, 50), 0.15, seed=9), axes, flips)
    expected = _core.components_statistics(label(view, connectivity)[1])
    for found, array in zip(
        _core.components_instances(view, connectivity=connectivity), expected, strict=True
    ):
        np.testing.assert_array_equal(found, array)


@pytest.mark.parametrize("density", [0.3, 0.6, 0.75, 0.9, 1.0])
@pytest.mark.parametrize("shape", SHAPES)
def test_filled_holes_equal_those_of_scipy(shape, density):
    mask = random_mask(shape, density, seed=6)
    out = np.full(shape, 9, np.uint8)
    _core.components_fill_holes(mask, out)
    np.testing.assert_array_equal(out, ndimage.binary_fill_holes(mask))


@pytest.mark.parametrize(("axes", "flips"), ORIENTATIONS)
def test_holes_are_filled_whatever_the_strides(axes, flips):
    view = oriented(random_mask((5, 9, 68), 0.7, seed=7), axes, flips)
    out = np.zeros(view.shape, np.uint8)
    _core.components_fill_holes(view, out)
    np.testing.assert_array_equal(out, ndimage.binary_fill_holes(view))


def test_a_hole_with_a_diagonal_way_out_is_filled():
    mask = np.ones((3, 3, 3), np.uint8)
    mask[1, 1, 1] = mask[0, 0, 1] = 0
    out = np.zeros_like(mask)
    _core.components_fill_holes(mask, out)
    assert out[1, 1, 1] == 1
    assert out[0, 0, 1] == 0


def box_by_numpy(volume):
    places = np.argwhere(volume)
    return (tuple(places.min(0)), tuple(places.max(0) + 1)) if len(places) else None


@settings(deadline=None, max_examples=150)
@given(
    shape=hnp.array_shapes(min_dims=3, max_dims=3, max_side=9),
    dtype=st.sampled_from([np.int16, np.float32, *LABEL_TYPES]),
    orientation=st.sampled_from(ORIENTATIONS),
    voxels=st.integers(0, 3),
    seed=st.integers(0, 2**32 - 1),
)
def test_the_nonzero_box_equals_that_of_numpy(shape, dtype, orientation, voxels, seed):
    rng = np.random.default_rng(seed)
    volume = np.zeros(shape, dtype)
    volume.flat[rng.integers(0, volume.size, voxels)] = 7
    view = oriented(volume, *orientation)
    assert _core.components_nonzero_box(view) == box_by_numpy(view)


def test_the_nonzero_box_of_wide_rows_and_of_views_with_gaps():
    volume = np.zeros((10, 20, 400), np.int16)
    volume[3, 4, 70] = volume[7, 4, 330] = volume[5, 16, 200] = -1
    assert _core.components_nonzero_box(volume) == ((3, 4, 70), (8, 17, 331))
    gaps = volume[1::2, :, ::10]
    assert _core.components_nonzero_box(gaps) == box_by_numpy(gaps)


def test_nan_is_not_zero_and_minus_zero_is():
    volume = np.full((3, 3, 3), -0.0, np.float32)
    assert _core.components_nonzero_box(volume) is None
    volume[1, 2, 0] = np.nan
    assert _core.components_nonzero_box(volume) == ((1, 2, 0), (2, 3, 1))


def test_the_nonzero_box_of_no_voxels_is_none():
    for shape in [(0, 2, 2), (2, 0, 2), (2, 2, 0)]:
        assert _core.components_nonzero_box(np.zeros(shape, np.uint8)) is None
