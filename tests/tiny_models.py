"""Tiny random models in the published layout."""

from __future__ import annotations

import copy
import json
from pathlib import Path

import torch

from lesionlocator.networks import ResidualEncoderUNet

PATCH = (16, 16, 16)
SPACING = (2.0, 1.5, 1.5)
NETWORK = {
    "n_stages": 2,
    "features_per_stage": [4, 8],
    "kernel_sizes": [[3, 3, 3], [3, 3, 3]],
    "strides": [[1, 1, 1], [2, 2, 2]],
    "n_blocks_per_stage": [1, 1],
    "n_conv_per_stage_decoder": [1],
}
_LINEAR = {"name": "resample_torch_fornnunet", "kwargs": {"force_separate_z": False}}
_CUBIC = {"name": "resample_data_or_seg_to_shape", "kwargs": {"order_z": 0, "force_separate_z": None}}
_PLANS = {
    "foreground_intensity_properties_per_channel": {
        "0": {"mean": -63.0, "std": 282.0, "percentile_00_5": -918.0, "percentile_99_5": 723.0}
    },
    "configurations": {
        "3d_fullres": {
            "patch_size": list(PATCH),
            "spacing": list(SPACING),
            "normalization_schemes": ["CTNormalization"],
            "use_mask_for_norm": [False],
            "architecture": {
                "network_class_name": "dynamic_network_architectures.architectures.unet.ResidualEncoderUNet",
                "arch_kwargs": NETWORK,
            },
        }
    },
}


def plans(*, cubic: bool = False, **changes: object) -> dict:
    """Return the content of a plans.json; ``changes`` go into its configuration."""
    made = copy.deepcopy(_PLANS)
    configuration = made["configurations"]["3d_fullres"]
    family = _CUBIC if cubic else _LINEAR
    for kind in ("data", "seg", "probabilities"):
        configuration[f"resampling_fn_{kind}"] = family["name"]
        configuration[f"resampling_fn_{kind}_kwargs"] = family["kwargs"]
    configuration.update(changes)
    return made


def network(seed: int) -> ResidualEncoderUNet:
    """Return a random network whose answer leans on the dense prompt, so that its masks have a shape."""
    torch.manual_seed(seed)
    made = ResidualEncoderUNet(2, 2, **NETWORK).eval()
    head = made.decoder.seg_layers[-1]
    head.weight.data *= 4
    return made


def write(
    folder: Path, content: dict, *, folds: tuple[int, ...] = (0,), axes: tuple[int, ...] = (0, 1, 2)
) -> None:
    """Write a model below a checkpoint folder; fold k has the weights of ``network(k)``.

    One network for the prompts that the plans name, or, as published, one each for boxes and points.
    """
    for name in ("all_prompts",) if "prompts" in content else ("bbox_optimized", "point_optimized"):
        trained = folder / "LesionLocatorSeg" / name
        for fold in folds:
            (trained / f"fold_{fold}").mkdir(parents=True)
            checkpoint = {
                "network_weights": network(fold).state_dict(),
                "inference_allowed_mirroring_axes": axes,
            }
            torch.save(checkpoint, trained / f"fold_{fold}" / "checkpoint_final.pth")
        (trained / "plans.json").write_text(json.dumps(content))
