"""Dice and cross-entropy over all resolutions of the network."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch.nn import functional as F

if TYPE_CHECKING:
    from torch import Tensor

_SMOOTH_VOXELS = 1.0


def deep_supervision_loss(logits: list[Tensor], target: Tensor) -> Tensor:
    """Return the weighted mean loss over resolutions; each coarser one weighs half of the finer.

    Parameters
    ----------
    logits
        (batch, 2, z, y, x) of every resolution, the finest first.
    target
        Foreground as 0 and 1, float32, (batch, z, y, x), at the finest resolution. Coarser ones see the
        fraction of foreground in each of their voxels.
    """
    total, weights, weight = torch.zeros(()), 0.0, 1.0
    for level in logits:
        size = [t // s for t, s in zip(target.shape[1:], level.shape[2:], strict=True)]
        fraction = F.avg_pool3d(target[:, None], size)[:, 0]
        total = total + weight * dice_and_cross_entropy(level.float(), fraction)
        weights += weight
        weight /= 2
    return total / weights


def dice_and_cross_entropy(logits: Tensor, target: Tensor) -> Tensor:
    """Return cross-entropy plus soft Dice loss of the foreground, the latter averaged over samples.

    Parameters
    ----------
    logits
        (batch, 2, z, y, x).
    target
        Fraction of foreground, (batch, z, y, x).
    """
    difference = logits[:, 1] - logits[:, 0]
    entropy = F.binary_cross_entropy_with_logits(difference, target)
    foreground = torch.sigmoid(difference).flatten(1)
    truth = target.flatten(1)
    overlap = 2 * (foreground * truth).sum(1) + _SMOOTH_VOXELS
    dice = overlap / (foreground.sum(1) + truth.sum(1) + _SMOOTH_VOXELS)
    return entropy + (1 - dice).mean()
