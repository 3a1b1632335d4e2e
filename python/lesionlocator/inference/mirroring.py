"""Mirrorings of a patch, through a network and back."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from torch import Tensor, nn

    from lesionlocator.model import Weights

FIRST_SPATIAL_AXIS = 2
"""Of a tensor (batch, channel, z, y, x)."""


def mirrorings(weights: Weights, mirroring: bool) -> list[list[int]]:
    """Return the tensor axes of each mirroring, the unmirrored one first."""
    axes = weights.mirroring_axes if mirroring else ()
    return [
        [axis + FIRST_SPATIAL_AXIS for axis in chosen]
        for count in range(len(axes) + 1)
        for chosen in itertools.combinations(axes, count)
    ]


def mirrored(network: nn.Module, batch: Tensor, views: Sequence[tuple[int, list[int]]]) -> list[Tensor]:
    """Return lesion minus background of each mirroring of each sample, mirrored back."""
    samples = [batch[index : index + 1] for index, _ in views]
    turned = torch.cat(
        [sample.flip(axes) if axes else sample for sample, (_, axes) in zip(samples, views, strict=True)]
    )
    logits = network(turned.contiguous(memory_format=torch.channels_last_3d))
    return [_restored(sample, axes) for sample, (_, axes) in zip(logits, views, strict=True)]


def _restored(logits: Tensor, axes: Sequence[int]) -> Tensor:
    """Return lesion minus background of one sample (2, z, y, x), mirrored back."""
    difference = logits[1].float() - logits[0].float()
    return difference.flip([axis - FIRST_SPATIAL_AXIS for axis in axes]) if axes else difference
