"""Masks equal those of the same computation done on whole volumes, one step after the other."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import lesionlocator as ll
import slow_reference
import tiny_models
from lesionlocator.geometry import Box, Geometry
from lesionlocator.io import Scan
from lesionlocator.prompts.kinds import LesionPrompt, PromptSet

SHAPE = (30, 40, 44)
SMALL_BOX = {"box": [(12, 18), (20, 28), (17, 26)]}
LARGE_BOX = {"box": [(4, 27), (6, 35), (3, 40)]}
CORNER = {"point": (0.6, 38.0, 43.2)}
CASES = {
    "a small box": ((2.5, 1.2, 1.2), SHAPE, SMALL_BOX),
    "a box that needs many tiles": ((2.5, 1.2, 1.2), SHAPE, LARGE_BOX),
    "a point at the corner": ((2.5, 1.2, 1.2), SHAPE, CORNER),
    "thick slices": ((7.0, 1.2, 1.2), SHAPE, {"point": (14.0, 20.0, 22.0)}),
    "a grid smaller than a patch": ((0.9, 0.7, 0.7), (24, 26, 44), {"box": [(10, 16), (8, 16), (17, 26)]}),
    "a grid smaller than a patch, many tiles": (
        (0.9, 0.7, 1.4),
        (24, 26, 44),
        {"box": [(2, 22), (8, 16), (3, 42)]},
    ),
    "no resampling": (tiny_models.SPACING, SHAPE, SMALL_BOX),
}


def scan(shape: tuple[int, int, int], spacing: tuple[float, float, float]) -> Scan:
    """Return smooth noise with a border of zeros, so that cropping matters."""
    from scipy.ndimage import gaussian_filter

    noise = np.random.default_rng(5).standard_normal(shape)
    voxels = (gaussian_filter(noise, 1.5) * 3000).astype(np.int16)
    voxels[voxels == 0] = 1
    voxels[:2] = voxels[:, -3:] = voxels[:, :, :1] = 0
    return Scan("noise", voxels, Geometry(shape, spacing))


def as_prompts(prompt: dict) -> PromptSet:
    if "point" in prompt:
        return PromptSet((LesionPrompt(1, point=prompt["point"]),))
    z, y, x = prompt["box"]
    return PromptSet((LesionPrompt(1, Box((z[0], y[0], x[0]), (z[1], y[1], x[1]))),))


@pytest.mark.parametrize("cubic", [False, True], ids=["linear", "cubic"])
@pytest.mark.parametrize("case", CASES)
def test_a_mask_equals_that_of_the_slow_way(tmp_path: Path, case: str, cubic: bool) -> None:
    spacing, shape, prompt = CASES[case]
    image = scan(shape, spacing)
    tiny_models.write(tmp_path, tiny_models.plans(cubic=cubic), folds=(0, 3), axes=(0, 2))
    model = ll.load_model(tmp_path, device="cpu")
    (kind,) = prompt
    result = model.segment(image, as_prompts(prompt), prompt_type=kind)
    expected = slow_reference.segment(
        image.voxels,
        spacing,
        prompt,
        [tiny_models.network(0), tiny_models.network(3)],
        (0, 2),
        patch=tiny_models.PATCH,
        target=tiny_models.SPACING,
        cubic=cubic,
    )
    found = result.labelmap
    assert 100 < expected.sum() < expected.size / 2
    assert (found != expected).sum() <= max(2, expected.sum() // 1000)


def test_voxels_are_not_modified_and_results_are_repeatable(tmp_path: Path) -> None:
    image = scan(SHAPE, (2.5, 1.2, 1.2))
    before = image.voxels.copy()
    tiny_models.write(tmp_path, tiny_models.plans())
    model = ll.load_model(tmp_path, device="cpu")
    first, second = (model.segment(image, as_prompts(SMALL_BOX)).labelmap for _ in range(2))
    np.testing.assert_array_equal(first, second)
    np.testing.assert_array_equal(image.voxels, before)


def test_progress_counts_every_network_call(tmp_path: Path) -> None:
    tiny_models.write(tmp_path, tiny_models.plans(), folds=(0, 1), axes=(1, 2))
    seen: list = []
    model = ll.load_model(tmp_path, device="cpu")
    model.segment(scan(SHAPE, (2.5, 1.2, 1.2)), as_prompts(SMALL_BOX), progress=seen.append)
    assert [(step.done, step.total, step.lesion_id) for step in seen] == [(n, 8, 1) for n in range(1, 9)]


def test_a_lesions_mask_is_an_array_of_the_scans_shape(tmp_path: Path) -> None:
    tiny_models.write(tmp_path, tiny_models.plans())
    model = ll.load_model(tmp_path, device="cpu", mirroring=False)
    outside = LesionPrompt(2, Box((90, 90, 90), (95, 95, 95)))
    (lesion,) = as_prompts(SMALL_BOX)
    result = model.segment(scan(SHAPE, (2.5, 1.2, 1.2)), PromptSet((lesion, outside)))
    np.testing.assert_array_equal(result.lesions[1].mask, result.labelmap == 1)
    assert result.lesions[2].mask is None
    assert "outside the scan" in result.lesions[2].warnings[0]
