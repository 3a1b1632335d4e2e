"""Patches that fit what is looked at, and points, which are seen in all of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from bright_network import Bright, ensemble_of

import tiny_models
from lesionlocator.errors import ModelError
from lesionlocator.geometry import Box, Geometry, Shape
from lesionlocator.inference import points
from lesionlocator.inference.ensemble import Ensemble
from lesionlocator.inference.points import segment_points
from lesionlocator.inference.segmenter import GridLogits, PromptAnswer, look, segment_prompts
from lesionlocator.io import Scan
from lesionlocator.model import Plans
from lesionlocator.preprocessing import ModelGrid
from lesionlocator.prompts.on_grid import GridPrompt
from lesionlocator.training.validation import dice

PLANS = tiny_models.plans() | {"fitted_patches": [[8, 8, 8], [12, 12, 12]]}
SHAPE = (40, 44, 48)
SMALL, MIDDLE, LARGE = (
    Box((5, 6, 7), (8, 9, 10)),
    Box((20, 20, 20), (24, 25, 25)),
    Box((24, 30, 28), (36, 41, 40)),
)
"""With a voxel more on each side: 5 voxels to a side, 7, and 14."""


@pytest.fixture
def grid() -> ModelGrid:
    voxels = np.full(SHAPE, -300, np.int16)
    for lesion in (SMALL, MIDDLE, LARGE):
        voxels[lesion.slices] = 400
    scan = Scan("blocks", voxels, Geometry(SHAPE, tiny_models.SPACING))
    return ModelGrid(scan, Plans.parse(PLANS, "plans"))


@pytest.fixture
def ensemble(tmp_path: Path) -> Ensemble:
    return ensemble_of(tmp_path, PLANS)


@pytest.fixture
def bright(ensemble: Ensemble) -> Bright:
    return Bright().stand_in(ensemble)


def prompt(lesion_id: int, target: Box | Shape) -> GridPrompt:
    made = GridPrompt.of(lesion_id, target, SHAPE)
    assert made is not None
    return made


def around(lesion: Box) -> Box:
    (z, y, x), (i, j, k) = lesion.start, lesion.stop
    return Box((z - 1, y - 1, x - 1), (i + 1, j + 1, k + 1))


def middle(lesion: Box) -> Shape:
    z, y, x = ((a + b) // 2 for a, b in zip(lesion.start, lesion.stop, strict=True))
    return z, y, x


def is_lesion(answer: PromptAnswer) -> np.ndarray[Any, Any]:
    mask = np.zeros(SHAPE, bool)
    mask[answer.logits.block.slices] = answer.logits.difference > 0
    return mask


@pytest.mark.parametrize(
    ("sides", "patch"),
    [((5, 5, 5), 8), ((5, 6, 5), 12), ((8, 8, 8), 12), ((9, 1, 1), 16), ((40, 40, 40), 16)],
)
def test_the_smallest_patch_that_leaves_a_third_of_it_free_is_taken(sides: Shape, patch: int) -> None:
    assert Plans.parse(PLANS, "plans").patch_for(sides) == (patch,) * 3
    assert Plans.parse(tiny_models.plans(), "plans").patch_for(sides) == tiny_models.PATCH


def test_boxes_are_seen_in_patches_that_fit_them(ensemble: Ensemble, bright: Bright, grid: ModelGrid) -> None:
    prompts = [prompt(i, around(lesion)) for i, lesion in enumerate((SMALL, MIDDLE, LARGE), start=1)]
    answers = list(segment_prompts(ensemble, grid, prompts))
    assert [tuple(asked.shape[1:]) for asked in bright.asked] == [(8, 8, 8), (12, 12, 12), (16, 16, 16)]
    for answer, lesion in zip(answers, (SMALL, MIDDLE, LARGE), strict=True):
        expected = np.zeros(SHAPE, bool)
        expected[lesion.slices] = True
        np.testing.assert_array_equal(is_lesion(answer), expected)


def test_patches_of_several_sizes_in_batches_answer_as_one_by_one(
    ensemble: Ensemble, grid: ModelGrid
) -> None:
    several = [
        prompt(i, around(lesion))
        for i, lesion in enumerate((SMALL, SMALL, LARGE, MIDDLE, SMALL, LARGE), start=1)
    ]
    alone = [answer for one in several for answer in segment_prompts(ensemble, grid, [one])]
    folder = ensemble.folder
    batched = Ensemble(folder, folds=None, device=torch.device("cpu"), mirroring=False, batch=4)
    for ours, theirs in zip(segment_prompts(batched, grid, several), alone, strict=True):
        assert ours.logits.block == theirs.logits.block
        np.testing.assert_allclose(ours.logits.difference, theirs.logits.difference, rtol=1e-4, atol=1e-4)


def test_a_point_is_seen_in_every_patch_and_then_by_the_box_around_what_was_found(
    ensemble: Ensemble, bright: Bright, grid: ModelGrid
) -> None:
    first = prompt(4, middle(SMALL))
    calls: list[int] = []
    (answer,) = segment_points(ensemble, grid, [first], on_forward=calls.append)
    assert [asked.shape[1] for asked in bright.asked] == [8, 12, 16, 8]
    assert bright.asked[2][1].sum() > 500  # a ball
    assert bright.asked[3][1].sum() == np.prod(around(SMALL).shape)
    assert answer.prompt == first
    assert calls == [4] * 4
    assert is_lesion(answer)[SMALL.slices].all()
    assert set(answer.seconds) == {"prepare", "network", "wait"}


def test_what_is_larger_than_the_small_patches_is_asked_for_by_the_box_around_it(
    ensemble: Ensemble, bright: Bright, grid: ModelGrid
) -> None:
    (answer,) = segment_points(ensemble, grid, [prompt(1, middle(LARGE))])
    *_, first, again = bright.asked
    assert again.shape == first.shape
    assert is_lesion(answer)[LARGE.slices].all()
    box = np.argwhere(again[1].numpy() > 0)
    assert (np.ptp(box, axis=0) + 1).prod() == again[1].sum()


def test_the_answer_counts_that_expects_to_agree_best(ensemble: Ensemble, grid: ModelGrid) -> None:
    """Sure of what is bright in one size of patch, and of nothing in the others."""
    for sure in (8, 12, 16):

        def network(inputs: torch.Tensor, sure: int = sure) -> torch.Tensor:
            strength = 9 if inputs.shape[-1] == sure else 0.1
            return torch.stack([torch.zeros_like(inputs[:, 0]), strength * (inputs[:, 0] - 0.5)], dim=1)

        ensemble._members = [(network, [[]])]
        sights = points.point_sights(prompt(1, middle(LARGE)), grid)
        sight, best = points._best(list(zip(sights, look(ensemble, sights), strict=True)))
        assert best.logits.block.shape == sight.tiling.patch == (sure,) * 3


def expected_dice(difference: np.ndarray[Any, Any], start: Shape = (9, 9, 9)) -> float:
    """Return what is expected of a patch that begins at ``start`` of a grid of 40 voxels to a side."""
    block = Box((0, 0, 0), (difference.shape[0], difference.shape[1], difference.shape[2])).shifted(start)
    return points.expected_dice(GridLogits(difference, block), (40, 40, 40))


def test_expected_dice_is_the_mean_over_what_the_probabilities_allow() -> None:
    rng = np.random.default_rng(3)
    difference = np.full((11, 11, 11), -9, np.float32)
    difference[1:-1, 1:-1, 1:-1] = rng.normal(0, 2, (9, 9, 9)).clip(-4, 4)
    probability, mask = 1 / (1 + np.exp(-difference)), difference > 0
    drawn = [rng.random(mask.shape) < probability for _ in range(400)]
    expected = np.mean([dice(mask, truth) for truth in drawn])
    assert expected_dice(difference) == pytest.approx(expected, abs=0.01)
    assert expected_dice(np.full((2, 2, 2), -3, np.float32)) == 0


@pytest.mark.parametrize(
    ("start", "inside"),
    [((9, 9, 9), 6**3), ((0, 9, 9), 7 * 6 * 6), ((9, 32, 9), 6 * 7 * 6), ((0, 32, 32), 7**3)],
)
def test_what_fills_a_patch_is_expected_to_go_on_beyond_it_unless_the_grid_ends(
    start: Shape, inside: int
) -> None:
    full = np.full((8, 8, 8), 500, np.float32)
    goes_on = 2 * (512 - inside)  # a quarter of eight voxels
    assert expected_dice(full, start) == pytest.approx(2 * 512 / (2 * 512 + goes_on))


def test_what_stays_within_a_patch_is_all() -> None:
    inside = np.full((8, 8, 8), -500, np.float32)
    inside[1:7, 1:7, 1:7] = 500
    assert expected_dice(inside) == pytest.approx(1)


def test_only_the_last_look_at_a_point_is_mirrored(
    ensemble: Ensemble, bright: Bright, grid: ModelGrid
) -> None:
    mirroring = Ensemble(ensemble.folder, folds=None, device=torch.device("cpu"), mirroring=True)
    (_, flips), *_ = mirroring._members
    assert len(flips) == 8
    mirroring._members = [(bright, flips)]
    calls: list[int] = []
    (answer,) = segment_points(mirroring, grid, [prompt(4, middle(SMALL))], on_forward=calls.append)
    assert [asked.shape[1] for asked in bright.asked] == [8, 12, 16] + [8] * 8
    assert calls == [4] * 11
    assert is_lesion(answer)[SMALL.slices].all()


def test_where_nothing_was_found_no_box_is_asked_for(
    ensemble: Ensemble, bright: Bright, grid: ModelGrid
) -> None:
    both = [prompt(1, (10, 35, 10)), prompt(2, middle(SMALL))]
    empty, found = segment_points(ensemble, grid, both)
    assert len(bright.asked) == 8
    assert torch.equal(bright.asked[6], bright.asked[0])  # the point again, not a box
    assert (empty.prompt.lesion_id, found.prompt.lesion_id) == (1, 2)
    assert not is_lesion(empty).any()
    assert is_lesion(found).any()


def test_many_points_come_back_in_their_order(ensemble: Ensemble, bright: Bright, grid: ModelGrid) -> None:
    many = [prompt(i, middle((SMALL, MIDDLE)[i % 2])) for i in range(70, 0, -1)]
    assert [answer.prompt for answer in segment_points(ensemble, grid, many)] == many
    assert len(bright.asked) == 280


def test_a_patch_that_the_network_cannot_halve_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"fitted_patches \[9, 8, 8\] is not divisible"):
        ensemble_of(tmp_path, tiny_models.plans() | {"fitted_patches": [[9, 8, 8]]})
