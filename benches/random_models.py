"""Random models of the published layout, full-size and small, and scans and lesions to run them on."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import save_file

from lesionlocator.geometry import Box, Geometry
from lesionlocator.io import LabelMap, Scan
from lesionlocator.model import Plans, build_network
from lesionlocator.prompts.kinds import LesionPrompt, PromptSet
from lesionlocator.tracking.ensemble import TrackingNetwork

_SPACING = (1.5, 1.0, 1.0)
_EDGE = 8
_RESAMPLING = {"resampling_fn_data": 3, "resampling_fn_seg": 1, "resampling_fn_probabilities": 1}
"""What is resampled, and the order of its splines in the cubic family."""
_AXES = (0, 1, 2)


@dataclass(frozen=True)
class Size:
    """A network's patch and stages, the scan that it is to see, and the mirrorings of the tracking model.

    ``spacing`` is that of the network's grid.
    """

    patch: tuple[int, int, int]
    features: tuple[int, ...]
    blocks: tuple[int, ...]
    scan: tuple[int, int, int]
    tracking_axes: tuple[int, ...] = _AXES
    spacing: tuple[float, float, float] = _SPACING


SIZES = {
    "full": Size((160, 224, 224), (32, 64, 128, 256, 320, 320), (1, 3, 4, 6, 6, 6), (300, 400, 400)),
    "small": Size(
        (48, 64, 64), (8, 16, 32), (1, 2, 2), (300, 512, 512), tracking_axes=(), spacing=(1.0, 0.8, 0.8)
    ),
    "tiny": Size((16, 32, 32), (4, 8, 16), (1, 1, 1), (40, 64, 64), ()),
}


def write_models(folder: Path, size: Size, folds: int) -> None:
    """Write a segmentation and a tracking model in the published layout."""
    plans = network_plans(size)
    architecture = Plans.parse(plans, "plans").architecture
    for fold in range(folds):
        torch.manual_seed(fold)
        network = build_network(architecture, "plans")
        tracking = TrackingNetwork(network)
        tracking.unet_patch_size.copy_(torch.tensor(size.patch))
        for name, value in tracking.reg_net.named_parameters():
            if "lastConv" in name:
                value.data *= 0.05  # a displacement of about a voxel
        for kind, state, axes in (
            ("LesionLocatorSeg/bbox_optimized", network.state_dict(), _AXES),
            ("LesionLocatorTrack", tracking.state_dict(), size.tracking_axes),
        ):
            (folder / kind / f"fold_{fold}").mkdir(parents=True)
            (folder / kind / "plans.json").write_text(json.dumps(plans))
            allowed = {"inference_allowed_mirroring_axes": json.dumps(axes)}
            save_file(state, folder / kind / f"fold_{fold}" / "checkpoint_final.safetensors", allowed)


def scan(size: Size, seed: int) -> Scan:
    """Return soft tissue in air, with noise, on the spacing of the networks."""
    _, height, width = size.scan
    y, x = np.ogrid[:height, :width]
    body = ((y - height / 2) / (0.35 * height)) ** 2 + ((x - width / 2) / (0.42 * width)) ** 2 < 1
    voxels = np.empty(size.scan, np.int16)
    rng = np.random.default_rng(seed)
    for plane in voxels:
        plane[...] = np.where(body, 40, -1000) + 15 * rng.standard_normal(body.shape, np.float32)
    return Scan(f"scan {seed}", voxels, Geometry(size.scan, _SPACING))


def boxes(size: Size, count: int) -> PromptSet:
    """Return a box around each lesion."""
    return PromptSet([LesionPrompt(lesion, box=box) for lesion, box in _places(size, count).items()])


def labels(size: Size, count: int) -> LabelMap:
    """Return a cube for each lesion."""
    volume = np.zeros(size.scan, np.uint8)
    for lesion, box in _places(size, count).items():
        volume[box.slices] = lesion
    return LabelMap(volume, Geometry(size.scan, _SPACING))


def _places(size: Size, count: int) -> dict[int, Box]:
    """Return cubes in the body, one slab of slices each, so that none hides another."""
    depth, height, width = size.scan
    rng = np.random.default_rng(5)
    starts = np.linspace(1, depth - _EDGE - 1, count).astype(int)
    places = {}
    for lesion, z in enumerate(starts.tolist(), 1):
        y, x = (int(rng.integers(0.35 * n, 0.65 * n - _EDGE)) for n in (height, width))
        places[lesion] = Box((z, y, x), (z + _EDGE, y + _EDGE, x + _EDGE))
    return places


def network_plans(size: Size, *, cubic: bool = False) -> dict[str, Any]:
    """Return the content of a plans.json that resamples linearly, or by cubic splines as is usual."""
    stages = len(size.features)
    network = {
        "n_stages": stages,
        "features_per_stage": list(size.features),
        "kernel_sizes": [[3, 3, 3]] * stages,
        "strides": [[1, 1, 1], *[[2, 2, 2]] * (stages - 1)],
        "n_blocks_per_stage": list(size.blocks),
        "n_conv_per_stage_decoder": [1] * (stages - 1),
    }
    intensity = {"mean": -63.0, "std": 282.0, "percentile_00_5": -918.0, "percentile_99_5": 723.0}
    configuration = {
        "patch_size": list(size.patch),
        "spacing": list(size.spacing),
        "normalization_schemes": ["CTNormalization"],
        "use_mask_for_norm": [False],
        **(_cubic() if cubic else _linear()),
        "architecture": {
            "network_class_name": "dynamic_network_architectures.architectures.unet.ResidualEncoderUNet",
            "arch_kwargs": network,
        },
    }
    return {
        "transpose_forward": [0, 1, 2],
        "foreground_intensity_properties_per_channel": {"0": intensity},
        "configurations": {"3d_fullres": configuration},
    }


def _linear() -> dict[str, Any]:
    options = {"force_separate_z": False}
    return {
        **{name: "resample_torch_fornnunet" for name in _RESAMPLING},
        **{f"{name}_kwargs": options for name in _RESAMPLING},
    }


def _cubic() -> dict[str, Any]:
    return {
        **{name: "resample_data_or_seg_to_shape" for name in _RESAMPLING},
        **{
            f"{name}_kwargs": {"order": order, "order_z": 0, "force_separate_z": None}
            for name, order in _RESAMPLING.items()
        },
    }
