"""Distances against scipy's, and distances of surfaces against an obvious slow way."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import ndimage
from scipy.spatial.distance import cdist

from lesionlocator import _core
from lesionlocator.errors import KernelError

SPACINGS = ((1.0, 1.0, 1.0), (5.0, 0.7, 0.7), (1.5, 0.6, 2.5))


def blob(seed: int, shape: tuple[int, ...] = (9, 20, 23), part: float = 0.3) -> np.ndarray:
    noise = ndimage.gaussian_filter(np.random.default_rng(seed).random(shape), 2)
    return (noise > np.quantile(noise, 1 - part)).astype(np.uint8)


def transformed(mask: np.ndarray, spacing: tuple[float, ...]) -> np.ndarray:
    out = np.empty(mask.shape, np.float32)
    _core.measure_distance_transform(mask, out, spacing=spacing)
    return out


@pytest.mark.parametrize("spacing", SPACINGS)
@pytest.mark.parametrize("seed", range(4))
def test_distances_are_those_of_scipy(seed: int, spacing: tuple[float, ...]) -> None:
    mask = blob(seed, part=0.02 * (seed + 1))
    expected = ndimage.distance_transform_edt(mask == 0, sampling=spacing)
    np.testing.assert_allclose(transformed(mask, spacing), expected, rtol=3e-7)


@given(
    shape=st.tuples(st.integers(1, 6), st.integers(1, 8), st.integers(1, 9)),
    spacing=st.tuples(*[st.floats(0.1, 10)] * 3),
    density=st.floats(0.01, 1),
    axes=st.permutations(range(3)),
    seed=st.integers(0, 2**32 - 1),
)
def test_distances_are_those_of_scipy_on_any_view(shape, spacing, density, axes, seed) -> None:
    mask = (np.random.default_rng(seed).random(shape) < density).astype(np.uint8).transpose(axes)[:, ::-1]
    if mask.any():
        expected = ndimage.distance_transform_edt(mask == 0, sampling=spacing)
        np.testing.assert_allclose(transformed(mask, spacing), expected, rtol=3e-7)
    else:
        assert np.isposinf(transformed(mask, spacing)).all()


def test_distances_far_apart_keep_their_digits() -> None:
    mask = np.zeros((1, 1, 3000), np.uint8)
    mask[..., 0] = 1
    np.testing.assert_allclose(transformed(mask, (1, 1, 0.7))[0, 0], np.arange(3000) * 0.7, rtol=2e-7)


def cells_of_surface(mask: np.ndarray) -> np.ndarray:
    """Return the cells, with a margin of one around the mask, that have both inner and outer corners."""
    padded = np.pad(mask > 0, 1)
    corners = [
        padded[tuple(slice(start, start + size + 1) for start, size in zip(at, mask.shape, strict=True))]
        for at in itertools.product((0, 1), repeat=3)
    ]
    return np.any(corners, axis=0) & ~np.all(corners, axis=0)


@pytest.mark.parametrize("spacing", SPACINGS)
@pytest.mark.parametrize("seed", range(4))
def test_surface_distances_are_those_of_all_pairs_of_elements(seed: int, spacing: tuple[float, ...]) -> None:
    one, other = blob(seed), blob(seed + 100)
    between = cdist(*(np.argwhere(cells_of_surface(mask)) * spacing for mask in (one, other)))
    first, second = _core.measure_surface_distances(one, other, spacing=spacing)
    np.testing.assert_allclose(first[0], between.min(axis=1), rtol=3e-7)
    np.testing.assert_allclose(second[0], between.min(axis=0), rtol=3e-7)


@pytest.mark.parametrize("spacing", SPACINGS)
def test_the_elements_make_up_the_surface(spacing: tuple[float, ...]) -> None:
    one, other = blob(1), blob(2)
    for mask, (_, areas) in zip(
        (one, other), _core.measure_surface_distances(one, other, spacing=spacing), strict=True
    ):
        assert areas.sum() == pytest.approx(_core.measure_surface(mask, spacing=spacing)[0], rel=1e-12)


@pytest.mark.parametrize("axes", list(itertools.permutations(range(3))))
def test_surface_distances_are_those_of_the_view(axes: tuple[int, ...]) -> None:
    one, other = (blob(seed).transpose(axes)[::-1] for seed in (1, 2))
    found = _core.measure_surface_distances(one, other, spacing=(2.0, 0.8, 0.9))
    expected = _core.measure_surface_distances(one.copy(), other.copy(), spacing=(2.0, 0.8, 0.9))
    for a, b in zip(itertools.chain(*found), itertools.chain(*expected), strict=True):
        np.testing.assert_array_equal(a, b)


def test_an_empty_mask_is_infinitely_far() -> None:
    one, other = np.ones((1, 1, 1), np.uint8), np.zeros((1, 1, 1), np.uint8)
    first, second = _core.measure_surface_distances(one, other, spacing=(1.0, 1.0, 1.0))
    assert np.isposinf(first[0]).all()
    assert (len(first[0]), len(first[1]), len(second[0])) == (8, 8, 0)


@pytest.mark.parametrize("bad", [0.0, -1.0, np.nan, np.inf])
def test_a_senseless_spacing_is_refused(bad: float) -> None:
    mask = np.ones((2, 2, 2), np.uint8)
    with pytest.raises(KernelError, match="spacing is"):
        transformed(mask, (1.0, bad, 1.0))
    with pytest.raises(KernelError, match="spacing is"):
        _core.measure_surface_distances(mask, mask, spacing=(1.0, bad, 1.0))


def test_shapes_that_differ_are_refused() -> None:
    one, other = np.ones((2, 2, 2), np.uint8), np.ones((2, 2, 3), np.uint8)
    with pytest.raises(KernelError, match=r"out has shape \[2, 2, 3\]"):
        _core.measure_distance_transform(one, other.astype(np.float32), spacing=(1.0, 1.0, 1.0))
    with pytest.raises(KernelError, match=r"second mask has shape \[2, 2, 3\]"):
        _core.measure_surface_distances(one, other, spacing=(1.0, 1.0, 1.0))
