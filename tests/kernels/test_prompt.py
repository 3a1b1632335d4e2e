"""Rendered prompts against dense formulas over the whole patch."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from skimage.morphology import ball as skimage_ball

from lesionlocator import _core
from lesionlocator.errors import KernelError

SHAPE = (12, 9, 15)
near = st.integers(-8, 24)
triples = st.tuples(near, near, near)


def squared_distance(center):
    z, y, x = np.indices(SHAPE)
    return (z - center[0]) ** 2 + (y - center[1]) ** 2 + (x - center[2]) ** 2


def test_a_ball_of_radius_5_has_739_voxels():
    out = np.zeros((31, 31, 31), np.float32)
    assert _core.prompt_ball(out, center=(15, 15, 15), radius=5) == 739
    assert out.sum() == 739


def test_small_balls_equal_the_half_voxel_rule_and_contain_the_usual_ball():
    for radius in range(6):
        out = np.zeros((13, 13, 13), np.float32)
        _core.prompt_ball(out, center=(6, 6, 6), radius=radius)
        usual = skimage_ball(radius)
        cut = out[6 - radius : 7 + radius, 6 - radius : 7 + radius, 6 - radius : 7 + radius]
        assert np.all(cut >= usual)
        assert cut.sum() == out.sum()


@settings(deadline=None)
@given(center=triples, radius=st.integers(0, 9))
def test_a_ball_is_cut_at_the_border(center, radius):
    out = np.zeros(SHAPE, np.float32)
    expected = squared_distance(center) <= (radius + 0.5) ** 2
    assert _core.prompt_ball(out, center=center, radius=radius) == expected.sum()
    np.testing.assert_array_equal(out, expected)


@settings(deadline=None)
@given(start=triples, size=st.tuples(*[st.integers(0, 20)] * 3))
def test_a_box_is_cut_at_the_border(start, size):
    out = np.zeros(SHAPE, np.float32)
    stop = tuple(a + n for a, n in zip(start, size, strict=True))
    places = np.indices(SHAPE)
    expected = np.all([(p >= a) & (p < b) for p, a, b in zip(places, start, stop, strict=True)], axis=0)
    assert _core.prompt_box(out, start=start, stop=stop) == expected.sum()
    np.testing.assert_array_equal(out, expected)


@settings(deadline=None)
@given(
    center=st.tuples(*[st.floats(-8, 24)] * 3),
    sigma=st.floats(0.3, 6),
    truncate=st.floats(0.5, 4),
    seed=st.integers(0, 1000),
)
def test_a_gaussian_raises_what_is_within_reach(center, sigma, truncate, seed):
    before = np.random.default_rng(seed).random(SHAPE, np.float32)
    out = before.copy()
    heights = np.exp(-squared_distance(center) / (2 * sigma**2))
    far = sigma * truncate
    places = np.indices(SHAPE)
    reach = np.all([(p >= c - far) & (p <= c + far) for p, c in zip(places, center, strict=True)], axis=0)
    assert _core.prompt_gaussian(out, center=center, sigma=sigma, truncate=truncate) == reach.sum()
    np.testing.assert_allclose(out, np.where(reach, np.maximum(before, heights), before), atol=2e-7)


def test_prompts_combine_in_one_patch():
    out = np.zeros(SHAPE, np.float32)
    _core.prompt_box(out, start=(0, 0, 0), stop=(2, 2, 2))
    _core.prompt_ball(out, center=(8, 5, 10), radius=1)
    assert out.sum() == 8 + 19
    _core.prompt_gaussian(out, center=(0, 0, 0), sigma=1.0)
    assert np.all(out[:2, :2, :2] == 1)
    assert out[2, 0, 0] == pytest.approx(np.exp(-2))


def test_prompts_far_outside_touch_nothing():
    out = np.zeros(SHAPE, np.float32)
    far = 2**63 - 1
    assert _core.prompt_ball(out, center=(far, -far - 1, 0), radius=2**31) == 0
    assert _core.prompt_box(out, start=(far - 1, 0, 0), stop=(far, 9, 9)) == 0
    assert _core.prompt_gaussian(out, center=(1e300, 0.0, 0.0), sigma=2.0) == 0
    assert not out.any()


def test_prompts_larger_than_the_patch_fill_it():
    out = np.zeros(SHAPE, np.float32)
    assert _core.prompt_ball(out, center=(0, 0, 0), radius=2**32 - 1) == out.size
    assert _core.prompt_box(out, start=(-(2**63),) * 3, stop=(2**63 - 1,) * 3) == out.size
    assert _core.prompt_gaussian(out, center=(6.0, 4.0, 7.0), sigma=1e200, truncate=1e200) == out.size
    assert np.all(out == 1)


def test_senseless_values_are_refused():
    out = np.zeros(SHAPE, np.float32)
    with pytest.raises(KernelError, match="radius is -1"):
        _core.prompt_ball(out, center=(0, 0, 0), radius=-1)
    with pytest.raises(KernelError, match="stop of the box"):
        _core.prompt_box(out, start=(0, 5, 0), stop=(3, 4, 3))
    for bad in (0.0, -1.0, np.nan, np.inf):
        with pytest.raises(KernelError, match="sigma is"):
            _core.prompt_gaussian(out, center=(0.0, 0.0, 0.0), sigma=bad)
        with pytest.raises(KernelError, match="truncate is"):
            _core.prompt_gaussian(out, center=(0.0, 0.0, 0.0), sigma=1.0, truncate=bad)
    for bad in (np.nan, np.inf, -np.inf):
        with pytest.raises(KernelError, match="center is"):
            _core.prompt_gaussian(out, center=(0.0, bad, 0.0), sigma=1.0)
    assert not out.any()
