"""Tiles, their weight and the stitched logits against dense numpy and scipy versions."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from archives import arrays_of
from lesionlocator import _core
from lesionlocator.errors import KernelError


@settings(deadline=None)
@given(patch=st.integers(1, 300), more=st.integers(0, 700), step=st.sampled_from([0.25, 0.5, 0.7, 1.0]))
def test_tile_starts_follow_the_formula(patch, more, step):
    size = patch + more
    if patch * step < 0.5:
        return
    starts = _core.stitch_tile_starts(size, patch, step)
    steps = math.ceil((size - patch) / (patch * step))
    assert starts == [round((size - patch) / steps * i) if steps else 0 for i in range(steps + 1)]
    assert starts[0] == 0
    assert starts[-1] == size - patch
    covered = np.zeros(size, bool)
    for start in starts:
        covered[start : start + patch] = True
    assert covered.all()


def test_tile_starts_round_halves_to_even():
    assert _core.stitch_tile_starts(11, 4, 0.5) == [0, 2, 4, 5, 7]
    assert _core.stitch_tile_starts(9, 4, 1.0) == [0, 2, 5]  # 2.5 goes to 2


def test_senseless_tiles_are_refused():
    for size, patch in [(3, 4), (4, 0), (0, 0)]:
        with pytest.raises(KernelError, match="patch is"):
            _core.stitch_tile_starts(size, patch, 0.5)
    for step in (0.0, -0.5, 1.1, 1e-9, math.nan, math.inf):
        with pytest.raises(KernelError, match="step_fraction is"):
            _core.stitch_tile_starts(10, 4, step)


def gaussian_by_scipy(patch):
    impulse = np.zeros(patch)
    impulse[patch // 2] = 1
    smooth = ndimage.gaussian_filter1d(impulse, patch / 8, mode="constant", truncate=4)
    return smooth / smooth.max()


@pytest.mark.parametrize("patch", [1, 2, 3, 5, 8, 31, 32, 48, 64, 97, 160, 224])
def test_the_weight_is_a_smoothed_impulse(patch):
    found = _core.stitch_gaussian(patch)
    np.testing.assert_allclose(found, gaussian_by_scipy(patch), rtol=1e-12)
    assert found.max() == 1
    assert found.min() > 0


def test_the_weight_of_an_empty_tile_is_refused():
    with pytest.raises(KernelError, match="patch is 0"):
        _core.stitch_gaussian(0)


def dense_weight(patch):
    z, y, x = (gaussian_by_scipy(n) for n in patch)
    return 10 * z[:, None, None] * y[:, None] * x


def test_the_weight_equals_the_published_map(conformance):
    expected = arrays_of(conformance / "expected/intermediates/gaussian_48_64_64.npz")
    (name,) = expected
    z, y, x = (_core.stitch_gaussian(n) for n in (48, 64, 64))
    product = 10 * z[:, None, None] * y[:, None] * x
    np.testing.assert_allclose(product, expected[name], rtol=1e-3, atol=1e-6)


@pytest.mark.parametrize(
    ("shape", "patch"), [((9, 14, 21), (5, 8, 9)), ((6, 8, 8), (6, 8, 8)), ((4, 5, 70), (1, 5, 33))]
)
def test_stitched_logits_equal_the_dense_weighted_mean(shape, patch):
    rng = np.random.default_rng(0)
    starts = tuple(_core.stitch_tile_starts(n, p, 0.5) for n, p in zip(shape, patch, strict=True))
    total = np.zeros(shape, np.float32)
    sums, weights = np.zeros(shape), np.zeros(shape)
    for start in itertools.product(*starts):
        tile = rng.standard_normal(patch).astype(np.float32)
        _core.stitch_accumulate(total, tile, start=start)
        where = tuple(slice(a, a + n) for a, n in zip(start, patch, strict=True))
        sums[where] += dense_weight(patch) * tile
        weights[where] += dense_weight(patch)
    np.testing.assert_allclose(total, sums, rtol=1e-5, atol=1e-5)
    _core.stitch_normalize(total, patch=patch, starts=starts)
    np.testing.assert_allclose(total, sums / weights, rtol=1e-4, atol=1e-5)


def test_one_tile_gives_its_own_logits_back():
    tile = np.random.default_rng(1).standard_normal((16, 24, 24)).astype(np.float32)
    total = np.zeros((16, 24, 24), np.float32)
    _core.stitch_accumulate(total, tile, start=(0, 0, 0))
    _core.stitch_normalize(total, patch=(16, 24, 24), starts=([0], [0], [0]))
    np.testing.assert_allclose(total, tile, rtol=3e-7)


def test_tiles_of_any_strides_are_taken():
    tile = np.random.default_rng(2).standard_normal((4, 5, 6)).astype(np.float32)
    expected, found = np.zeros((2, 6, 7, 8), np.float32)
    _core.stitch_accumulate(expected, tile, start=(1, 2, 0))
    turned = np.ascontiguousarray(tile[:, ::-1].T).T[:, ::-1]
    _core.stitch_accumulate(found, turned, start=(1, 2, 0))
    np.testing.assert_array_equal(found, expected)
    assert expected.any()


def test_tiles_that_do_not_fit_are_refused():
    total = np.zeros((4, 4, 4), np.float32)
    for start in [(3, 0, 0), (0, 5, 0), (0, 0, 2**64 - 1)]:
        with pytest.raises(KernelError, match="outside the grid"):
            _core.stitch_accumulate(total, np.ones((2, 2, 2), np.float32), start=start)
    with pytest.raises(OverflowError):
        _core.stitch_accumulate(total, np.ones((2, 2, 2), np.float32), start=(-1, 0, 0))
    assert not total.any()


def test_normalizing_with_other_tiles_than_fit_is_refused():
    total = np.ones((4, 4, 4), np.float32)
    whole = [0, 2]
    with pytest.raises(KernelError, match="voxel 2 uncovered"):
        _core.stitch_normalize(total, patch=(2, 2, 2), starts=(whole, [0], whole))
    with pytest.raises(KernelError, match="uncovered"):
        _core.stitch_normalize(total, patch=(2, 2, 2), starts=(whole, whole, []))
    for start in (3, 2**64 - 1):
        with pytest.raises(KernelError, match="tile starts at"):
            _core.stitch_normalize(total, patch=(2, 2, 2), starts=([0, 2, start], whole, whole))
    with pytest.raises(KernelError, match="patch is 0"):
        _core.stitch_normalize(total, patch=(0, 2, 2), starts=(whole, whole, whole))
    assert np.all(total == 1)


def test_foreground_is_what_lies_above_zero():
    logits = np.random.default_rng(3).standard_normal((5, 6, 70)).astype(np.float32)
    logits[0, 0, :3] = 0, np.nan, np.inf
    for view in (logits, logits.transpose(2, 0, 1), logits[:, ::-1, ::3]):
        out = np.full(view.shape, 7, np.uint8)
        assert _core.stitch_foreground(view, out) == (view > 0).sum()
        np.testing.assert_array_equal(out, view > 0)


def test_foreground_refuses_an_output_of_another_shape():
    with pytest.raises(KernelError, match="out has shape"):
        _core.stitch_foreground(np.zeros((2, 2, 2), np.float32), np.zeros((2, 2, 1), np.uint8))
