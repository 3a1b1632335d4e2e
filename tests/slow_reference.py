"""The published computation done the obvious slow way: whole volumes in float64, one lesion at a time.

An oracle, written from the description of the published system with torch, scipy and scikit-image.
"""

from __future__ import annotations

import itertools
import math
import warnings

import numpy as np
import torch
from scipy import ndimage
from skimage.transform import resize

PAD_VALUE = 0.0


def box_around_nonzero(volume: np.ndarray) -> tuple[slice, ...]:
    found = np.argwhere(ndimage.binary_fill_holes(volume != 0))
    return tuple(slice(a, b + 1) for a, b in zip(found.min(0), found.max(0), strict=True))


def linear(volume: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    tensor = torch.from_numpy(np.ascontiguousarray(volume, dtype=np.float32))[None, None]
    return torch.nn.functional.interpolate(tensor, size=shape, mode="trilinear", align_corners=False)[
        0, 0
    ].numpy()


def by_skimage(volume: np.ndarray, shape: tuple[int, ...], order: int) -> np.ndarray:
    return resize(volume.astype(np.float64), shape, order, mode="edge", anti_aliasing=False, clip=True)


def separate_axis(source: tuple[float, ...], target: tuple[float, ...]) -> int | None:
    for spacing in (source, target):
        if max(spacing) / min(spacing) > 3:
            coarse = [i for i in range(3) if spacing[i] == max(spacing)]
            return coarse[0] if len(coarse) == 1 else None
    return None


def cubic_family(volume: np.ndarray, shape: tuple[int, ...], order: int, axis: int | None) -> np.ndarray:
    if axis is None:
        return by_skimage(volume, shape, order)
    in_plane = tuple(n for i, n in enumerate(shape) if i != axis)
    slices = np.stack([by_skimage(part, in_plane, order) for part in np.moveaxis(volume, axis, 0)])
    scale = volume.shape[axis] / shape[axis]
    nearest = np.floor(scale * (np.arange(shape[axis]) + 0.5) - 0.5 + 0.5).astype(int)
    return np.moveaxis(slices[np.clip(nearest, 0, volume.shape[axis] - 1)], 0, axis)


def dense_prompt(target: dict, shape: tuple[int, ...]) -> np.ndarray:
    """Return the prompt's channel; the target is on the model grid."""
    dense = np.zeros(shape, np.float32)
    if "box" in target:
        dense[tuple(slice(max(a, 0), b) for a, b in target["box"])] = 1
        return dense
    offset = np.indices(shape) - np.reshape(target["point"], (3, 1, 1, 1))
    dense[(offset**2).sum(0) <= 5.5**2] = 1
    return dense


def to_grid(prompt: dict, crop: tuple[slice, ...], shape: tuple[int, ...]) -> dict:
    old = [s.stop - s.start for s in crop]
    if "box" in prompt:
        box = []
        for (a, b), s, n, m in zip(prompt["box"], crop, old, shape, strict=True):
            low, high = (min(max(v - s.start, 0), n) for v in (a, b))
            box.append((max(math.floor(low * m / n) - 1, 0), min(math.ceil(high * m / n) + 1, m)))
        return {"box": box}
    return {
        "point": [
            round(min(max(p - s.start, 0), n - 1) * m / n)
            for p, s, n, m in zip(prompt["point"], crop, old, shape, strict=True)
        ]
    }


def starts_along(low: int, high: int, size: int, patch: int, one: bool) -> list[int]:
    if one:
        return [min(max(int((low + high - patch) / 2), 0), size - patch)]
    steps = math.ceil((size - patch) / (patch * 0.5)) + 1
    step = (size - patch) / (steps - 1) if steps > 1 else 0
    return [s for s in (round(step * i) for i in range(steps)) if low < s + patch and high > s]


def gaussian(patch: tuple[int, ...]) -> np.ndarray:
    impulse = np.zeros(patch)
    impulse[tuple(n // 2 for n in patch)] = 1
    weight = ndimage.gaussian_filter(impulse, [n / 8 for n in patch], mode="constant", truncate=4)
    return weight / weight.max() * 10


def logits_over_grid(
    networks: list, axes: tuple, image: np.ndarray, dense: np.ndarray, patch: tuple
) -> np.ndarray:
    """Return both channels over the whole grid, NaN where no tile looked."""
    missing = [max(p - n, 0) for p, n in zip(patch, image.shape, strict=True)]
    padding = [(m // 2, m - m // 2) for m in missing]
    image, dense = (np.pad(v, padding, constant_values=PAD_VALUE) for v in (image, dense))
    found = np.argwhere(dense)
    low, high = found.min(0), found.max(0)
    one = all(high - low < patch)
    starts = [starts_along(*v, one) for v in zip(low, high, image.shape, patch, strict=True)]
    total, weights, weight = np.zeros((2, *image.shape)), np.zeros(image.shape), gaussian(patch)
    for start in itertools.product(*starts):
        where = tuple(slice(s, s + p) for s, p in zip(start, patch, strict=True))
        x = torch.from_numpy(np.stack([image[where], dense[where]]).astype(np.float32))[None]
        total[(slice(None), *where)] += weight * ensemble(networks, axes, x)
        weights[where] += weight
    with np.errstate(invalid="ignore"):
        total /= weights
    inside = tuple(
        slice(a, a + n) for (a, _), n in zip(padding, np.array(image.shape) - missing, strict=True)
    )
    return total[(slice(None), *inside)]


def ensemble(networks: list, axes: tuple, x: torch.Tensor) -> np.ndarray:
    flips = [
        [a + 2 for a in chosen] for n in range(len(axes) + 1) for chosen in itertools.combinations(axes, n)
    ]
    with torch.inference_mode():
        answers = [network(x.flip(flip)).flip(flip)[0].double() for network in networks for flip in flips]
    return torch.stack(answers).mean(0).numpy()


def segment(
    voxels: np.ndarray,
    spacing: tuple,
    prompt: dict,
    networks: list,
    axes: tuple,
    *,
    patch: tuple,
    target: tuple,
    cubic: bool,
) -> np.ndarray:
    """Return the mask of one prompt given in voxels: {"box": [(z0, z1), ...]} or {"point": (z, y, x)}."""
    crop = box_around_nonzero(voxels)
    image = (np.clip(voxels[crop].astype(np.float32), -918, 723) - np.float32(-63)) / np.float32(282)
    shape = tuple(round(s / t * n) for s, t, n in zip(spacing, target, image.shape, strict=True))
    there, back = separate_axis(spacing, target), separate_axis(target, spacing)
    grid = cubic_family(image, shape, 3, there) if cubic else linear(image, shape)
    dense = dense_prompt(to_grid(prompt, crop, shape), shape)
    logits = logits_over_grid(networks, axes, grid.astype(np.float32), dense, patch)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "All-NaN slice")
        channels = [
            cubic_family(v, image.shape, 1, back) if cubic else linear(v, image.shape) for v in logits
        ]
    mask = np.zeros(voxels.shape, np.uint8)
    mask[crop] = np.argmax(channels, axis=0)
    return mask
