"""Cases, and a tiny model whose answer is known: it finds just the prompt."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import SimpleITK
import torch

from lesionlocator.geometry import Geometry
from lesionlocator.model.architectures import build_network
from lesionlocator.model.plans import Plans

RESAMPLING = {"resampling_fn_data", "resampling_fn_seg", "resampling_fn_probabilities"}
PLANS: dict[str, Any] = {
    "transpose_forward": [0, 1, 2],
    "foreground_intensity_properties_per_channel": {
        "0": {"mean": 0.0, "std": 100.0, "percentile_00_5": -900.0, "percentile_99_5": 900.0}
    },
    "configurations": {
        "3d_fullres": {
            "patch_size": [16, 16, 16],
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
                    "conv_op": "torch.nn.modules.conv.Conv3d",
                    "kernel_sizes": [[3, 3, 3], [3, 3, 3]],
                    "strides": [[1, 1, 1], [2, 2, 2]],
                    "n_blocks_per_stage": [1, 1],
                    "n_conv_per_stage_decoder": [1],
                    "conv_bias": True,
                    "norm_op": "torch.nn.modules.instancenorm.InstanceNorm3d",
                    "norm_op_kwargs": {"eps": 1e-5, "affine": True},
                    "dropout_op": None,
                    "nonlin": "torch.nn.LeakyReLU",
                },
                "_kw_requires_import": ["conv_op", "norm_op", "dropout_op", "nonlin"],
            },
        }
    },
}
SHAPE = (8, 16, 16)
GRID = Geometry(SHAPE, (2.0, 1.0, 1.0), (-10.0, 20.0, 30.5))
BOXES = {
    1: (2, 5, 3, 8, 3, 8),
    2: (3, 6, 6, 12, 6, 12),  # overlaps lesion 1
    4: (0, 8, 0, 16, 0, 16),  # all of the scan: the model finds nothing
    300: (5, 7, 1, 4, 11, 15),
}
"""Lesion ids with gaps, one above 255."""


def write_network(folder: Path, plans: dict[str, Any], *, folds: tuple[int, ...]) -> None:
    folder.mkdir(parents=True)
    (folder / "plans.json").write_text(json.dumps(plans))
    for fold in folds:
        checkpoint = {
            "network_weights": echo_weights(sureness=1.0 + fold),
            "inference_allowed_mirroring_axes": (0, 1, 2),
            "trainer_name": "trainer",
            "_best_ema": np.float64(0.5),
        }
        (folder / f"fold_{fold}").mkdir()
        torch.save(checkpoint, folder / f"fold_{fold}" / "checkpoint_final.pth")


def echo_weights(sureness: float) -> dict[str, torch.Tensor]:
    """Only the prompt passes the stem, the first skip and the last layer."""
    network = build_network(Plans.parse(PLANS, "echo").architecture, "echo")
    weights = {name: torch.zeros_like(tensor) for name, tensor in network.state_dict().items()}
    weights["encoder.stem.convs.0.conv.weight"][0, 1, 1, 1, 1] = 1.0
    weights["encoder.stem.convs.0.norm.weight"][:] = 1.0
    weights["decoder.stages.0.convs.0.conv.weight"][0, 2, 1, 1, 1] = 1.0
    weights["decoder.stages.0.convs.0.norm.weight"][:] = 1.0
    weights["decoder.seg_layers.0.weight"][1, 0] = sureness
    weights["decoder.seg_layers.0.bias"][0] = 0.01
    return weights


def write_image(path: Path, voxels: np.ndarray[Any, Any], geometry: Geometry = GRID) -> Path:
    image = SimpleITK.GetImageFromArray(voxels)
    image.SetSpacing(geometry.spacing[::-1])
    image.SetOrigin(geometry.origin_lps)
    image.SetDirection(geometry.direction_lps)
    path.parent.mkdir(parents=True, exist_ok=True)
    SimpleITK.WriteImage(image, str(path))
    return path


def write_prompts(path: Path, boxes: dict[int, tuple[int, ...]]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({str(lesion): {"box": list(box)} for lesion, box in boxes.items()}))
    return path


def noise(seed: int) -> np.ndarray[Any, Any]:
    return np.random.default_rng(seed).integers(-200, 200, SHAPE).astype(np.int16)


def contents(folder: Path, *, without: tuple[str, ...] = ("run.json",)) -> dict[str, bytes]:
    """All files of a folder, hidden ones included."""
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.name not in without}
