"""Masks that end a little beyond the boxes that a person drew, where a model's plans say so."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import lesionlocator as ll
import tiny_models
from lesionlocator.geometry import Box, Geometry
from lesionlocator.io import Scan
from lesionlocator.prompts.kinds import LesionPrompt, PromptSet
from lesionlocator.results.lesion import LesionResult
from lesionlocator.segmentation import SegmentationModel

SHAPE = (20, 40, 40)
BOX = Box((6, 10, 12), (14, 26, 21))
ROOM = Box((5, 8, 11), (15, 28, 22))
"""The box, and an eighth of 8, 16 and 9 voxels at each end, rounded down."""


def model(folder: Path, *, within_boxes: bool) -> SegmentationModel:
    tiny_models.write(folder, tiny_models.plans() | {"masks_within_boxes": within_boxes})
    return ll.load_model(folder, device="cpu", mirroring=False)


def scan() -> Scan:
    voxels = np.random.default_rng(3).normal(0, 300, SHAPE).astype(np.int16)
    return Scan("noise", voxels, Geometry(SHAPE, (2.0, 1.5, 1.5)))


def found(chosen: SegmentationModel, prompt: LesionPrompt, **options: object) -> LesionResult:
    work = chosen.prepare(scan(), PromptSet((prompt,)), **options)
    (lesion,) = work.run()
    return lesion


@pytest.fixture
def whole(tmp_path: Path) -> LesionResult:
    """What the network answers."""
    return found(model(tmp_path / "whole", within_boxes=False), LesionPrompt(1, BOX))


@pytest.fixture
def cutting(tmp_path: Path) -> SegmentationModel:
    return model(tmp_path / "cutting", within_boxes=True)


def test_a_mask_is_what_the_network_answers_within_the_widened_box(
    whole: LesionResult, cutting: SegmentationModel
) -> None:
    wanted = np.zeros(SHAPE, np.uint8)
    wanted[ROOM.slices] = whole.mask[ROOM.slices]
    mask = found(cutting, LesionPrompt(1, BOX)).mask
    assert 0 < wanted.sum() < whole.mask.sum()
    np.testing.assert_array_equal(mask, wanted)


def test_a_box_around_another_place_is_told_when_most_is_left_out(cutting: SegmentationModel) -> None:
    warnings = found(cutting, LesionPrompt(1, Box((8, 16, 16), (10, 18, 18)))).warnings
    assert any("more than half of what the network found lies beyond the box" in told for told in warnings)
    assert found(cutting, LesionPrompt(1, Box((0, 0, 0), SHAPE))).warnings == ()


def test_a_box_carried_over_from_another_scan_does_not_cut(
    whole: LesionResult, cutting: SegmentationModel
) -> None:
    carried = found(cutting, LesionPrompt(1, BOX), boxes_are_drawn=False)
    np.testing.assert_array_equal(carried.mask, whole.mask)


def test_a_point_is_not_a_box(tmp_path: Path, cutting: SegmentationModel) -> None:
    both = LesionPrompt(1, BOX, (10.0, 18.0, 16.0))
    uncut = found(model(tmp_path / "uncut", within_boxes=False), both, prompt_type="point")
    assert uncut.mask.any()
    np.testing.assert_array_equal(found(cutting, both, prompt_type="point").mask, uncut.mask)
