"""Writing a model in the published folder layout."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from safetensors import safe_open
from safetensors.torch import save_file

from lesionlocator.errors import ModelError, OutputError
from lesionlocator.io import write_atomically
from lesionlocator.model import segmentation_folder
from lesionlocator.model.plans import CONFIGURATION, ResamplingFamily
from lesionlocator.training import recipe

if TYPE_CHECKING:
    from pathlib import Path

    import torch

NETWORK = "LesionLocatorSeg/all_prompts"
OPTIMIZED = {"box": "LesionLocatorSeg/bbox_optimized", "point": "LesionLocatorSeg/point_optimized"}
WEIGHTS = "fold_0/checkpoint_final.safetensors"


def save_model(
    network: torch.nn.Module,
    folder: Path,
    metadata: dict[str, str],
    *,
    content: dict[str, Any] | None = None,
    name: str = NETWORK,
    full_precision: bool = False,
) -> None:
    """Write plans, dataset description and weights (each tensor once) under ``folder``, weights last.

    Parameters
    ----------
    network
        Whose weights to write: in half precision, unless ``full_precision``.
    folder
        The checkpoint folder.
    metadata
        What the weights file tells about itself.
    content
        Of plans.json; by default that of :func:`plans`, and what only the training of the built-in model
        teaches a network.
    name
        Folder of the network below ``folder``.

    Raises
    ------
    OutputError
        Where a file cannot be written.
    """
    home, content = folder / name, plans() | _OF_THE_RECIPE if content is None else content
    schemes = content["configurations"][CONFIGURATION]["normalization_schemes"]
    channels = {str(i): "CT" if i == 0 else f"channel {i}" for i in range(len(schemes))}
    try:
        (home / WEIGHTS).parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"cannot make folder {home}: {error.strerror}") from error
    for file, described in (("plans.json", content), ("dataset.json", DATASET | {"channel_names": channels})):
        with write_atomically(home / file) as partial:
            partial.write_text(json.dumps(described, indent=1) + "\n", encoding="utf-8")
    tensors = network.state_dict().items()
    with write_atomically(home / WEIGHTS) as partial:
        save_file(
            {
                key: (t.detach().cpu() if full_precision else t.detach().cpu().half()).contiguous()
                for key, t in tensors
            },
            partial,
            metadata=metadata,
        )
        partial.chmod(0o644)  # safetensors makes files that only their owner can read


def single_weights(folder: Path) -> Path:
    """Return the weights file of a checkpoint folder whose network has one fold.

    Raises
    ------
    ModelError
        Where it holds no model, or one of several folds.
    """
    network = segmentation_folder(folder, "box")
    if len(network.folds) != 1:
        raise ModelError(f"{network.path}: has the folds {sorted(network.folds)}; legal here: one fold")
    return next(iter(network.folds.values()))


def history_of(weights: Path) -> list[dict[str, str]]:
    """Return what weights tell about their training and about those it started from, the latest first."""
    with safe_open(weights, framework="pt") as file:
        told = dict(file.metadata() or {})
    return [told, *json.loads(told.pop("started_from", "[]"))]


def base_metadata(command: str, seed: int) -> dict[str, str]:
    """Return what weights tell about themselves."""
    return {
        "trainer_name": "lesionlocator.training",
        "inference_allowed_mirroring_axes": json.dumps([0, 1, 2]),
        "training_command": command,
        "seed": str(seed),
    }


_OF_THE_RECIPE: dict[str, Any] = {
    "masks_within_boxes": True,
    "fitted_patches": [list(patch) for patch in recipe.SMALL_PATCHES],
    "fine_spacing": list(recipe.FINE_SPACING_MM),
}
DATASET: dict[str, Any] = {
    "channel_names": {"0": "CT"},
    "labels": {"background": 0, "lesion": 1},
    "numTraining": 0,
    "file_ending": ".nii.gz",
}


def plans() -> dict[str, Any]:
    """Return the content of plans.json for :mod:`lesionlocator.training.recipe`."""
    linear = {"is_seg": False, "memefficient_seg_resampling": True, "force_separate_z": False}
    resampling: dict[str, Any] = {}
    for what in ("data", "seg", "probabilities"):
        resampling[f"resampling_fn_{what}"] = ResamplingFamily.LINEAR.value
        resampling[f"resampling_fn_{what}_kwargs"] = {**linear, "is_seg": what == "seg"}
    lower, upper = recipe.CLIP_HU
    return {
        "dataset_name": "LesionLocatorSeg",
        "plans_name": "lesionlocator_builtin",
        "image_reader_writer": "SimpleITKIO",
        "transpose_forward": [0, 1, 2],
        "transpose_backward": [0, 1, 2],
        "orientation": "LPS",
        "prompts": list(recipe.PROMPTS),
        "configurations": {
            CONFIGURATION: {
                "batch_size": 1,
                "patch_size": list(recipe.PATCH),
                "spacing": list(recipe.SPACING_MM),
                "normalization_schemes": ["CTNormalization"],
                "use_mask_for_norm": [False],
                **resampling,
                "architecture": _architecture(),
            }
        },
        "foreground_intensity_properties_per_channel": {
            "0": {
                "mean": recipe.MEAN_HU,
                "std": recipe.STD_HU,
                "percentile_00_5": lower,
                "percentile_99_5": upper,
            }
        },
    }


def _architecture() -> dict[str, Any]:
    modules = {
        "conv_op": "torch.nn.modules.conv.Conv3d",
        "norm_op": "torch.nn.modules.instancenorm.InstanceNorm3d",
        "dropout_op": None,
        "nonlin": "torch.nn.LeakyReLU",
    }
    options = {
        "conv_bias": True,
        "norm_op_kwargs": {"eps": 1e-5, "affine": True},
        "dropout_op_kwargs": None,
        "nonlin_kwargs": {"inplace": True},
    }
    return {
        "network_class_name": "dynamic_network_architectures.architectures.unet.ResidualEncoderUNet",
        "arch_kwargs": {**recipe.ARCHITECTURE, **modules, **options},
        "_kw_requires_import": list(modules),
    }
