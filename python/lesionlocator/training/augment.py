"""Augmentations of nnU-Net's kinds: turned, scaled, mirrored; noisier, blurred, brighter, coarser.

References
----------
Isensee et al., "nnU-Net: a self-configuring method for deep learning-based biomedical image segmentation",
Nature Methods 18 (2021), supplementary note 4.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from lesionlocator.filling import soften
from lesionlocator.synthetic.warp import Warp

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lesionlocator.geometry import Shape, Triple

_TURN_RADIANS = np.pi / 6
_SCALE = (0.7, 1.4)


def plain_crop(center: Triple, patch: Shape) -> Warp:
    """Return the warp that cuts out a patch around a voxel, unchanged."""
    z, y, x = (float(round(c - n / 2)) for c, n in zip(center, patch, strict=True))
    return Warp.affine((z, y, x), (1.0, 1.0, 1.0), patch)


def spatial(rng: np.random.Generator, center: Triple, patch: Shape, spacing: Triple) -> Warp:
    """Return a warp that cuts out a patch, in a part of all cases turned by up to 30° and scaled.

    Parameters
    ----------
    rng
        Source of randomness.
    center
        Voxel (z, y, x) about which the patch lies.
    patch, spacing
        Its shape, and mm of the grid; turns are by true angles.
    """
    crop = plain_crop(center, patch)
    turned, scaled = rng.random() < 0.3, rng.random() < 0.3
    if not (turned or scaled):
        return crop
    matrix = np.eye(3)
    if turned:
        for a, b in ((0, 1), (0, 2), (1, 2)):
            angle = rng.uniform(-_TURN_RADIANS, _TURN_RADIANS)
            one = np.eye(3)
            one[[a, a, b, b], [a, b, a, b]] = np.cos(angle), -np.sin(angle), np.sin(angle), np.cos(angle)
            matrix = matrix @ one
    if scaled:
        matrix = matrix / rng.uniform(*_SCALE)
    mm = np.asarray(spacing)
    corners = np.stack(np.meshgrid(*((-(n - 1) / 2, (n - 1) / 2) for n in patch), indexing="ij"))
    by_voxel = matrix * mm[None, :] / mm[:, None]
    moved = np.tensordot(by_voxel - np.eye(3), corners, axes=1)
    return replace(crop, nodes=np.ascontiguousarray(moved, np.float32))


def intensities(rng: np.random.Generator, image: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return normalised channels (channel, z, y, x) with other noise, sharpness, brightness and contrast."""
    return np.stack([_channel(rng, channel) for channel in image])


def _channel(rng: np.random.Generator, image: NDArray[np.float32]) -> NDArray[np.float32]:
    if rng.random() < 0.1:
        image = image + np.float32(rng.uniform(0, 0.3)) * rng.standard_normal(image.shape, dtype=np.float32)
    if rng.random() < 0.2:
        weight = float(rng.uniform(0.05, 0.25))
        for _ in range(int(rng.integers(1, 4))):
            image = soften(image, (weight, weight, weight))
    if rng.random() < 0.15:
        image = image * np.float32(rng.uniform(0.75, 1.25))
    if rng.random() < 0.15:
        mean, low, high = image.mean(), image.min(), image.max()
        image = np.clip((image - mean) * np.float32(rng.uniform(0.75, 1.25)) + mean, low, high)
    if rng.random() < 0.25:
        image = _coarser(image, float(rng.uniform(1, 2)))
    if rng.random() < 0.3:
        image = _gamma(image, float(rng.uniform(0.7, 1.5)), inverted=rng.random() < 0.25)
    return image


def _coarser(image: NDArray[np.float32], factor: float) -> NDArray[np.float32]:
    """Return the image sampled ``factor`` times coarser and interpolated back."""
    z, y, x = (max(round(n / factor), 2) for n in image.shape)
    return _resized(_resized(image, (z, y, x)), (image.shape[0], image.shape[1], image.shape[2]))


def _resized(image: NDArray[np.float32], shape: Shape) -> NDArray[np.float32]:
    a, b, c = (old / new for old, new in zip(image.shape, shape, strict=True))
    start = (a / 2 - 0.5, b / 2 - 0.5, c / 2 - 0.5)
    return Warp.affine(start, (a, b, c), shape).image(image, outside=0.0)


def _gamma(image: NDArray[np.float32], gamma: float, *, inverted: bool) -> NDArray[np.float32]:
    """Return the image raised to a power within its own range, mean and deviation kept."""
    image = -image if inverted else image
    mean, deviation = image.mean(), image.std()
    low, width = image.min(), max(float(np.ptp(image)), 1e-7)
    image = ((image - low) / np.float32(width)) ** np.float32(gamma)
    image = (image - image.mean()) / max(image.std(), np.float32(1e-7)) * deviation + mean
    return -image if inverted else image
