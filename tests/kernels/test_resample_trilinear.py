import numpy as np
import pytest
import torch
from resampling import FUSED, cut, random_region, resampled, strided_twins

SHAPES = [
    ((7, 9, 11), (11, 20, 33)),
    ((20, 30, 40), (9, 13, 21)),
    ((5, 6, 7), (5, 6, 7)),
    ((1, 1, 1), (3, 4, 5)),
    ((12, 40, 37), (70, 75, 50)),
    ((3, 50, 200), (4, 60, 9)),
    ((4, 5, 6), (1, 1, 1)),
    ((6, 5, 150), (6, 7, 333)),
]


def by_torch(source, target_shape):
    tensor = torch.from_numpy(np.ascontiguousarray(source, np.float32))[None, None]
    return torch.nn.functional.interpolate(tensor, size=tuple(target_shape), mode="trilinear")[0, 0].numpy()


def assert_equals_torch(ours, source):
    theirs = by_torch(source, ours.shape)
    if FUSED:
        np.testing.assert_array_equal(ours, theirs)
    else:
        np.testing.assert_allclose(ours, theirs, rtol=1e-6, atol=1e-6 * np.abs(source).max())


def image(rng, shape, dtype=np.float32):
    return (rng.standard_normal(shape) * 500).astype(dtype)


@pytest.mark.parametrize(("source_shape", "target_shape"), SHAPES)
@pytest.mark.parametrize("dtype", [np.int16, np.float32])
def test_equals_torch(source_shape, target_shape, dtype):
    source = image(np.random.default_rng(1), source_shape, dtype)
    assert_equals_torch(resampled("trilinear", source, target_shape), source)


def test_equals_torch_for_many_sizes_of_a_row():
    rng = np.random.default_rng(2)
    for _ in range(300):
        width, target = rng.integers(1, 180, 2)
        source = image(rng, (2, 2, width))
        assert_equals_torch(resampled("trilinear", source, (3, 3, target)), source)


@pytest.mark.parametrize(("source_shape", "target_shape"), SHAPES)
@pytest.mark.parametrize("options", [{}, {"separate_axis": 0}, {"separate_axis": 1}, {"separate_axis": 2}])
def test_a_region_is_the_slice_of_the_whole(source_shape, target_shape, options):
    rng = np.random.default_rng(3)
    source = image(rng, source_shape)
    whole = resampled("trilinear", source, target_shape, **options)
    for _ in range(5):
        region = random_region(rng, target_shape)
        part = resampled("trilinear", source, target_shape, region=region, **options)
        np.testing.assert_array_equal(part, cut(whole, region))


@pytest.mark.parametrize("dtype", [np.int16, np.float32])
def test_strides_do_not_matter(dtype):
    source = image(np.random.default_rng(4), (8, 9, 10), dtype)
    expected = resampled("trilinear", source, (13, 14, 15), intensity=(-500, 500, 20, 300))
    for twin in strided_twins(source):
        ours = resampled("trilinear", twin, (13, 14, 15), intensity=(-500, 500, 20, 300))
        np.testing.assert_array_equal(ours, expected)


@pytest.mark.parametrize("dtype", [np.int16, np.float32])
def test_fused_intensity_equals_numpy_before_resampling(dtype):
    source = image(np.random.default_rng(5), (8, 19, 30), dtype)
    low, high, mean, deviation = (np.float32(v) for v in (-918.0, 723.0, -63.0068, 282.3602))
    normalised = (np.clip(source.astype(np.float32), low, high) - mean) / deviation
    ours = resampled("trilinear", source, (9, 30, 41), intensity=(low, high, mean, deviation))
    assert_equals_torch(ours, normalised)


def test_nan_and_infinity_spread_as_in_torch():
    source = image(np.random.default_rng(6), (6, 7, 8))
    source[1, 2, 3], source[4, 0, 0], source[5, 6, 7] = np.nan, np.inf, -np.inf
    for shape in [(6, 7, 8), (9, 15, 16), (3, 4, 20)]:
        ours, theirs = resampled("trilinear", source, shape), by_torch(source, shape)
        np.testing.assert_array_equal(np.isnan(ours), np.isnan(theirs))
        np.testing.assert_array_equal(ours[np.isinf(theirs)], theirs[np.isinf(theirs)])


def test_nan_passes_the_intensity():
    source = np.full((1, 1, 3), np.nan, np.float32)
    assert np.isnan(resampled("trilinear", source, (1, 1, 3), intensity=(-1, 1, 0, 1))).all()


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_the_separate_axis_takes_the_nearest_slice(axis):
    rng = np.random.default_rng(7)
    source, target_shape = image(rng, (6, 9, 11)), (14, 17, 5)
    ours = np.moveaxis(resampled("trilinear", source, target_shape, separate_axis=axis), axis, 0)
    slices = np.moveaxis(source, axis, 0)
    in_plane = np.delete(target_shape, axis)
    for index, plane in enumerate(ours):
        position = len(slices) / len(ours) * (index + 0.5) - 0.5
        nearest = slices[int(np.clip(np.floor(position + 0.5), 0, len(slices) - 1))]
        assert_equals_torch(plane[None], nearest[None])
        assert plane.shape == tuple(in_plane)
