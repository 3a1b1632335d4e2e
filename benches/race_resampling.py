"""Resampling of images and label maps against torch and scikit-image."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest
import torch

from lesionlocator import _core
from racing import Racing, Traffic
from volumes import BODY, INTENSITY, PATCH, QUARTER, frame, lesions, noise

_SIZES = {"one patch": PATCH, "a quarter of a body": QUARTER, "a whole body": BODY}
_QUICK = ("one patch", "a quarter of a body")


@pytest.fixture(params=_SIZES)
def size(request: pytest.FixtureRequest, quick: bool) -> str:
    if quick and request.param not in _QUICK:
        pytest.skip("left out of the quick form: takes gigabytes and half a minute")
    return request.param


def interpolated(image: np.ndarray, target: tuple[int, int, int]) -> np.ndarray:
    tensor = torch.from_numpy(image)[None, None]
    return torch.nn.functional.interpolate(tensor, size=target, mode="trilinear")[0, 0].numpy()


def ours(kernel, source: np.ndarray, target: tuple[int, int, int], **options) -> np.ndarray:
    out = np.empty(target, np.float32)
    kernel(source, out, **frame(source.shape, target), **options)
    return out


def race_trilinear_float32(race: Racing, size: str) -> None:
    source, target = _SIZES[size]
    image = noise(source).astype(np.float32)
    race(
        f"trilinear float32, {size}",
        partial(ours, _core.resample_trilinear, image, target),
        "torch interpolate",
        partial(interpolated, image, target),
        goals={1: 6, 2: 5},
        traffic=Traffic(read=image.nbytes, fresh=4 * int(np.prod(target))),
    )


def race_trilinear_fused(race: Racing, size: str) -> None:
    source, target = _SIZES[size]
    voxels = noise(source)
    low, high, mean, std = (np.float32(v) for v in INTENSITY)
    race(
        f"int16 clipped, normalized, trilinear, {size}",
        partial(ours, _core.resample_trilinear, voxels, target, intensity=INTENSITY),
        "numpy + torch interpolate",
        lambda: interpolated((np.clip(voxels.astype(np.float32), low, high) - mean) / std, target),
        goals={1: 7, 2: 7},
        traffic=Traffic(read=voxels.nbytes, fresh=4 * int(np.prod(target))),
    )


def race_cubic(race: Racing) -> None:
    from skimage.transform import resize

    source, target = PATCH
    image = noise(source).astype(np.float32)
    limits = np.array([[image.min(), image.max()]], np.float32)
    race(
        "cubic B-spline, one patch",
        partial(ours, _core.resample_cubic, image, target, limits=limits),
        "skimage resize, order 3",
        lambda: resize(image, target, order=3, mode="edge", anti_aliasing=False),
        equal=lambda a, b: np.abs(a - b).max() <= 1e-4 * np.ptp(image),
        goals={1: 20, 2: 20},
    )


def race_nearest(race: Racing) -> None:
    source, target = QUARTER
    voxels = noise(source)

    def nearest() -> np.ndarray:
        out = np.empty(target, np.int16)
        _core.resample_nearest(voxels, out, **frame(source, target))
        return out

    def theirs() -> np.ndarray:
        tensor = torch.from_numpy(voxels.astype(np.float32))[None, None]
        return torch.nn.functional.interpolate(tensor, size=target, mode="nearest-exact")[0, 0].numpy()

    race("nearest int16, a quarter of a body", nearest, "torch nearest-exact", theirs)


@pytest.mark.parametrize(("count", "goal"), [(1, 100), (6, 300)])
def race_labels(race: Racing, count: int, goal: float) -> None:
    source, target = QUARTER
    volume = lesions(source, count)

    def all_at_once() -> np.ndarray:
        out = np.zeros(target, np.uint8)
        _core.resample_labels(volume, out, **frame(source, target))
        return out

    def one_by_one() -> np.ndarray:
        out = np.zeros(target, np.uint8)
        for label in range(1, count + 1):
            out[interpolated((volume == label).astype(np.float32), target) > 0.5] = label
        return out

    race(
        f"label map, {count} lesion{'s' * (count > 1)}, a quarter of a body",
        all_at_once,
        "torch interpolate, label by label",
        one_by_one,
        goals={1: goal, 2: goal},
        traffic=Traffic(read=volume.nbytes),
    )
