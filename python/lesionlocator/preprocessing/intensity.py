"""Intensity normalization as a clip, a subtraction and a division, to be fused into resampling."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from lesionlocator import _core
from lesionlocator.model.plans import Normalization, Plans
from lesionlocator.preprocessing.resample import IntensityMap, value_range

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Volume = NDArray[Any]

_SMALLEST = 1e-8
"""Floor of a divisor: a constant image is normalized to zeros."""


def intensity_map(volume: Volume, plans: Plans) -> IntensityMap | None:
    """Return the map of a plan's scheme for a cropped scan, or None where intensities stay as they are."""
    unbounded = (-np.inf, np.inf)
    if plans.normalization is Normalization.CT and plans.intensity is not None:
        properties = plans.intensity
        return properties.lower, properties.upper, properties.mean, max(properties.std, _SMALLEST)
    if plans.normalization is Normalization.Z_SCORE:
        return standardizing(volume)
    if plans.normalization is Normalization.RESCALE_01:
        low, high = value_range(volume, None)[0].tolist()
        return *unbounded, low, max(high - low, _SMALLEST)
    if plans.normalization is Normalization.RGB_01:
        return *unbounded, 0.0, 255.0
    return None


def standardizing(volume: Volume) -> IntensityMap:
    """Return the map that brings a volume to mean 0 and deviation 1."""
    mean, std = _mean_and_deviation(volume)
    return -np.inf, np.inf, mean, max(std, _SMALLEST)


def normalized_in_mask(volume: Volume) -> NDArray[np.float32]:
    """Return the volume with mean 0 and deviation 1 inside its hole-filled nonzero region, and 0 outside."""
    mask = np.zeros(volume.shape, np.uint8)
    _core.components_fill_holes((volume != 0).view(np.uint8), mask)
    inside = mask.view(bool)
    mean, std = _mean_and_deviation(volume[inside])
    return np.where(inside, (volume - np.float32(mean)) / np.float32(max(std, _SMALLEST)), np.float32(0))


def applied(values: NDArray[np.float32], intensity: IntensityMap | None) -> NDArray[np.float32]:
    """Return values after an intensity map."""
    if intensity is None:
        return values
    low, high, shift, scale = (np.float32(v) for v in intensity)
    return (np.clip(values, low, high) - shift) / scale


def _mean_and_deviation(volume: Volume) -> tuple[float, float]:
    """Return both, accumulated in float64 without a float64 copy of the volume."""
    mean = float(np.mean(volume, dtype=np.float64))
    squares = sum(float(np.sum(np.square(part - mean, dtype=np.float64))) for part in np.atleast_2d(volume))
    return mean, float(np.sqrt(squares / volume.size))
