from __future__ import annotations

import numpy as np
import pytest
import torch
from tracking_cases import grid

from lesionlocator.geometry import Box
from lesionlocator.tracking import cube as cubes
from lesionlocator.tracking.cube import SIZE, covered, cube, nearest, planes, rescaled


def interpolated(volume: np.ndarray, size: tuple[int, int, int]) -> np.ndarray:
    tensor = torch.from_numpy(volume)[None, None]
    return torch.nn.functional.interpolate(tensor, size=size, mode="trilinear", align_corners=False)[
        0, 0
    ].numpy()


@pytest.mark.parametrize("slab_voxels", [1, 3000, 1 << 24])
def test_planes_in_slabs_are_those_of_the_whole_grid(
    monkeypatch: pytest.MonkeyPatch, slab_voxels: int
) -> None:
    monkeypatch.setattr(cubes, "_SLAB_VOXELS", slab_voxels)
    model_grid = grid((9, 30, 200), spacing=(1.3, 1, 1))
    whole = model_grid.image(Box.whole(model_grid.shape))
    wanted = interpolated(whole, (len(whole), SIZE, SIZE))
    np.testing.assert_allclose(planes(model_grid), wanted, atol=2e-6)


@pytest.mark.parametrize("window", [(0, 24), (3, 20)])
def test_the_cube_is_the_grid_interpolated_in_one_step(window: tuple[int, int]) -> None:
    model_grid = grid()
    whole = model_grid.image(Box.whole(model_grid.shape))[slice(*window)]
    wanted = interpolated(np.ascontiguousarray(whole), (SIZE, SIZE, SIZE))
    np.testing.assert_allclose(cube(planes(model_grid), window), wanted, atol=2e-6)


@pytest.mark.parametrize(
    ("source", "target"), [(10, 175), (175, 10), (350, 175), (175, 175), (1, 175), (175, 1)]
)
def test_nearest_is_the_nearest_exact_rule(source: int, target: int) -> None:
    middle = [(i + 0.5) * source / target for i in range(target)]
    apart = np.abs(nearest(source, target) + 0.5 - middle)
    assert apart.max() <= 0.5 + 1e-4


def test_covered_targets() -> None:
    assert covered(np.array([0, 0, 1, 2, 2]), 1, 3).tolist() == [2, 3, 4]


def test_rescaling_keeps_the_edges_of_an_axis() -> None:
    assert rescaled(-0.5, 10, 175) == pytest.approx(-0.5)
    assert rescaled(9.5, 10, 175) == pytest.approx(174.5)
