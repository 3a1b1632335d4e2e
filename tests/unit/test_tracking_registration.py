"""Warping by blocks equals warping whole volumes with torch."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from tracking_cases import cuboid, grid, identity_map

from lesionlocator.prompts.masks import GridMask
from lesionlocator.tracking.cube import CUBE
from lesionlocator.tracking.frames import Frame
from lesionlocator.tracking.registration import Registration

F = torch.nn.functional


def registration(
    phi: np.ndarray,
    *,
    axes: tuple[int, ...] = (),
    window: tuple[int, int] = (0, 24),
    fixed: np.ndarray | None = None,
) -> Registration:
    noise = np.random.default_rng(3).normal(size=CUBE).astype(np.float32)
    return Registration(
        Frame(grid(), window, axes),
        Frame(grid((20, 33, 40)), (0, 20), axes),
        phi,
        noise,
        noise if fixed is None else fixed,
    )


def curved(amount: float) -> np.ndarray:
    z, y, x = identity_map()
    return np.stack([z + amount * np.sin(5 * y), y + amount * np.cos(4 * x), x - amount * z])


def warped_whole(prompt: np.ndarray, phi: np.ndarray, shape: tuple[int, int, int]) -> np.ndarray:
    small = F.interpolate(torch.from_numpy(prompt)[None, None].float(), size=CUBE, mode="nearest-exact")
    at = torch.from_numpy(phi[::-1].copy()).permute(1, 2, 3, 0)[None] * 2 - 1
    moved = F.grid_sample(small, at, mode="nearest", padding_mode="zeros", align_corners=True)
    return F.interpolate(moved, size=shape, mode="nearest-exact")[0, 0].numpy()


@pytest.mark.parametrize(
    ("axes", "window", "amount"),
    [((), (0, 24), 0.0), ((), (5, 20), 0.05), ((0,), (5, 20), 0.05), ((0, 1, 2), (0, 24), 0.05)],
)
def test_a_warped_lesion_is_that_of_whole_volumes(
    axes: tuple[int, ...], window: tuple[int, int], amount: float
) -> None:
    lesion = cuboid((24, 30, 28), (3, 4, 5), (13, 15, 12))
    lesion[6:8, 5:9, 5:9] = 0
    made = registration(curved(amount), axes=axes, window=window)
    found = made.warp(GridMask.of(lesion, (0, 0, 0)))
    wanted = warped_whole(np.ascontiguousarray(np.flip(lesion[slice(*window)], axes)), made.phi, (20, 33, 40))
    volume = np.zeros((20, 33, 40))
    volume[found.mask.box.slices] = found.mask.region
    np.testing.assert_array_equal(volume, wanted)
    assert not found.is_lost


def test_what_lies_outside_the_baseline_is_no_lesion() -> None:
    everything = GridMask.of(cuboid((24, 30, 28), (0, 0, 0), (24, 30, 28)), (0, 0, 0))
    shifted = identity_map() + np.array([0.5, 0, 0], np.float32).reshape(3, 1, 1, 1)
    assert registration(shifted).warp(everything).mask.box.stop == (10, 33, 40)


def test_a_lesion_cut_away_is_out_of_view() -> None:
    lesion = GridMask.of(cuboid((24, 30, 28), (0, 4, 5), (5, 8, 8)), (0, 0, 0))
    assert registration(identity_map(), window=(5, 20)).warp(lesion) is None


@pytest.mark.parametrize("axes", [(), (0, 2)])
def test_a_lesion_that_vanishes_is_placed_by_its_centroid(axes: tuple[int, ...]) -> None:
    lesion = GridMask.of(cuboid((24, 30, 28), (12, 15, 14), (13, 16, 15)), (0, 0, 0))
    jump = identity_map()
    jump[0] = np.where(jump[0] < 0.52, jump[0] * 0.9, jump[0] * 1.1)  # no voxel maps to the middle
    made = registration(jump, axes=axes)
    assert made.sampled(lesion) is None
    found = made.warp(lesion)
    assert found.is_lost
    assert found.mask.voxels == lesion.voxels
    centroid = made.followup.to_grid(found.mask).centroid
    np.testing.assert_allclose(centroid, (10.4, 16.5, 20.2), atol=1.5)


def test_similarity_is_the_correlation() -> None:
    noise = np.random.default_rng(3).normal(size=CUBE).astype(np.float32)
    other = np.random.default_rng(4).normal(size=CUBE).astype(np.float32)
    assert registration(identity_map(), fixed=2 * noise + 5).similarity == pytest.approx(1)
    assert registration(identity_map(), fixed=-noise).similarity == pytest.approx(-1)
    assert registration(identity_map(), fixed=other).similarity == pytest.approx(0, abs=0.01)
    assert registration(identity_map(), fixed=np.zeros_like(noise)).similarity == 0


def test_similarity_around_a_lesion_is_that_of_its_neighbourhood() -> None:
    noise = np.random.default_rng(3).normal(size=CUBE).astype(np.float32)
    half = noise.copy()
    half[100:] = np.random.default_rng(4).normal(size=half[100:].shape)
    made = registration(identity_map(), fixed=half)
    top = GridMask.of(cuboid((24, 30, 28), (2, 4, 5), (5, 8, 8)), (0, 0, 0))
    bottom = GridMask.of(cuboid((24, 30, 28), (18, 4, 5), (21, 8, 8)), (0, 0, 0))
    assert made.warp(top).similarity == pytest.approx(1)
    assert made.warp(bottom).similarity == pytest.approx(0, abs=0.05)
