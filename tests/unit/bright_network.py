"""A network that needs no training: it calls lesion what is bright."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

import tiny_models
from lesionlocator.inference.ensemble import Ensemble
from lesionlocator.model import segmentation_folder


class Bright(torch.nn.Module):
    """Calls lesion what is bright, and keeps what it was asked."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[torch.Tensor] = []

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        self.asked += list(inputs.clone())
        return torch.stack([torch.zeros_like(inputs[:, 0]), inputs[:, 0] - 0.5], dim=1)

    def stand_in(self, ensemble: Ensemble) -> Bright:
        """Take the place of an ensemble's network."""
        ensemble._members = [(self, [[]])]
        return self


def ensemble_of(root: Path, plans: dict[str, Any]) -> Ensemble:
    """Return a tiny model of some plans, written to a folder, without mirroring."""
    tiny_models.write(root, plans)
    folder = segmentation_folder(root, "box")
    return Ensemble(folder, folds=None, device=torch.device("cpu"), mirroring=False)
