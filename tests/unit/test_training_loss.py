"""The training loss against its definition."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from lesionlocator.training.loss import deep_supervision_loss, dice_and_cross_entropy


def logits_of(probability: np.ndarray) -> torch.Tensor:
    """Two-class logits whose softmax gives a foreground probability."""
    return torch.from_numpy(np.stack([np.log1p(-probability), np.log(probability)], axis=1))


def test_loss_equals_its_definition() -> None:
    rng = np.random.default_rng(0)
    probability = rng.uniform(0.05, 0.95, (2, 4, 4, 4))
    target = rng.uniform(0, 1, (2, 4, 4, 4))
    entropy = -(target * np.log(probability) + (1 - target) * np.log(1 - probability)).mean()
    dice = [
        (2 * (p * t).sum() + 1) / (p.sum() + t.sum() + 1) for p, t in zip(probability, target, strict=True)
    ]
    found = dice_and_cross_entropy(logits_of(probability), torch.from_numpy(target))
    assert float(found) == pytest.approx(entropy + 1 - np.mean(dice), rel=1e-6)


def test_a_perfect_answer_costs_nothing_and_the_opposite_much() -> None:
    target = np.zeros((1, 8, 8, 8))
    target[0, 2:5, 2:5, 2:5] = 1
    right = np.where(target > 0, 1 - 1e-6, 1e-6)
    assert float(dice_and_cross_entropy(logits_of(right), torch.from_numpy(target))) < 1e-3
    assert float(dice_and_cross_entropy(logits_of(1 - right), torch.from_numpy(target))) > 5


def test_an_empty_target_is_answered_best_by_nothing() -> None:
    target = torch.zeros((1, 8, 8, 8), dtype=torch.float64)
    little, more = (np.full((1, 8, 8, 8), p) for p in (1e-6, 0.2))
    assert dice_and_cross_entropy(logits_of(little), target) < dice_and_cross_entropy(logits_of(more), target)


def test_coarser_resolutions_weigh_half_and_see_the_mean_of_the_target() -> None:
    rng = np.random.default_rng(1)
    fine, coarse = (torch.from_numpy(rng.normal(size=(1, 2, n, n, n))) for n in (8, 4))
    target = torch.from_numpy((rng.random((1, 8, 8, 8)) < 0.3).astype(np.float32))
    pooled = target.reshape(1, 4, 2, 4, 2, 4, 2).mean(dim=(2, 4, 6))
    expected = (dice_and_cross_entropy(fine, target) + 0.5 * dice_and_cross_entropy(coarse, pooled)) / 1.5
    assert float(deep_supervision_loss([fine, coarse], target)) == pytest.approx(float(expected), rel=1e-5)
