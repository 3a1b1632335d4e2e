"""Patches of cached cases, and their augmentation."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from lesionlocator.errors import InputError
from lesionlocator.prompts.kinds import PromptKind
from lesionlocator.training import augment
from lesionlocator.training.cache import CachedCase, CachedLesion
from lesionlocator.training.patches import Sampler
from lesionlocator.training.simulated import SHARES

PATCH, SPACING = (16, 16, 16), (2.0, 1.0, 1.0)


@pytest.fixture
def case() -> CachedCase:
    labels = np.zeros((30, 40, 50), np.uint16)
    labels[10:14, 20:25, 30:36] = 7
    image = np.random.default_rng(0).normal(size=(2, *labels.shape)).astype(np.float16)
    return CachedCase("case", image, labels, (CachedLesion(7, (12, 22, 33), 6.0),))


def test_patches_have_a_prompt_and_the_lesion_it_shows(case: CachedCase) -> None:
    sampler = Sampler([case], PATCH, SPACING, tuple(SHARES))
    drawn = [sampler.draw(np.random.default_rng(k)) for k in range(80)]
    empty = [patch for patch in drawn if not patch.target.any()]
    assert 5 <= len(empty) <= 35
    for patch in drawn:
        assert patch.inputs.shape == (3, *PATCH)
        assert patch.inputs.dtype == np.float32
        assert np.isfinite(patch.inputs).all()
        assert patch.inputs[-1].any()
        assert (patch.diameter_mm > 0) == patch.target.any()
        if patch.target.any() and isinstance(patch.kind, PromptKind):
            assert (patch.inputs[-1] * patch.target).any()


def test_the_same_seed_draws_the_same_patch(case: CachedCase) -> None:
    sampler = Sampler([case], PATCH, SPACING, tuple(SHARES))
    first, again = (sampler.draw(np.random.default_rng(3)) for _ in range(2))
    np.testing.assert_array_equal(first.inputs, again.inputs)
    np.testing.assert_array_equal(first.target, again.target)


def test_validation_patches_are_the_scan_as_it_is(case: CachedCase) -> None:
    fixed = Sampler([case], PATCH, SPACING, tuple(SHARES)).fixed(10)
    assert {patch.kind for patch in fixed} == set(SHARES)
    block = np.s_[4:20, 14:30, 25:41]
    np.testing.assert_allclose(fixed[0].inputs[:2], case.image[(slice(None), *block)], atol=1e-6)
    np.testing.assert_array_equal(fixed[0].target, case.labels[block] == 7)


def test_cases_without_lesions_are_refused(case: CachedCase) -> None:
    bare = CachedCase("bare", case.image, np.zeros_like(case.labels), ())
    with pytest.raises(InputError, match="no lesion in any of 1 cases: bare"):
        Sampler([bare], PATCH, SPACING, tuple(SHARES))


def test_turning_keeps_true_lengths_on_an_anisotropic_grid() -> None:
    center = (20.0, 20.0, 20.0)
    for seed in range(40):
        warp = augment.spatial(np.random.default_rng(seed), center, (9, 9, 9), SPACING)
        grid = np.stack(np.meshgrid(*(np.arange(41.0),) * 3, indexing="ij")).astype(np.float32)
        looks = np.stack([warp.image(axis, outside=0.0) for axis in grid])
        steps = [
            np.linalg.norm((looks[:, 4, 4, 5] - looks[:, 4, 4, 4]) * SPACING) / SPACING[2],
            np.linalg.norm((looks[:, 5, 4, 4] - looks[:, 4, 4, 4]) * SPACING) / SPACING[0],
        ]
        assert steps[0] == pytest.approx(steps[1], rel=1e-3)
        assert 0.7 < steps[0] < 1.45


def test_intensity_changes_keep_shape_and_stay_finite() -> None:
    image = ndimage.gaussian_filter(np.random.default_rng(1).normal(size=(1, 12, 14, 16)), 1).astype(
        np.float32
    )
    changed = [augment.intensities(np.random.default_rng(k), image) for k in range(40)]
    assert all(c.shape == image.shape and c.dtype == np.float32 and np.isfinite(c).all() for c in changed)
    assert sum(not np.array_equal(c, image) for c in changed) > 15
