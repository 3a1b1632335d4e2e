"""What is small is looked at on a finer grid."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from bright_network import Bright, ensemble_of

import tiny_models
from lesionlocator import load_model
from lesionlocator.geometry import Box, Geometry
from lesionlocator.inference.ensemble import Ensemble
from lesionlocator.inference.points import segment_points
from lesionlocator.inference.segmenter import PromptAnswer, segment_prompts
from lesionlocator.io import LabelMap, Scan
from lesionlocator.model import Plans
from lesionlocator.preprocessing import ModelGrid
from lesionlocator.progress import Progress
from lesionlocator.prompts.kinds import Kind, LesionPrompt, MaskKind, PromptKind, PromptSet
from lesionlocator.prompts.on_grid import (
    OUTSIDE,
    GridPrompt,
    prompt_from_mask,
    prompt_from_voxels,
    prompts_from_labels,
)
from lesionlocator.results.export import scan_mask
from lesionlocator.results.lesion import LesionStatus

FITTED = {"fitted_patches": [[8, 8, 8], [12, 12, 12]], "prompts": ["box", "point", "prev_mask"]}
COARSE = tiny_models.plans(spacing=[2.0, 2.0, 2.0]) | FITTED
PLANS = COARSE | {"fine_spacing": [1.0, 1.0, 1.0]}
SHAPE = (44, 48, 52)
"""Voxels of 1 mm, as the finer grid has."""
SMALL, LARGE = Box((11, 12, 13), (14, 16, 16)), Box((30, 33, 36), (43, 46, 49))


def scan() -> Scan:
    voxels = np.full(SHAPE, -300, np.int16)
    for lesion in (SMALL, LARGE):
        voxels[lesion.slices] = 400
    return Scan("blocks", voxels, Geometry(SHAPE, (1.0, 1.0, 1.0)))


def labels(*boxes: Box) -> np.ndarray[Any, Any]:
    made = np.zeros(SHAPE, np.uint8)
    for label, box in enumerate(boxes, start=1):
        made[box.slices] = label
    return made


@pytest.fixture
def grid() -> ModelGrid:
    return ModelGrid(scan(), Plans.parse(PLANS, "plans"))


@pytest.fixture
def ensemble(tmp_path: Path) -> Ensemble:
    return ensemble_of(tmp_path, PLANS)


@pytest.fixture
def bright(ensemble: Ensemble) -> Bright:
    return Bright().stand_in(ensemble)


def placed(grid: ModelGrid, lesion: Box, kind: Kind, lesion_id: int = 1) -> GridPrompt:
    z, y, x = ((a + b - 1) / 2 for a, b in zip(lesion.start, lesion.stop, strict=True))
    if isinstance(kind, MaskKind):
        made = prompt_from_mask(lesion_id, np.ones(lesion.shape, np.uint8), lesion, grid)
    else:
        made = prompt_from_voxels(LesionPrompt(lesion_id, lesion, (z, y, x)), kind, grid)
    assert isinstance(made, GridPrompt)
    return made


def mask_in_scan(answer: PromptAnswer) -> np.ndarray[Any, Any]:
    found = scan_mask(answer.logits, answer.grid)
    assert found is not None
    return found.full() > 0


def test_the_finer_grid_is_that_of_the_finer_plan_over_the_same_region(grid: ModelGrid) -> None:
    assert grid.fine is not None
    assert grid.fine is grid.fine
    assert grid.shape == (22, 24, 26)
    assert grid.fine.shape == SHAPE
    assert grid.fine.crop == grid.crop
    assert grid.fine.fine is None
    assert ModelGrid(scan(), Plans.parse(COARSE, "plans")).fine is None


@pytest.mark.parametrize("kind", [PromptKind.BOX, MaskKind.PREVIOUS])
def test_what_fits_is_seen_on_the_finer_grid_where_its_mask_is_exact(
    ensemble: Ensemble, bright: Bright, grid: ModelGrid, kind: Kind
) -> None:
    prompts = [placed(grid, SMALL, kind), placed(grid, LARGE, kind)]
    small, large = segment_prompts(ensemble, grid, prompts)
    assert (small.grid, large.grid) == (grid.fine, grid)
    assert [small.prompt, large.prompt] == prompts
    np.testing.assert_array_equal(mask_in_scan(small), labels(SMALL) > 0)
    asked, _ = bright.asked
    margin = 1 if kind is PromptKind.BOX else 0
    assert asked[1].sum() == np.prod(np.add(SMALL.shape, 2 * margin))


def test_masks_are_those_of_the_finer_model_alone(tmp_path: Path) -> None:
    tiny_models.write(tmp_path / "both", PLANS)
    tiny_models.write(tmp_path / "fine", tiny_models.plans(spacing=[1.0, 1.0, 1.0]) | FITTED)
    drawn = PromptSet.of([LesionPrompt(1, SMALL)])
    both, alone = (
        load_model(tmp_path / name, device="cpu").segment(scan(), drawn).masks[1] for name in ("both", "fine")
    )
    np.testing.assert_array_equal(both.full(), alone.full())
    np.testing.assert_array_equal(both.logits, alone.logits)


def test_published_models_see_everything_on_their_grid() -> None:
    plain = ModelGrid(scan(), Plans.parse(tiny_models.plans(), "plans"))
    prompt = placed(plain, SMALL, PromptKind.BOX)
    assert prompt.finer is None
    assert prompt.sharpest(plain) == (prompt, plain)


def test_a_point_is_seen_on_both_grids(ensemble: Ensemble, bright: Bright, grid: ModelGrid) -> None:
    points = [placed(grid, SMALL, PromptKind.POINT, 1), placed(grid, LARGE, PromptKind.POINT, 2)]
    small, large = segment_points(ensemble, grid, points)
    sides = [asked.shape[1] for asked in bright.asked]
    assert sides[:10] == [8, 12, 8, 12, 16] * 2
    assert len(sides) == 12
    ball = np.argwhere(bright.asked[1][1].numpy() > 0)
    assert bright.asked[1][0][tuple(np.rint(ball.mean(axis=0)).astype(int))] > 0  # around what was clicked
    for answer, lesion in ((small, SMALL), (large, LARGE)):
        assert mask_in_scan(answer)[lesion.slices].mean() > 0.6


@pytest.mark.parametrize("mirroring", [True, False])
def test_progress_at_points_ends_at_its_total(tmp_path: Path, mirroring: bool) -> None:
    tiny_models.write(tmp_path, PLANS, folds=(0, 1))
    model = load_model(tmp_path, device="cpu", mirroring=mirroring)
    told: list[Progress] = []
    clicks = PromptSet.of([LesionPrompt(1, point=(12, 13, 14)), LesionPrompt(2, point=(4, 40, 4))])
    model.segment(scan(), clicks, prompt_type=PromptKind.POINT, progress=told.append)
    assert [one.done for one in told] == [*range(1, told[-1].total + 1)]
    assert told[-1].total == 2 * 2 * (5 + (8 if mirroring else 1))


def test_a_box_around_what_a_point_shows_is_seen_on_the_finer_grid_if_it_fits_there(
    ensemble: Ensemble, grid: ModelGrid
) -> None:
    asked: list[torch.Tensor] = []

    def network(inputs: torch.Tensor) -> torch.Tensor:
        asked.append(inputs)
        sure = 9 if inputs.shape[-1] == tiny_models.PATCH[0] else 0.1
        return torch.stack([torch.zeros_like(inputs[:, 0]), sure * inputs[:, 0]], dim=1)

    ensemble._members = [(network, [[]])]
    (answer,) = segment_points(ensemble, grid, [placed(grid, SMALL, PromptKind.POINT)])
    assert len(asked) == 6
    assert answer.grid is grid.fine
    np.testing.assert_array_equal(mask_in_scan(answer), labels(SMALL) > 0)


@pytest.mark.parametrize("kind", [*PromptKind, MaskKind.PREVIOUS])
def test_lesions_of_label_maps_prompt_as_they_are_in_the_scan(grid: ModelGrid, kind: Kind) -> None:
    for made in (labels(SMALL), labels(SMALL, LARGE)):
        prompt = prompts_from_labels(made, kind, grid)[1]
        direct = placed(grid, SMALL, kind)
        assert isinstance(prompt, GridPrompt)
        assert prompt.extent == direct.extent
        assert prompt.finer is not None
        assert direct.finer is not None
        out, expected = np.zeros(SHAPE, np.float32), np.zeros(SHAPE, np.float32)
        prompt.finer.render(out, (0, 0, 0))
        direct.finer.render(expected, (0, 0, 0))
        np.testing.assert_array_equal(out, expected)


@pytest.mark.parametrize("kind", [*PromptKind, MaskKind.PREVIOUS])
def test_what_vanishes_on_the_models_grid_is_seen_on_the_finer_one(kind: Kind, tmp_path: Path) -> None:
    made = labels(SMALL, LARGE)
    made[4, 6, 8] = 3
    prompts = LabelMap(made, scan().geometry)
    tiny_models.write(tmp_path / "both", PLANS)
    tiny_models.write(tmp_path / "coarse", COARSE)
    both, coarse = (load_model(tmp_path / name, device="cpu") for name in ("both", "coarse"))
    assert both.segment(scan(), prompts, prompt_type=kind).lesions[3].status is not LesionStatus.REFUSED
    refused = coarse.segment(scan(), prompts, prompt_type=kind).lesions[3]
    assert refused.status is LesionStatus.REFUSED
    assert refused.warnings == (
        "1 voxels are too few: they vanish on the model grid; prompt by box or point",
    )


@pytest.mark.parametrize("plans", [PLANS, COARSE], ids=["both", "coarse"])
@pytest.mark.parametrize("kind", [PromptKind.BOX, MaskKind.PREVIOUS])
def test_labels_where_there_is_no_image_are_refused_as_such(
    plans: dict[str, Any], kind: Kind, tmp_path: Path
) -> None:
    voxels = scan().voxels.copy()
    voxels[:8] = 0
    made = labels(SMALL, LARGE)
    made[2:4, 6:9, 8:11] = 3
    tiny_models.write(tmp_path, plans)
    found = load_model(tmp_path, device="cpu").segment(
        Scan("blocks", voxels, scan().geometry), LabelMap(made, scan().geometry), prompt_type=kind
    )
    assert found.lesions[3].warnings == (OUTSIDE,)
    assert [i for i, one in found.lesions.items() if one.status is not LesionStatus.REFUSED] == [1, 2]


@pytest.mark.parametrize("only", [1, 2])
def test_a_label_map_and_the_boxes_around_its_lesions_give_the_same(tmp_path: Path, only: int) -> None:
    tiny_models.write(tmp_path, PLANS)
    model = load_model(tmp_path, device="cpu")
    made = labels(SMALL) * np.uint8(only)
    by_map = model.segment(scan(), LabelMap(made, scan().geometry))
    by_box = model.segment(scan(), PromptSet.of([LesionPrompt(only, SMALL)]))
    np.testing.assert_array_equal(by_map.masks[only].full(), by_box.masks[only].full())
