"""A fold's network, loaded onto a device in the form in which it answers soonest."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import torch

from lesionlocator.errors import ModelError
from lesionlocator.model import NetworkFolder, Weights, build_network
from lesionlocator.networks.inference_form import for_inference
from lesionlocator.networks.residual_unet import ConvUnit

if TYPE_CHECKING:
    from torch import nn


def ready_network(
    folder: NetworkFolder,
    weights: Weights,
    device: torch.device,
    dtype: torch.dtype,
    *,
    compiled: bool = False,
) -> nn.Module:
    """Return a network on a device, ready to answer.

    Parameters
    ----------
    folder
        The network's files.
    weights
        Those of a fold.
    device, dtype
        Where it runs, and what its convolutions compute in.
    compiled
        Whether torch.compile is to make a program of it when it is first called.

    Raises
    ------
    ModelError
        Where the weights do not fit the architecture, or the patch does not fit the network.
    """
    network = build_network(folder.plans.architecture, str(folder.path / "plans.json"))
    weights.load_into(network)
    _check_patch(folder, network)
    return ready_form(network, device, dtype, compiled=compiled)


def ready_form(
    network: nn.Module, device: torch.device, dtype: torch.dtype, *, compiled: bool = False
) -> nn.Module:
    """Return a loaded U-Net, changed in place, on a device and ready to answer.

    Parameters
    ----------
    network
        With its weights, on the CPU.
    device, dtype, compiled
        As for :func:`ready_network`.
    """
    has_onednn = torch.backends.mkldnn.is_available()  # type: ignore[no-untyped-call]  # torch's own lack of types
    by_onednn = has_onednn and (device.type, dtype) == ("cpu", torch.float32) and not compiled
    network = for_inference(network, dtype, by_onednn=by_onednn)
    network = network.to(device=device, memory_format=torch.channels_last_3d)  # type: ignore[call-overload]  # torch's stub lacks channels_last_3d
    if compiled:
        network.compile()
    return network


def before_each_layer(network: nn.Module, act: Callable[[], None]) -> None:
    """Let a function be called before each convolution of a network; what it raises ends the call."""
    for module in network.modules():
        if isinstance(module, ConvUnit):
            module.register_forward_pre_hook(lambda *_: act())


def _check_patch(folder: NetworkFolder, network: nn.Module) -> None:
    """Refuse a patch that the network's strides do not divide."""
    strides = np.prod([up.stride for up in network.decoder.transpconvs], axis=0)  # type: ignore[union-attr]  # the only architecture has it
    plans = folder.plans
    named = [("patch_size", plans.patch_size), *(("fitted_patches", patch) for patch in plans.fitted_patches)]
    for key, patch in named:
        if any(p % s for p, s in zip(patch, strides, strict=True)):
            raise ModelError(
                f"{folder.path}/plans.json: {key} {list(patch)} is not divisible by the strides {strides}"
            )
