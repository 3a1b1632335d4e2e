"""Prompts on their way through the network: several at once as one by one, and nobody waits for another."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import tiny_models
from lesionlocator.geometry import Box, Geometry
from lesionlocator.inference.ensemble import Ensemble
from lesionlocator.inference.segmenter import segment_prompts
from lesionlocator.io import Scan
from lesionlocator.model import NetworkFolder, Plans, segmentation_folder
from lesionlocator.preprocessing import ModelGrid
from lesionlocator.prompts.on_grid import GridPrompt

PATIENCE = 60.0
BOXES = {
    3: Box((4, 4, 4), (9, 10, 11)),
    1: Box((2, 2, 2), (30, 20, 34)),  # larger than a patch: several tiles
    7: Box((20, 22, 18), (26, 27, 25)),
    8: Box((10, 4, 24), (14, 9, 30)),
}


@pytest.fixture(scope="module")
def grid() -> ModelGrid:
    voxels = np.random.default_rng(0).integers(-300, 300, (34, 36, 38)).astype(np.int16)
    scan = Scan("noise", voxels, Geometry(voxels.shape, tiny_models.SPACING))
    return ModelGrid(scan, Plans.parse(tiny_models.plans(), "plans"))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> NetworkFolder:
    made = tmp_path_factory.mktemp("model")
    tiny_models.write(made, tiny_models.plans())
    return segmentation_folder(Path(made), "box")


def ensemble(folder: NetworkFolder, **options: Any) -> Ensemble:
    return Ensemble(folder, folds=None, device=torch.device("cpu"), **({"mirroring": False} | options))


def prompts(grid: ModelGrid) -> list[GridPrompt]:
    made = [GridPrompt.of(lesion, box, grid.shape) for lesion, box in BOXES.items()]
    return [prompt for prompt in made if prompt is not None]


@pytest.mark.parametrize(("batch", "mirroring"), [(2, False), (5, False), (16, True)])
def test_lesions_in_batches_answer_as_one_by_one(
    folder: NetworkFolder, grid: ModelGrid, batch: int, mirroring: bool
) -> None:
    alone = ensemble(folder, batch=1, mirroring=mirroring)
    expected = [answer for prompt in prompts(grid) for answer in segment_prompts(alone, grid, [prompt])]
    together = ensemble(folder, batch=batch, mirroring=mirroring)
    calls: list[int] = []
    found = list(segment_prompts(together, grid, prompts(grid), on_forward=calls.append))
    assert [answer.prompt.lesion_id for answer in found] == list(BOXES)
    assert set(calls) == set(BOXES)
    for ours, theirs in zip(found, expected, strict=True):
        assert ours.logits.block == theirs.logits.block
        np.testing.assert_allclose(ours.logits.difference, theirs.logits.difference, rtol=1e-4, atol=1e-4)


def test_the_next_patch_is_prepared_while_the_network_runs(
    folder: NetworkFolder, grid: ModelGrid, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The network does not answer the first prompt before the second one is ready."""
    made, second = [0], threading.Event()
    images = ModelGrid.images

    def counted(self: ModelGrid, block: Box) -> Any:
        yield from images(self, block)
        made[0] += 1
        if made[0] == 2:
            second.set()

    monkeypatch.setattr(ModelGrid, "images", counted)
    one = ensemble(folder)
    one._members[0][0].register_forward_pre_hook(lambda *_: None if second.wait(PATIENCE) else 1 / 0)
    assert len(list(segment_prompts(one, grid, prompts(grid)))) == len(BOXES)


def test_the_network_runs_while_an_answer_is_worked_on(folder: NetworkFolder, grid: ModelGrid) -> None:
    calls, second = [0], threading.Event()

    def called(*_: object) -> None:
        calls[0] += 1
        if calls[0] == 2:
            second.set()

    one = ensemble(folder)
    one._members[0][0].register_forward_pre_hook(called)
    answers = segment_prompts(one, grid, prompts(grid))
    next(answers)
    assert second.wait(PATIENCE)
    answers.close()


def test_closing_ends_all_threads(folder: NetworkFolder, grid: ModelGrid) -> None:
    answers = segment_prompts(ensemble(folder), grid, prompts(grid))
    next(answers)
    answers.close()
    assert [t for t in threading.enumerate() if t.name == "lesionlocator-ahead"] == []


def test_what_goes_wrong_while_preparing_is_raised(
    folder: NetworkFolder, grid: ModelGrid, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError("a bug")

    monkeypatch.setattr(GridPrompt, "render", broken)
    with pytest.raises(ZeroDivisionError, match="a bug"):
        list(segment_prompts(ensemble(folder), grid, prompts(grid)))


def test_each_answer_says_how_long_each_stage_took(folder: NetworkFolder, grid: ModelGrid) -> None:
    for answer in segment_prompts(ensemble(folder), grid, prompts(grid)):
        assert set(answer.seconds) == {"prepare", "network", "wait"}
        assert all(value >= 0 for value in answer.seconds.values())
