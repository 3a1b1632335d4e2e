"""Small scans, and networks whose answers are known, for the tests of tracking."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch

from lesionlocator.geometry import Geometry, Shape
from lesionlocator.inference.device import choose_device
from lesionlocator.inference.memory import MemoryLadder
from lesionlocator.io import Scan
from lesionlocator.longitudinal import TrackingModel
from lesionlocator.model import NetworkFolder, Plans
from lesionlocator.preprocessing import ModelGrid

RESAMPLING = ("resampling_fn_data", "resampling_fn_seg", "resampling_fn_probabilities")
PATCH: Shape = (16, 16, 16)
PLANS: dict[str, Any] = {
    "transpose_forward": [0, 1, 2],
    "foreground_intensity_properties_per_channel": {
        "0": {"mean": 0.0, "std": 100.0, "percentile_00_5": -900.0, "percentile_99_5": 900.0}
    },
    "configurations": {
        "3d_fullres": {
            "patch_size": list(PATCH),
            "spacing": [1.0, 1.0, 1.0],
            "normalization_schemes": ["CTNormalization"],
            "use_mask_for_norm": [False],
            **{name: "resample_torch_fornnunet" for name in RESAMPLING},
            **{f"{name}_kwargs": {"force_separate_z": False} for name in RESAMPLING},
            "architecture": {
                "network_class_name": "dynamic_network_architectures.architectures.unet.ResidualEncoderUNet",
                "arch_kwargs": {
                    "n_stages": 2,
                    "features_per_stage": [2, 2],
                    "kernel_sizes": [[3, 3, 3], [3, 3, 3]],
                    "strides": [[1, 1, 1], [2, 2, 2]],
                    "n_blocks_per_stage": [1, 1],
                    "n_conv_per_stage_decoder": [1],
                },
            },
        }
    },
}
SHAPE: Shape = (24, 30, 28)


def scan(
    shape: Shape = SHAPE,
    *,
    seed: int = 0,
    name: str = "scan",
    spacing: tuple[float, float, float] = (1, 1, 1),
) -> Scan:
    voxels = np.random.default_rng(seed).integers(1, 500, shape).astype(np.int16)
    return Scan(name, voxels, Geometry(shape, spacing))


def grid(shape: Shape = SHAPE, **options: Any) -> ModelGrid:
    return ModelGrid(scan(shape, **options), Plans.parse(PLANS, "plans"))


def identity_map() -> np.ndarray:
    """Return the map of the cube onto itself."""
    axis = np.arange(175, dtype=np.float32) / 174
    return np.stack(np.meshgrid(axis, axis, axis, indexing="ij"))


class Answering:
    """A member of an ensemble whose map and logits are given by functions."""

    patch = PATCH

    def __init__(
        self,
        *,
        phi: Callable[[], np.ndarray] = identity_map,
        logits: Callable[[np.ndarray], np.ndarray] = lambda patch: patch[1] * 2 - 1,
        mirrorings: tuple[tuple[int, ...], ...] = ((),),
        batch: int = 1,
    ) -> None:
        self.memory = MemoryLadder(torch.device("cpu"), batch, sums_on_host=True)
        self.mirrorings = list(mirrorings)
        self.patches: list[np.ndarray] = []
        self.batches: list[int] = []
        self.registered = 0
        self._phi, self._logits = phi, logits

    def register(self, moving: np.ndarray, fixed: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        self.registered += 1
        return self._phi(), np.ascontiguousarray(moving)

    def logit_differences(self, patches: list[np.ndarray]) -> list[np.ndarray]:
        self.patches += patches
        self.batches.append(len(patches))
        return [self._logits(patch).astype(np.float32) for patch in patches]


class Ensemble:
    """Members that answer as they are told."""

    def __init__(self, *members: Answering) -> None:
        self.members = dict(enumerate(members))
        self.seconds = {"registration": 0.0, "network": 0.0}

    @property
    def lesions_at_once(self) -> int:
        return max(member.memory.batch for member in self.members.values())

    def new_notes(self) -> tuple[str, ...]:
        return ()

    @property
    def views(self) -> Iterator[tuple[int, tuple[int, ...]]]:
        return ((fold, axes) for fold, member in self.members.items() for axes in member.mirrorings)


def tracker(*members: Answering) -> TrackingModel:
    """Return a tracker with members in the place of networks."""
    folder = NetworkFolder(Path("model"), Plans.parse(PLANS, "plans"), {0: Path("fold_0")})
    made = TrackingModel(folder, choose_device("cpu"), folds=None, mirroring=True)
    made.ensemble = Ensemble(*members)
    return made


def cuboid(shape: Shape, start: Shape, stop: Shape, value: int = 1) -> np.ndarray:
    labels = np.zeros(shape, np.uint8)
    labels[tuple(slice(a, b) for a, b in zip(start, stop, strict=True))] = value
    return labels
