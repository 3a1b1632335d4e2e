"""The model grid, prompts and tiles equal those of the published system."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from archives import arrays_of
from lesionlocator.geometry import Box
from lesionlocator.inference.tiles import Tiling
from lesionlocator.io import read_labelmap, read_scan
from lesionlocator.model import Plans
from lesionlocator.preprocessing import ModelGrid
from lesionlocator.prompts.files import read_prompts
from lesionlocator.prompts.kinds import PromptKind
from lesionlocator.prompts.on_grid import GridPrompt, prompt_from_voxels, prompts_from_labels

FAMILIES = ["linear", "cubic"]
IMAGES = ["a", "b", "c", "d"]
SOFT_TISSUE_STDS = 1e-3
"""How far a preprocessed voxel may be off, in standard deviations."""


class Expected:
    """What the published system computed for one image with one family of resampling."""

    def __init__(self, folder: Path, family: str, image: str) -> None:
        self.facts = json.loads((folder / f"expected/intermediates/{family}_{image}.json").read_text())
        self.arrays = arrays_of(folder / f"expected/intermediates/{family}_{image}.npz")
        self.labels = read_labelmap(folder / f"labels/{image}.nii.gz").labels
        self.prompts = read_prompts(folder / f"prompts/{image}.json").prompts
        plans = Plans.read(folder / f"checkpoint/{family}/LesionLocatorSeg/bbox_optimized/plans.json")
        self.grid = ModelGrid(read_scan(folder / f"images/{image}.nii.gz"), plans)

    def on_grid(self, kind: PromptKind) -> list[GridPrompt]:
        found = [prompt_from_voxels(lesion, kind, self.grid) for lesion in self.prompts]
        return [prompt for prompt in found if isinstance(prompt, GridPrompt)]


@pytest.fixture(scope="module", params=[(f, i) for f in FAMILIES for i in IMAGES], ids="-".join)
def expected(request: pytest.FixtureRequest, conformance: Path) -> Expected:
    return Expected(conformance, *request.param)


def flat(box: Box) -> list[int]:
    return [n for pair in zip(box.start, box.stop, strict=True) for n in pair]


def test_the_crop_and_the_shape_of_the_grid(expected: Expected) -> None:
    assert [list(pair) for pair in zip(expected.grid.crop.start, expected.grid.crop.stop, strict=True)] == (
        expected.facts["crop_bbox"]
    )
    assert list(expected.grid.shape) == expected.facts["model_grid_shape"]


def test_the_preprocessed_image(expected: Expected) -> None:
    whole = expected.grid.image(Box.whole(expected.grid.shape))
    assert np.abs(whole - expected.arrays["image"]).max() < SOFT_TISSUE_STDS


def test_a_block_of_the_image_is_that_block_of_the_whole(expected: Expected) -> None:
    block = Box((5, 7, 3), (25, 40, 50))
    assert (
        np.abs(expected.grid.image(block) - expected.arrays["image"][block.slices]).max() < SOFT_TISSUE_STDS
    )


def test_the_resampled_labels(expected: Expected) -> None:
    outside_the_nonzero_region_is_minus_one = expected.arrays["labels"]
    wanted = np.maximum(outside_the_nonzero_region_is_minus_one, 0)
    np.testing.assert_array_equal(expected.grid.labels(expected.labels), wanted)


def test_boxes_from_a_mask(expected: Expected) -> None:
    found = prompts_from_labels(expected.labels, PromptKind.BOX, expected.grid)
    extents = [flat(prompt.extent) for prompt in found.values() if isinstance(prompt, GridPrompt)]
    assert extents == expected.facts["boxes_from_mask"]


def test_points_from_a_mask(expected: Expected) -> None:
    found = prompts_from_labels(expected.labels, PromptKind.POINT, expected.grid)
    wanted = [[round(c) for c in point] for point in expected.facts["points_from_mask"]]
    targets = [prompt.target for prompt in found.values() if isinstance(prompt, GridPrompt)]
    assert targets == [tuple(point) for point in wanted]


def test_boxes_from_json(expected: Expected) -> None:
    boxes = [flat(prompt.extent) for prompt in expected.on_grid(PromptKind.BOX)]
    assert boxes == expected.facts["boxes_from_json"]


def test_points_from_json(expected: Expected) -> None:
    if "points_from_json" not in expected.facts:
        pytest.skip("the published system cannot place points on a cropped image")
    points = [list(prompt.target) for prompt in expected.on_grid(PromptKind.POINT)]
    assert points == expected.facts["points_from_json"]


def test_tiles(expected: Expected) -> None:
    grid = expected.grid
    tilings = [
        Tiling.around(prompt.extent, grid.shape, grid.plans.patch_size, 0.5)
        for prompt in expected.on_grid(PromptKind.BOX)
    ]
    padding = [max(0, p - n) // 2 for p, n in zip(grid.plans.patch_size, grid.shape, strict=True)]
    found = [
        [
            [[a + pad, b + pad] for a, b, pad in zip(t.start, t.stop, padding, strict=True)]
            for t in tiling.tiles
        ]
        for tiling in tilings
    ]
    assert found == expected.facts["tiles_for_json_boxes"]
