"""A tracking model whose answer is known: it carries lesions over as they are, and finds just those."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import SimpleITK
import torch
from segment_cases import GRID, PLANS, SHAPE, echo_weights, noise, write_image, write_network
from torch import Tensor, nn

from lesionlocator.geometry import Geometry
from lesionlocator.tracking import cube, ensemble, registration

CENTRES = {1: (2, 5, 5), 7: (5, 10, 10)}


class Standing(nn.Module):
    """Stands for the registration network: nothing has moved."""

    def __init__(self) -> None:
        super().__init__()
        self.regis_net = nn.Linear(1, 1, bias=False)

    def forward(self, moving: Tensor, fixed: Tensor) -> Tensor:
        axes = torch.meshgrid(*(torch.arange(n) / (n - 1) for n in moving.shape[2:]), indexing="ij")
        return torch.stack(axes)[None]


def write_tracker(root: Path) -> Path:
    """Write a checkpoint with segmentation and tracking networks in the published layout."""
    for name in ("bbox_optimized", "point_optimized"):
        write_network(root / "LesionLocatorSeg" / name, PLANS, folds=(0,))
    write_network(root / "LesionLocatorTrack", PLANS, folds=(0,))
    unet = {f"unet.{name}": value for name, value in echo_weights(1.0).items()}
    weights = unet | {
        "unet_patch_size": torch.tensor([16, 16, 16]),
        "reg_net.regis_net.weight": torch.zeros(1, 1),
    }
    content = {"network_weights": weights, "inference_allowed_mirroring_axes": (0, 1, 2)}
    torch.save(content, root / "LesionLocatorTrack" / "fold_0" / "checkpoint_final.pth")
    return root


def lesions(ids: dict[int, tuple[int, int, int]]) -> np.ndarray[Any, Any]:
    """Return a label map with a cuboid around each centre."""
    labels = np.zeros(SHAPE, np.uint16)
    for lesion_id, (z, y, x) in ids.items():
        labels[z - 1 : z + 1, y - 2 : y + 2, x - 2 : x + 2] = lesion_id
    return labels


def write_patient(folder: Path, *, geometry: Geometry = GRID) -> dict[str, Path]:
    """Write a baseline, its label map, and two follow-ups."""
    paths = {
        name: write_image(folder / f"{name}.nii.gz", noise(seed), geometry)
        for seed, name in enumerate(("bl", "fu1", "fu2"))
    }
    return paths | {"labels": write_image(folder / "labels.nii.gz", lesions(CENTRES), geometry)}


def read(path: Path) -> np.ndarray[Any, Any]:
    return SimpleITK.GetArrayFromImage(SimpleITK.ReadImage(str(path)))


def stand_in(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let nothing move, and register on a small cube."""
    monkeypatch.setattr(ensemble, "RegistrationNetwork", Standing)
    for module in (cube, registration):
        monkeypatch.setattr(module, "SIZE", 48)
        monkeypatch.setattr(module, "CUBE", (48, 48, 48))
