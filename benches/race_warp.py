"""Sampling through a smooth displacement against torch, which is given each voxel's position, and scipy."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import pytest
import torch
from scipy import ndimage

from lesionlocator import _core
from racing import Racing, Traffic
from volumes import PATCH, lesions, noise

_SHAPE = PATCH[1]
_START, _STEP = (1.25, -0.5, 0.75), (0.98, 1.01, 1.0)
_SMOOTH = (3, 9, 11, 11)


@pytest.fixture(scope="module")
def nodes() -> np.ndarray:
    """Return a displacement of a few voxels, (3, z, y, x)."""
    return np.random.default_rng(4).normal(0, 2, _SMOOTH).astype(np.float32)


@pytest.fixture(scope="module")
def positions(nodes: np.ndarray) -> np.ndarray:
    """Return where each voxel looks, (3, z, y, x), kept within the source."""
    moved = torch.nn.functional.interpolate(
        torch.from_numpy(nodes)[None], size=_SHAPE, mode="trilinear", align_corners=True
    )[0].numpy()
    column = (3, 1, 1, 1)
    at = np.reshape(_START, column) + np.reshape(_STEP, column) * np.indices(_SHAPE, np.float32) + moved
    return at.astype(np.float32)


def warped(kernel: Any, source: np.ndarray, kind: type, nodes: np.ndarray, **options: Any) -> np.ndarray:
    out = np.empty(source.shape, kind)
    grids = {"target_shape": source.shape, "target_start": (0, 0, 0)}
    kernel(source, out, start=_START, step=_STEP, nodes=nodes, **grids, **options)
    return out


def torch_grid(positions: np.ndarray) -> torch.Tensor:
    size = np.reshape(positions.shape[1:], (3, 1, 1, 1)).astype(np.float32)
    return torch.from_numpy(np.stack(((positions * 2 + 1) / size - 1)[::-1], axis=-1))[None]


def sampled(image: np.ndarray, grid: torch.Tensor) -> np.ndarray:
    tensor = torch.from_numpy(image.astype(np.float32))[None, None]
    with torch.inference_mode():
        found = torch.nn.functional.grid_sample(tensor, grid, padding_mode="border", align_corners=False)
    return found[0, 0].numpy()


def inside(positions: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Return where a position is on the grid by more than rounding, which torch extends beyond it."""
    size = np.reshape(shape, (3, 1, 1, 1))
    return ((positions > -0.49) & (positions < size - 0.51)).all(axis=0)


def race_linear(race: Racing, nodes: np.ndarray, positions: np.ndarray) -> None:
    image = noise(_SHAPE)
    known = inside(positions, _SHAPE)
    race(
        "an int16 patch through a displacement, linear",
        partial(warped, _core.warp_linear, image, np.float32, nodes, samples=(1, 1, 1), outside=0.0),
        "torch grid_sample",
        partial(sampled, image, torch_grid(positions)),
        equal=lambda a, b: np.abs(a - b)[known].max() < 0.5,
        traffic=Traffic(read=image.nbytes, fresh=4 * image.size),
    )


def race_nearest(race: Racing, nodes: np.ndarray, positions: np.ndarray) -> None:
    labels = lesions(_SHAPE, 20)
    known = inside(positions, _SHAPE)
    race(
        "a patch of labels through a displacement, nearest",
        partial(warped, _core.warp_nearest, labels, np.uint8, nodes),
        "scipy map_coordinates, order 0",
        lambda: ndimage.map_coordinates(labels, positions, order=0, mode="nearest"),
        # Half a voxel from both neighbours, rounding may choose either.
        equal=lambda a, b: np.count_nonzero((a != b) & known) <= 1e-4 * a.size,
        traffic=Traffic(read=labels.nbytes, fresh=labels.size),
    )
