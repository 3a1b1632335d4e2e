"""The tracking networks of all folds on a device: registration and U-Net of each."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import replace
from time import perf_counter
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import nn

from lesionlocator.errors import ModelError
from lesionlocator.inference.compiling import check_compiled
from lesionlocator.inference.loading import ready_form
from lesionlocator.inference.memory import MemoryLadder, batch_that_fits, first_features
from lesionlocator.inference.precision import choose_precision, computing_in
from lesionlocator.model import NetworkFolder, build_network, read_weights
from lesionlocator.networks.inference_form import without_transposed_convolutions
from lesionlocator.networks.registration import RegistrationNetwork, sample

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from lesionlocator.geometry import Shape

_IGNORED = "identity_map"
"""Buffers that some checkpoints hold and that nothing needs."""


class TrackingNetwork(nn.Module):
    """What a fold of a tracking checkpoint holds, under its names."""

    unet_patch_size: torch.Tensor

    def __init__(self, unet: nn.Module) -> None:
        super().__init__()
        self.register_buffer("unet_patch_size", torch.zeros(3, dtype=torch.int64))
        self.reg_net = RegistrationNetwork()
        self.unet = unet


class Member:
    """One fold on a device.

    Parameters
    ----------
    folder, path
        The network's files, and the weights of this fold.
    device
        Where to run.
    mirroring
        Whether to use the mirrorings that the fold allows.
    precision, compiled
        What the U-Net computes in, and whether torch.compile is to make a program of it.

    Attributes
    ----------
    patch
        Voxels that the U-Net sees, z, y, x.
    mirrorings
        Axes of each mirroring, the unmirrored one first.
    seconds
        Time spent in each of both networks so far: ``registration`` and ``network``.
    memory
        How many patches the U-Net takes at once.
    """

    def __init__(
        self,
        folder: NetworkFolder,
        path: Path,
        device: torch.device,
        *,
        mirroring: bool,
        precision: str,
        compiled: bool,
    ) -> None:
        weights = read_weights(path)
        kept = {name: value for name, value in weights.parameters.items() if not name.endswith(_IGNORED)}
        with torch.device("meta"):  # no time for initial values that are overwritten
            unet = build_network(folder.plans.architecture, str(folder.path / "plans.json"))
            network = TrackingNetwork(unet)
        network.to_empty(device="cpu")
        replace(weights, parameters=kept).load_into(network)
        self.patch = _patch_size(network, path)
        axes = weights.mirroring_axes if mirroring else ()
        self.mirrorings: list[tuple[int, ...]] = [
            chosen for n in range(len(axes) + 1) for chosen in itertools.combinations(axes, n)
        ]
        self.seconds = {"registration": 0.0, "network": 0.0}
        batch = batch_that_fits(device, self.patch, first_features(unet))
        self.memory = MemoryLadder(device, batch, sums_on_host=True)
        self._path = path
        self._device = device
        self._dtype = choose_precision(precision, device)
        registration = network.reg_net
        if device.type == "mps":
            without_transposed_convolutions(registration)
        self._registration = registration.to(device=device, memory_format=torch.channels_last_3d).eval()  # type: ignore[call-overload]  # torch's stub lacks channels_last_3d
        self._unet = ready_form(unet, device, self._dtype, compiled=compiled)
        self._compiled = compiled

    def register(
        self, moving: NDArray[np.float32], fixed: NDArray[np.float32]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Register two cubes, in float32 on every device.

        Parameters
        ----------
        moving, fixed
            float32 (z, y, x), of one size.

        Returns
        -------
        phi, moved
            Where in ``moving`` each voxel of ``fixed`` lies, float32 (3, z, y, x) from 0 to 1, and ``moving``
            sampled there.

        Raises
        ------
        ModelError
            Where the map is not finite, as damaged weights make it.
        """
        started = perf_counter()
        with torch.inference_mode():
            a, b = (
                torch.from_numpy(np.ascontiguousarray(v))[None, None].to(self._device)
                for v in (moving, fixed)
            )
            phi = self._registration(a, b)
            answer = phi[0].cpu().numpy(), sample(a, phi)[0, 0].cpu().numpy()
        if not np.isfinite(answer[0]).all():
            raise ModelError(f"{self._path}: the registration network gave positions that are not finite")
        self.seconds["registration"] += perf_counter() - started
        return answer

    def logit_differences(self, patches: Sequence[NDArray[np.float32]]) -> Iterator[NDArray[np.float32]]:
        """Return lesion minus background logit of each patch, float32 (z, y, x).

        On CUDA, several patches are one batch where memory allows; if it does not, batches become smaller.

        Parameters
        ----------
        patches
            float32 (2, z, y, x) each: image and dense prompt.
        """
        done = 0
        while done < len(patches):
            chosen = patches[done : done + self.memory.batch]
            try:
                answers = self._forward(np.stack(chosen))
            except (RuntimeError, MemoryError) as problem:
                if self._compiled:
                    check_compiled(problem)
                if not self.memory.goes_on_after(problem):
                    raise
                continue
            yield from answers
            done += len(chosen)

    def _forward(self, patches: NDArray[np.float32]) -> NDArray[np.float32]:
        started = perf_counter()
        with torch.inference_mode(), computing_in(self._device, self._dtype):
            x = torch.from_numpy(patches).to(self._device).contiguous(memory_format=torch.channels_last_3d)
            logits = self._unet(x).float()
            answer = (logits[:, 1] - logits[:, 0]).cpu().numpy()
        self.seconds["network"] += perf_counter() - started
        return answer


class TrackingEnsemble:
    """Folds of the tracking networks, loaded once.

    Parameters
    ----------
    folder
        Their files.
    folds
        Fold numbers; None for all there are.
    device
        Where to run.
    mirroring
        Whether to average over the mirrorings that each fold allows.
    precision, compiled
        As for :class:`Member`.

    Raises
    ------
    ModelError
        Where a fold is missing, unreadable, or does not fit the architecture.
    """

    def __init__(
        self,
        folder: NetworkFolder,
        *,
        folds: Sequence[int] | None,
        device: torch.device,
        mirroring: bool,
        precision: str = "auto",
        compiled: bool = False,
    ) -> None:
        self.members = {
            fold: Member(folder, path, device, mirroring=mirroring, precision=precision, compiled=compiled)
            for fold, path in folder.chosen(folds).items()
        }

    @property
    def views(self) -> Iterator[tuple[int, tuple[int, ...]]]:
        """Every fold with each of its mirrorings: one registration, and one network call a lesion."""
        return ((fold, axes) for fold, member in self.members.items() for axes in member.mirrorings)

    @property
    def lesions_at_once(self) -> int:
        """How many lesions fill a batch of the U-Net with all their mirrorings."""
        return max(1, *(member.memory.batch // len(member.mirrorings) for member in self.members.values()))

    @property
    def seconds(self) -> dict[str, float]:
        """Time spent in the networks so far: ``registration`` and ``network``."""
        both = [member.seconds for member in self.members.values()]
        return {stage: sum(seconds[stage] for seconds in both) for stage in both[0]}

    def new_notes(self) -> tuple[str, ...]:
        """Return what was done where memory ran out since this was last asked, in words for the user."""
        return tuple(note for member in self.members.values() for note in member.memory.new_notes())


def _patch_size(network: TrackingNetwork, path: Path) -> Shape:
    """Return the U-Net's patch, which the checkpoint itself names."""
    z, y, x = network.unet_patch_size.tolist()
    strides = np.prod([up.stride for up in network.unet.decoder.transpconvs], axis=0)  # type: ignore[union-attr]  # the only architecture has it
    if any(p < 1 or p % s for p, s in zip((z, y, x), strides.tolist(), strict=True)):
        raise ModelError(
            f"{path}: unet_patch_size {[z, y, x]} is not positive and divisible by the strides {strides}"
        )
    return z, y, x
