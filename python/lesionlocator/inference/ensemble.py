"""The networks of all folds on a device, and the mean over folds and mirrorings."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from time import perf_counter
from typing import TYPE_CHECKING

import numpy as np
import torch

from lesionlocator.errors import ModelError
from lesionlocator.inference.device import autocast
from lesionlocator.model import NetworkFolder, Weights, build_network, read_weights

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor, nn

_FIRST_SPATIAL_AXIS = 2
"""Of a tensor (batch, channel, z, y, x)."""


class Ensemble:
    """Folds of one network, loaded once, that answer with the mean of their logits.

    Parameters
    ----------
    folder
        The network's files.
    folds
        Fold numbers; None for all there are.
    device
        Where to run.
    mirroring
        Whether to average over the mirrorings that each fold allows.

    Attributes
    ----------
    seconds
        Time spent in the networks so far.

    Raises
    ------
    ModelError
        Where a fold is missing, unreadable, or does not fit the architecture.
    """

    def __init__(
        self, folder: NetworkFolder, *, folds: Sequence[int] | None, device: torch.device, mirroring: bool
    ) -> None:
        self.folder = folder
        self.device = device
        self.mirroring = mirroring
        self.seconds = 0.0
        self.folds: list[int] = []
        self._members: list[tuple[nn.Module, list[list[int]]]] = []
        for fold, path in folder.chosen(folds).items():
            weights = read_weights(path)
            network = build_network(folder.plans.architecture, str(folder.path / "plans.json"))
            weights.load_into(network)
            _check_patch(folder, network)
            network = network.to(device=device, memory_format=torch.channels_last_3d).eval()  # type: ignore[call-overload]  # torch's stub lacks channels_last_3d
            self.folds.append(fold)
            self._members.append((network, _flips(weights, mirroring)))

    @property
    def forwards(self) -> int:
        """Network calls for one patch."""
        return sum(len(flips) for _, flips in self._members)

    @property
    def precision(self) -> str:
        """What the networks compute in."""
        return "float16 (autocast)" if self.device.type == "cuda" else "float32"

    def logit_difference(
        self, patch: NDArray[np.float32], *, on_forward: Callable[[], None] = lambda: None
    ) -> NDArray[np.float32]:
        """Return lesion minus background logit, averaged over folds and mirrorings.

        Parameters
        ----------
        patch
            float32 (2, z, y, x): image and dense prompt.
        on_forward
            Called after each network call.

        Returns
        -------
        ndarray
            float32 (z, y, x).
        """
        started = perf_counter()
        with torch.inference_mode(), autocast(self.device):
            x = torch.from_numpy(patch)[None].to(self.device).contiguous(memory_format=torch.channels_last_3d)
            total = torch.zeros(patch.shape[1:], dtype=torch.float32, device=self.device)
            for network, flips in self._members:
                share = 1.0 / (len(flips) * len(self._members))
                for axes in flips:
                    logits = network(x.flip(axes) if axes else x)[0]
                    total.add_(_restored(logits, axes), alpha=share)
                    on_forward()
            answer = total.cpu().numpy()
        self.seconds += perf_counter() - started
        return answer


def _restored(logits: Tensor, axes: Sequence[int]) -> Tensor:
    """Return lesion minus background of one sample (2, z, y, x), mirrored back."""
    difference = logits[1].float() - logits[0].float()
    return difference.flip([axis - _FIRST_SPATIAL_AXIS for axis in axes]) if axes else difference


def _flips(weights: Weights, mirroring: bool) -> list[list[int]]:
    """Return the tensor axes of each mirroring, the unmirrored one first."""
    axes = weights.mirroring_axes if mirroring else ()
    return [
        [axis + _FIRST_SPATIAL_AXIS for axis in chosen]
        for count in range(len(axes) + 1)
        for chosen in itertools.combinations(axes, count)
    ]


def _check_patch(folder: NetworkFolder, network: nn.Module) -> None:
    """Refuse a patch that the network's strides do not divide."""
    strides = np.prod([up.stride for up in network.decoder.transpconvs], axis=0)  # type: ignore[union-attr]  # the only architecture has it
    patch = folder.plans.patch_size
    if any(p % s for p, s in zip(patch, strides, strict=True)):
        raise ModelError(
            f"{folder.path}/plans.json: patch_size {list(patch)} is not divisible by the strides {strides}"
        )
