"""The training loss against its definition."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from lesionlocator.training.loss import deep_supervision_loss, dice_and_cross_entropy, focus_of


def logits_of(probability: np.ndarray) -> torch.Tensor:
    """Two-class logits whose softmax gives a foreground probability."""
    return torch.from_numpy(np.stack([np.log1p(-probability), np.log(probability)], axis=1))


def everywhere(target: torch.Tensor) -> torch.Tensor:
    return torch.ones_like(target)


def test_loss_equals_its_definition() -> None:
    rng = np.random.default_rng(0)
    probability = rng.uniform(0.05, 0.95, (2, 4, 4, 4))
    target = rng.uniform(0, 1, (2, 4, 4, 4))
    focus = (rng.random((2, 4, 4, 4)) < 0.4).astype(float)
    entropy = -(target * np.log(probability) + (1 - target) * np.log(1 - probability))
    near = [(e * f).sum() / f.sum() for e, f in zip(entropy, focus, strict=True)]
    dice = [
        (2 * (p * t).sum() + 1) / (p.sum() + t.sum() + 1) for p, t in zip(probability, target, strict=True)
    ]
    found = dice_and_cross_entropy(logits_of(probability), torch.from_numpy(target), torch.from_numpy(focus))
    assert float(found) == pytest.approx(entropy.mean() + np.mean(near) + 1 - np.mean(dice), rel=1e-6)


def test_a_perfect_answer_costs_nothing_and_the_opposite_much() -> None:
    target = torch.zeros((1, 8, 8, 8), dtype=torch.float64)
    target[0, 2:5, 2:5, 2:5] = 1
    right = np.where(target > 0, 1 - 1e-6, 1e-6)
    assert float(dice_and_cross_entropy(logits_of(right), target, everywhere(target))) < 1e-3
    assert float(dice_and_cross_entropy(logits_of(1 - right), target, everywhere(target))) > 5


def test_a_prompt_that_holds_nothing_teaches_as_much_as_one_that_does() -> None:
    target = torch.zeros((1, 16, 16, 16), dtype=torch.float64)
    focus = torch.zeros_like(target)
    focus[0, 6:9, 6:9, 6:9] = 1
    logits = torch.zeros((1, 2, 16, 16, 16), dtype=torch.float64, requires_grad=True)
    loss = dice_and_cross_entropy(logits, target, focus)
    loss.backward()
    assert logits.grad is not None
    near, far = logits.grad[0, 1, 7, 7, 7], logits.grad[0, 1, 0, 0, 0]
    assert float(near) > 0.5 / 27
    assert 0 < float(far) < 0.01 * float(near)


def test_focus_reaches_three_voxels_around_prompt_and_lesion() -> None:
    prompt, target = torch.zeros((1, 20, 20, 20)), torch.zeros((1, 20, 20, 20))
    prompt[0, 4, 4, 4] = target[0, 15, 15, 15] = 1
    focus = focus_of(prompt, target)
    assert focus.sum() == 2 * 7**3
    assert focus[0, 1, 7, 4] == 1
    assert focus[0, 18, 12, 15] == 1


def test_coarser_resolutions_weigh_half_and_see_the_mean_of_the_target() -> None:
    rng = np.random.default_rng(1)
    fine, coarse = (torch.from_numpy(rng.normal(size=(1, 2, n, n, n))) for n in (8, 4))
    target = torch.from_numpy((rng.random((1, 8, 8, 8)) < 0.3).astype(np.float32))
    focus = torch.zeros_like(target)
    focus[0, :3, :3, :3] = 1
    pooled = target.reshape(1, 4, 2, 4, 2, 4, 2).mean(dim=(2, 4, 6))
    near = focus.reshape(1, 4, 2, 4, 2, 4, 2).amax(dim=(2, 4, 6))
    levels = dice_and_cross_entropy(fine, target, focus), dice_and_cross_entropy(coarse, pooled, near)
    expected = (levels[0] + 0.5 * levels[1]) / 1.5
    assert float(deep_supervision_loss([fine, coarse], target, focus)) == pytest.approx(
        float(expected), rel=1e-5
    )
