"""From an architecture's name in a plans file to one of our modules, through a literal table."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from lesionlocator.errors import ModelError

if TYPE_CHECKING:
    from torch import nn

    from lesionlocator.model.plans import Architecture

CLASSES = 2
"""Background and lesion."""

_FIXED = {
    "conv_op": "torch.nn.modules.conv.Conv3d",
    "norm_op": "torch.nn.modules.instancenorm.InstanceNorm3d",
    "dropout_op": None,
    "nonlin": "torch.nn.LeakyReLU",
}


def build_network(architecture: Architecture, source: str) -> nn.Module:
    """Build the network that a plan names, with torch's initial weights.

    Raises
    ------
    ModelError
        Where the name is not in the table, or its arguments ask for something else than the module computes.
    """
    builder = _BUILDERS.get(architecture.name)
    if builder is None:
        raise ModelError(
            f"{source}: architecture {architecture.name!r} is unknown, legal: {', '.join(_BUILDERS)}"
        )
    try:
        return builder(architecture.arguments, architecture.channels + 1)  # the dense prompt comes last
    except (KeyError, TypeError, ValueError) as error:
        reason = f"{error} is missing" if isinstance(error, KeyError) else str(error)
        raise ModelError(f"{source}: architecture {architecture.name!r} cannot be built: {reason}") from error


def _residual_encoder_unet(arguments: Mapping[str, Any], inputs: int) -> nn.Module:
    from lesionlocator.networks import ResidualEncoderUNet

    for key, legal in _FIXED.items():
        if arguments.get(key, legal) != legal:
            raise ValueError(f"{key} is {arguments[key]!r}, legal: {legal!r}")
    norm = arguments.get("norm_op_kwargs") or {}
    if not norm.get("affine", True):
        raise ValueError("norm_op_kwargs affine is false, legal: true")
    stages = int(arguments["n_stages"])
    return ResidualEncoderUNet(
        inputs,
        CLASSES,
        n_stages=stages,
        features_per_stage=_per_stage(arguments["features_per_stage"], stages),
        kernel_sizes=_kernels(arguments["kernel_sizes"], stages),
        strides=_kernels(arguments["strides"], stages),
        n_blocks_per_stage=_per_stage(arguments["n_blocks_per_stage"], stages),
        n_conv_per_stage_decoder=_per_stage(arguments["n_conv_per_stage_decoder"], stages - 1),
        conv_bias=bool(arguments.get("conv_bias", True)),
        norm_eps=float(norm.get("eps", 1e-5)),
        negative_slope=float((arguments.get("nonlin_kwargs") or {}).get("negative_slope", 0.01)),
    )


def _per_stage(value: Any, stages: int) -> list[int]:
    """Return one number a stage, from a list or from one number for all."""
    return [value] * stages if isinstance(value, int) else [int(v) for v in value]


def _kernels(value: Any, stages: int) -> list[list[int]]:
    """Return z, y, x sizes a stage, from any of the short forms."""
    per_stage = [value] * stages if isinstance(value, int) else list(value)
    return [[v] * 3 if isinstance(v, int) else [int(i) for i in v] for v in per_stage]


_BUILDERS: dict[str, Callable[[Mapping[str, Any], int], nn.Module]] = {
    "dynamic_network_architectures.architectures.unet.ResidualEncoderUNet": _residual_encoder_unet,
}
