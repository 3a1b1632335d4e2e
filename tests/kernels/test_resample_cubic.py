import warnings

import numpy as np
import pytest
import scipy.ndimage
import skimage.transform
from resampling import cut, random_region, resampled, strided_twins

from lesionlocator import _core

SHAPES = [
    ((7, 9, 11), (11, 20, 33)),
    ((20, 30, 40), (9, 13, 21)),
    ((5, 6, 7), (5, 6, 7)),
    ((1, 1, 1), (3, 4, 5)),
    ((12, 40, 37), (70, 75, 50)),
    ((2, 3, 4), (9, 8, 7)),
    ((9, 30, 31), (9, 45, 29)),
    ((60, 20, 20), (90, 20, 31)),
]


def by_skimage(source, target_shape):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        return skimage.transform.resize(
            source.astype(np.float64), target_shape, order=3, mode="edge", anti_aliasing=False, clip=True
        )


def cubic(source, target_shape, *, separate_axis=None, **options):
    limits = _core.resample_value_range(source, axis=separate_axis)
    if intensity := options.get("intensity"):
        low, high, mean, deviation = intensity
        limits = (np.clip(limits, low, high) - np.float32(mean)) / np.float32(deviation)
    return resampled("cubic", source, target_shape, limits=limits, separate_axis=separate_axis, **options)


def image(rng, shape, dtype=np.float32):
    return (rng.standard_normal(shape) * 500).astype(dtype)


def assert_close(ours, theirs, source, fraction=1e-4):
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=fraction * float(np.ptp(source)) + 1e-6)


@pytest.mark.parametrize(("source_shape", "target_shape"), SHAPES)
@pytest.mark.parametrize("dtype", [np.int16, np.float32])
def test_equals_skimage(source_shape, target_shape, dtype):
    source = image(np.random.default_rng(1), source_shape, dtype)
    assert_close(cubic(source, target_shape), by_skimage(source, target_shape), source)


@pytest.mark.parametrize(("source_shape", "target_shape"), SHAPES)
@pytest.mark.parametrize("separate_axis", [None, 0, 1, 2])
def test_a_region_is_close_to_the_slice_of_the_whole(source_shape, target_shape, separate_axis):
    rng = np.random.default_rng(2)
    source = image(rng, source_shape)
    limits = _core.resample_value_range(source, axis=separate_axis)
    whole = cubic(source, target_shape, separate_axis=separate_axis)
    for _ in range(5):
        region = random_region(rng, target_shape)
        part = resampled(
            "cubic", source, target_shape, region=region, limits=limits, separate_axis=separate_axis
        )
        assert_close(part, cut(whole, region), source, 1e-5)


def test_a_region_of_a_long_row_leaves_most_of_the_source_out():
    source = image(np.random.default_rng(3), (1, 1, 400))
    whole = cubic(source, (1, 1, 700))
    region = ((0, 0, 300), (1, 1, 350))
    first, last = _core.resample_source_block(
        "cubic",
        source_shape=source.shape,
        target_shape=(1, 1, 700),
        target_start=(0, 0, 300),
        target_extent=(1, 1, 50),
    )
    assert last[2] - first[2] < 70
    limits = _core.resample_value_range(source)
    part = resampled("cubic", source, (1, 1, 700), region=region, limits=limits)
    assert_close(part, cut(whole, region), source, 1e-5)


@pytest.mark.parametrize("axis", [0, 1, 2])
@pytest.mark.parametrize("target_shape", [(14, 17, 5), (6, 20, 21), (14, 9, 11), (3, 5, 30)])
def test_the_separate_axis_is_done_slice_by_slice_then_nearest(axis, target_shape):
    source = image(np.random.default_rng(4), (6, 9, 11))
    slices = np.moveaxis(source, axis, 0).astype(np.float64)
    in_plane = tuple(int(n) for n in np.delete(target_shape, axis))
    planes = np.stack([by_skimage(plane, in_plane) for plane in slices])
    count = target_shape[axis]
    position = len(slices) / count * (np.arange(count) + 0.5) - 0.5
    grid = np.meshgrid(position, *(np.arange(n) for n in in_plane), indexing="ij")
    expected = np.moveaxis(scipy.ndimage.map_coordinates(planes, grid, order=0, mode="nearest"), 0, axis)
    assert_close(cubic(source, target_shape, separate_axis=axis), expected, source)


def test_equal_sizes_give_the_source_back():
    source = image(np.random.default_rng(5), (6, 7, 8))
    np.testing.assert_array_equal(cubic(source, source.shape), source)


def test_strides_and_fused_intensity():
    source = image(np.random.default_rng(6), (8, 9, 10), np.int16)
    low, high, mean, deviation = (np.float32(v) for v in (-418.0, 523.0, -63.0068, 282.3602))
    normalised = (np.clip(source.astype(np.float32), low, high) - mean) / deviation
    expected = cubic(normalised, (13, 14, 15))
    for twin in [source, *strided_twins(source)]:
        ours = cubic(twin, (13, 14, 15), intensity=(low, high, mean, deviation))
        np.testing.assert_array_equal(ours, expected)


def test_limits_clip_and_nan_limits_do_not():
    source = image(np.random.default_rng(7), (4, 5, 6))
    clipped = resampled("cubic", source, (8, 9, 10), limits=np.array([[-10, 10]], np.float32))
    free = resampled("cubic", source, (8, 9, 10), limits=np.full((1, 2), np.nan, np.float32))
    np.testing.assert_array_equal(clipped, np.clip(free, -10, 10))
    assert np.abs(free).max() > 10


def test_non_finite_voxels_come_through_without_harm():
    source = image(np.random.default_rng(8), (4, 5, 6))
    source[1, 2, 3], source[2, 2, 2] = np.nan, np.inf
    ours = cubic(source, (8, 9, 10))
    assert ours.shape == (8, 9, 10)
    assert np.isnan(ours).any()


def test_a_target_larger_than_a_slab_is_worked_on_in_slabs():
    line = image(np.random.default_rng(9), (40, 1, 1))
    source = np.broadcast_to(line, (40, 3, 3))
    ours = cubic(source, (70, 512, 512))
    expected = by_skimage(line, (70, 1, 1)).astype(np.float32)
    assert_close(ours, np.broadcast_to(expected, ours.shape), source)
