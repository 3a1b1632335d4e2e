"""Smooth noise and smoothing."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import convolve1d

from lesionlocator.filling import soften
from lesionlocator.synthetic.fields import smooth_noise


@pytest.mark.parametrize("scale", [(1.0, 1.0, 1.0), (4.0, 6.5, 3.0)])
def test_smooth_noise_has_unit_variance(scale: tuple[float, float, float]) -> None:
    field = smooth_noise(np.random.default_rng(0), (80, 90, 70), scale)
    assert field.shape == (80, 90, 70)
    assert field.dtype == np.float32
    assert abs(float(field.mean())) < 0.15
    assert 0.85 < float(field.std()) < 1.15


def test_smooth_noise_is_smoother_at_a_larger_scale() -> None:
    def steps(scale: float) -> float:
        field = smooth_noise(np.random.default_rng(1), (60, 60, 60), (scale, scale, scale))
        return float(np.abs(np.diff(field, axis=0)).mean())

    assert steps(12.0) < 0.5 * steps(4.0) < 0.25 * steps(1.0) * 2


def test_smooth_noise_covers_a_grid_smaller_than_its_scale() -> None:
    assert np.isfinite(smooth_noise(np.random.default_rng(2), (2, 1, 3), (50.0, 50.0, 50.0))).all()


def test_soften_equals_a_convolution_with_extended_edges() -> None:
    volume = np.random.default_rng(3).normal(size=(7, 6, 5)).astype(np.float32)
    expected = volume.astype(np.float64)
    weights = (0.1, 0.25, 0.0)
    for axis, w in enumerate(weights):
        expected = convolve1d(expected, [w, 1 - 2 * w, w], axis=axis, mode="nearest")
    before = volume.copy()
    np.testing.assert_allclose(soften(volume, weights), expected, atol=1e-6)
    np.testing.assert_array_equal(volume, before)
