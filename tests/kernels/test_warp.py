"""Sampling through a displacement against scipy."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from lesionlocator import _core
from lesionlocator.errors import KernelError

SOURCE, TARGET = (9, 11, 13), (7, 10, 8)
START, STEP = (0.5, -0.75, 1.25), (1.1, 0.9, 1.3)


def positions(nodes: np.ndarray, offset: np.ndarray | float = 0.0) -> np.ndarray:
    """Where each target voxel looks, by scipy."""
    index = np.stack(np.meshgrid(*(np.arange(n) for n in TARGET), indexing="ij"))
    scale = [(g - 1) / (n - 1) for g, n in zip(nodes.shape[1:], TARGET, strict=True)]
    at_nodes = index * np.reshape(scale, (3, 1, 1, 1))
    moved = np.stack(
        [ndimage.map_coordinates(n.astype(float), at_nodes, order=1, mode="nearest") for n in nodes]
    )
    column = (3, 1, 1, 1)
    return (
        np.reshape(START, column)
        + np.reshape(STEP, column) * (index + np.reshape(offset, (-1, 1, 1, 1)))
        + moved
    )


def off_grid(at: np.ndarray) -> np.ndarray:
    size = np.reshape(SOURCE, (3, 1, 1, 1))
    return ((at < -0.5) | (at > size - 0.5)).any(axis=0)


def warped(source: np.ndarray, nodes: np.ndarray, samples: tuple[int, int, int] = (1, 1, 1)) -> np.ndarray:
    out = np.empty(TARGET, np.float32)
    _core.warp_linear(
        source, out, start=START, step=STEP, nodes=nodes, target_shape=TARGET, target_start=(0, 0, 0),
        samples=samples, outside=-7.0,
    )  # fmt: skip
    return out


@pytest.fixture
def nodes() -> np.ndarray:
    return np.random.default_rng(0).normal(0, 1.5, (3, 3, 4, 2)).astype(np.float32)


@pytest.mark.parametrize("dtype", [np.int16, np.float32])
def test_linear_is_scipys(nodes: np.ndarray, dtype: type) -> None:
    source = (1000 * np.random.default_rng(1).random(SOURCE)).astype(dtype)
    at = positions(nodes)
    expected = ndimage.map_coordinates(source.astype(float), at, order=1, mode="nearest")
    expected[off_grid(at)] = -7
    assert off_grid(at).any()
    np.testing.assert_allclose(warped(source, nodes), expected, atol=2e-3)


def test_several_samples_are_the_mean_over_a_voxel(nodes: np.ndarray) -> None:
    source = np.random.default_rng(2).random(SOURCE).astype(np.float32)
    offsets = [np.array([z, 0.0, x]) for z in (-0.25, 0.25) for x in (-1 / 3, 0, 1 / 3)]
    parts = []
    for offset in offsets:
        at = positions(nodes, offset)
        part = ndimage.map_coordinates(source.astype(float), at, order=1, mode="nearest")
        part[off_grid(at)] = -7
        parts.append(part)
    np.testing.assert_allclose(warped(source, nodes, (2, 1, 3)), np.mean(parts, axis=0), atol=1e-4)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_nearest_takes_the_voxel_that_is_near(nodes: np.ndarray, dtype: type) -> None:
    source = np.random.default_rng(3).integers(0, 250, SOURCE).astype(dtype)
    out = np.ones(TARGET, dtype)
    _core.warp_nearest(
        source, out, start=START, step=STEP, nodes=nodes, target_shape=TARGET, target_start=(0, 0, 0)
    )
    at = positions(nodes)
    inside = np.clip(at, 0, np.reshape(SOURCE, (3, 1, 1, 1)) - 1)
    clear = (np.abs(inside - np.floor(inside) - 0.5) > 1e-4).all(axis=0)
    expected = source[tuple(np.rint(inside).astype(int))]
    expected[off_grid(at)] = 0
    np.testing.assert_array_equal(out[clear], expected[clear])


def test_a_block_is_the_slice_of_the_whole(nodes: np.ndarray) -> None:
    source = np.random.default_rng(4).random(SOURCE).astype(np.float32)
    block = np.empty((3, 4, 5), np.float32)
    _core.warp_linear(
        source, block, start=START, step=STEP, nodes=nodes, target_shape=TARGET, target_start=(2, 5, 1),
        samples=(1, 1, 1), outside=-7.0,
    )  # fmt: skip
    np.testing.assert_array_equal(block, warped(source, nodes)[2:5, 5:9, 1:6])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"nodes": np.zeros((2, 2, 2, 2), np.float32)}, "nodes has shape"),
        ({"start": (np.nan, 0.0, 0.0)}, "start is"),
        ({"target_start": (6, 0, 0)}, "outside the grid"),
        ({"samples": (0, 1, 1)}, "samples is"),
    ],
)
def test_what_does_not_fit_is_refused(change: dict[str, object], message: str) -> None:
    arguments: dict[str, object] = {
        "start": START, "step": STEP, "nodes": np.zeros((3, 2, 2, 2), np.float32), "target_shape": TARGET,
        "target_start": (0, 0, 0), "samples": (1, 1, 1), "outside": 0.0,
    }  # fmt: skip
    with pytest.raises(KernelError, match=message):
        _core.warp_linear(np.zeros(SOURCE, np.float32), np.empty(TARGET, np.float32), **(arguments | change))
