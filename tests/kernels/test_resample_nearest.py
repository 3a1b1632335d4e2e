import numpy as np
import pytest
import torch
from resampling import FUSED, cut, random_region, resampled, strided_twins


def by_torch(source, target_shape):
    tensor = torch.from_numpy(np.ascontiguousarray(source, np.float32))[None, None]
    out = torch.nn.functional.interpolate(tensor, size=tuple(target_shape), mode="nearest-exact")
    return out[0, 0].numpy()


def ours(source, target_shape, **options):
    return resampled("nearest", source, target_shape, out_dtype=source.dtype, **options)


@pytest.mark.parametrize("dtype", [np.int16, np.float32, np.uint8, np.uint16, np.uint32])
@pytest.mark.parametrize("target_shape", [(5, 12, 9), (14, 30, 41), (7, 8, 9), (1, 1, 1)])
def test_equals_torch(dtype, target_shape):
    source = np.random.default_rng(1).integers(0, 200, (7, 8, 9)).astype(dtype)
    np.testing.assert_array_equal(ours(source, target_shape), by_torch(source, target_shape))


@pytest.mark.skipif(not FUSED, reason="torch rounds positions otherwise without fused multiply-add")
def test_equals_torch_for_many_sizes():
    rng = np.random.default_rng(2)
    sizes = [(4, 82), (4, 94), (4, 110), *rng.integers(1, 300, (400, 2)).tolist()]
    for size, target in sizes:
        source = np.arange(size, dtype=np.float32)[None, None]
        np.testing.assert_array_equal(ours(source, (1, 1, target)), by_torch(source, (1, 1, target)))


def test_a_region_is_the_slice_of_the_whole():
    rng = np.random.default_rng(3)
    source = rng.integers(0, 99, (7, 8, 9)).astype(np.uint16)
    for target_shape in [(5, 12, 9), (14, 30, 41)]:
        whole = ours(source, target_shape)
        for _ in range(10):
            region = random_region(rng, target_shape)
            np.testing.assert_array_equal(ours(source, target_shape, region=region), cut(whole, region))


def test_strides_do_not_matter():
    source = np.random.default_rng(4).integers(0, 99, (7, 8, 9)).astype(np.uint8)
    for twin in strided_twins(source):
        np.testing.assert_array_equal(ours(twin, (9, 9, 9)), ours(source, (9, 9, 9)))
