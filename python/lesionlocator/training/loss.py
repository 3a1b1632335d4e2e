"""Dice and cross-entropy over all resolutions of the network."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch.nn import functional as F

if TYPE_CHECKING:
    from torch import Tensor

_SMOOTH_VOXELS = 1.0


def deep_supervision_loss(logits: list[Tensor], target: Tensor, focus: Tensor) -> Tensor:
    """Return the weighted mean loss over resolutions; each coarser one weighs half of the finer.

    Parameters
    ----------
    logits
        (batch, 2, z, y, x) of every resolution, the finest first.
    target
        Foreground as 0 and 1, float32, (batch, z, y, x), at the finest resolution. Coarser ones see the
        fraction of foreground in each of their voxels.
    focus
        Where the answer is decided, as 0 and 1, like ``target``; not empty in any sample.
    """
    total, weights, weight = torch.zeros((), device=target.device), 0.0, 1.0
    for level in logits:
        size = [t // s for t, s in zip(target.shape[1:], level.shape[2:], strict=True)]
        fraction = F.avg_pool3d(target[:, None], size)[:, 0]
        near = F.max_pool3d(focus[:, None], size)[:, 0]
        total = total + weight * dice_and_cross_entropy(level.float(), fraction, near)
        weights += weight
        weight /= 2
    return total / weights


def dice_and_cross_entropy(logits: Tensor, target: Tensor, focus: Tensor) -> Tensor:
    """Return cross-entropy plus soft Dice loss, the latter of samples that have foreground.

    Cross-entropy is the mean over all voxels plus, averaged over samples, its mean where the answer is
    decided. Without the second term a small lesion, or a prompt that holds none, hardly counts among the
    voxels far from the prompt.

    Parameters
    ----------
    logits
        (batch, 2, z, y, x).
    target
        Fraction of foreground, (batch, z, y, x).
    focus
        Weight of voxels in the second term, (batch, z, y, x), with a positive sum in each sample.
    """
    difference = logits[:, 1] - logits[:, 0]
    entropy = F.binary_cross_entropy_with_logits(difference, target, reduction="none")
    near = (entropy * focus).flatten(1).sum(1) / focus.flatten(1).sum(1)
    foreground = torch.sigmoid(difference).flatten(1)
    truth = target.flatten(1)
    overlap = 2 * (foreground * truth).sum(1) + _SMOOTH_VOXELS
    dice = overlap / (foreground.sum(1) + truth.sum(1) + _SMOOTH_VOXELS)
    return entropy.mean() + near.mean() + ((1 - dice) * truth.amax(1).gt(0)).mean()


def focus_of(prompt: Tensor, target: Tensor) -> Tensor:
    """Return where a sample's answer is decided: within 3 voxels of its prompt or its lesion.

    Parameters
    ----------
    prompt, target
        0 and 1, float32, (batch, z, y, x).
    """
    for size in (3, 3, 3):
        prompt = F.max_pool3d(torch.maximum(prompt, target)[:, None], size, 1, size // 2)[:, 0]
    return prompt
