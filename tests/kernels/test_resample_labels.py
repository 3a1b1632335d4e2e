import numpy as np
import pytest
import skimage.transform
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from resampling import FUSED, cut, random_region, resampled, strided_twins

from lesionlocator.errors import KernelError

SHAPES = [
    ((7, 9, 11), (11, 20, 33)),
    ((20, 30, 40), (9, 13, 21)),
    ((5, 6, 7), (5, 6, 7)),
    ((1, 1, 1), (3, 4, 5)),
    ((6, 20, 37), (20, 37, 50)),
    ((4, 4, 4), (8, 8, 8)),
    ((6, 6, 6), (3, 3, 3)),
]


def label_by_label(source, target_shape):
    """Resample each label's 0/1 map with torch and assign in increasing order."""
    out = np.zeros(target_shape, source.dtype)
    for label in np.unique(source[source > 0]):
        mask = torch.from_numpy(np.ascontiguousarray(source == label).astype(np.float32))[None, None]
        soft = torch.nn.functional.interpolate(mask, size=tuple(target_shape), mode="trilinear")[0, 0].numpy()
        out[soft > 0.5] = label
    return out


def noise(rng, shape, dtype, labels=5, density=0.5):
    """Adversarial: every voxel its own label."""
    return (rng.integers(1, labels + 1, shape) * (rng.random(shape) < density)).astype(dtype)


def blobs(rng, shape, dtype, count):
    out = np.zeros(shape, dtype)
    axes = np.ogrid[tuple(slice(0, n) for n in shape)]
    for label in range(1, count + 1):
        center = [rng.integers(0, n) for n in shape]
        out[sum((a - c) ** 2 for a, c in zip(axes, center, strict=True)) <= rng.integers(1, 12)] = label
    return out


def ours(source, target_shape, **options):
    return resampled("labels", source, target_shape, out_dtype=source.dtype, **options)


@pytest.mark.skipif(not FUSED, reason="rounding at exactly one half differs without fused multiply-add")
@pytest.mark.parametrize(("source_shape", "target_shape"), SHAPES)
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.uint32])
def test_noise_equals_label_by_label(source_shape, target_shape, dtype):
    rng = np.random.default_rng(1)
    for density in (0.1, 0.5, 1.0):
        source = noise(rng, source_shape, dtype, density=density)
        np.testing.assert_array_equal(ours(source, target_shape), label_by_label(source, target_shape))


@pytest.mark.parametrize(
    ("source_shape", "target_shape"), [((20, 30, 40), (31, 47, 59)), ((30, 30, 30), (13, 17, 19))]
)
def test_blobs_equal_label_by_label(source_shape, target_shape):
    source = blobs(np.random.default_rng(2), source_shape, np.uint16, 60)
    source[source > 0] += 60_000
    np.testing.assert_array_equal(ours(source, target_shape), label_by_label(source, target_shape))


@pytest.mark.parametrize("positions", ["single", "double"])
def test_agrees_with_order_1_of_skimage_except_exactly_between(positions):
    source = blobs(np.random.default_rng(3), (20, 30, 40), np.uint8, 9)
    target_shape = (31, 47, 59)
    expected, between = np.zeros(target_shape, np.uint8), np.zeros(target_shape, bool)
    for label in range(1, 10):
        mask = (source == label).astype(float)
        soft = skimage.transform.resize(mask, target_shape, 1, mode="edge", anti_aliasing=False)
        expected[soft > 0.5] = label
        between |= np.abs(soft - 0.5) < 1e-5
    result = ours(source, target_shape, positions=positions)
    assert between.sum() < 50
    np.testing.assert_array_equal(result[~between], expected[~between])


@pytest.mark.parametrize(("source_shape", "target_shape"), SHAPES)
@pytest.mark.parametrize("options", [{}, {"separate_axis": 0}, {"separate_axis": 1}, {"separate_axis": 2}])
def test_a_region_is_the_slice_of_the_whole(source_shape, target_shape, options):
    rng = np.random.default_rng(4)
    source = noise(rng, source_shape, np.uint8)
    whole = ours(source, target_shape, **options)
    for _ in range(5):
        region = random_region(rng, target_shape)
        part = ours(source, target_shape, region=region, **options)
        np.testing.assert_array_equal(part, cut(whole, region))


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_the_separate_axis_takes_the_nearest_slice(axis):
    source = noise(np.random.default_rng(5), (6, 9, 11), np.uint8)
    result = np.moveaxis(ours(source, (14, 17, 5), separate_axis=axis), axis, 0)
    slices = np.moveaxis(source, axis, 0)
    for index, plane in enumerate(result):
        position = len(slices) / len(result) * (index + 0.5) - 0.5
        nearest = slices[int(np.clip(np.floor(position + 0.5), 0, len(slices) - 1))]
        np.testing.assert_array_equal(plane, label_by_label(nearest[None], (1, *plane.shape))[0])


def test_positions_decide_a_voxel_exactly_between_label_and_background():
    # 0.8 rounds up in single precision: target voxel 22 lies at 17.5, and in double a trace above.
    source = np.zeros((1, 1, 80), np.uint8)
    source[..., 18:30] = 3
    assert ours(source, (1, 1, 100), positions="single")[0, 0, 22] == 0
    assert ours(source, (1, 1, 100), positions="double")[0, 0, 22] == 3


def test_unknown_positions_are_refused():
    with pytest.raises(KernelError, match="single, double"):
        ours(np.zeros((2, 2, 2), np.uint8), (3, 3, 3), positions="half")


def test_strides_do_not_matter():
    source = noise(np.random.default_rng(6), (8, 9, 10), np.uint8)
    for twin in strided_twins(source):
        np.testing.assert_array_equal(ours(twin, (13, 14, 15)), ours(source, (13, 14, 15)))


def test_no_label_gives_nothing():
    assert not ours(np.zeros((5, 6, 7), np.uint8), (9, 9, 9)).any()


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32 - 1), st.tuples(*[st.integers(1, 12)] * 3), st.tuples(*[st.integers(1, 20)] * 3))
def test_renaming_labels_renames_the_result(seed, source_shape, target_shape):
    source = noise(np.random.default_rng(seed), source_shape, np.uint8)
    names = np.array([0, 50, 7, 255, 31, 4], np.uint8)
    np.testing.assert_array_equal(ours(names[source], target_shape), names[ours(source, target_shape)])
