"""Dice of a network on samples."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lesionlocator.training.samples import Sample


def predict(network: torch.nn.Module, sample: Sample) -> NDArray[np.bool_]:
    """Return the network's mask of a sample, bool, (z, y, x)."""
    with torch.no_grad():
        logits = network(torch.from_numpy(sample.inputs)[None])[0]
    mask: NDArray[np.bool_] = (logits[1] > logits[0]).numpy()
    return mask


def dice(found: NDArray[np.bool_], truth: NDArray[np.bool_]) -> float:
    """Return the Dice coefficient of two masks, 1 where both are empty."""
    total = int(found.sum()) + int(truth.sum())
    return 2 * int((found & truth).sum()) / total if total else 1.0


def dice_by_prompt(network: torch.nn.Module, samples: list[Sample]) -> dict[str, float]:
    """Return the mean Dice of box and of point samples with a lesion, and of samples without one."""
    groups: dict[str, list[float]] = {}
    for sample in samples:
        kind = sample.kind.value if sample.target.any() else "empty"
        groups.setdefault(kind, []).append(dice(predict(network, sample), sample.target))
    return {f"dice_{kind}": float(np.mean(values)) for kind, values in sorted(groups.items())}
