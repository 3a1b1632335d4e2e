"""The networks of all folds on a device, and the mean over folds and mirrorings."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from time import perf_counter
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch.profiler import record_function

from lesionlocator.errors import DeviceError, ModelError
from lesionlocator.inference.memory import MemoryLadder, is_out_of_memory
from lesionlocator.inference.precision import choose_precision, computing_in
from lesionlocator.model import NetworkFolder, Weights, build_network, read_weights
from lesionlocator.networks.inference_form import for_inference

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
    precision
        As :func:`lesionlocator.inference.precision.choose_precision` takes it.
    compiled
        Whether torch.compile is to make a program of each network, which its first call then waits for.
    batch
        Mirrorings that go through a network at once; None for what suits the device. Where memory runs out,
        it becomes less.

    Attributes
    ----------
    seconds
        Time spent in the networks so far.

    Raises
    ------
    ModelError
        Where a fold is missing, unreadable, or does not fit the architecture.
    DeviceError
        Where the device does not compute in this precision; from the first call, where the networks cannot be
        compiled.
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
        batch: int | None = None,
    ) -> None:
        self.folder = folder
        self.device = device
        self.mirroring = mirroring
        self.seconds = 0.0
        self.folds: list[int] = []
        self._dtype = choose_precision(precision, device)
        self._memory = MemoryLadder(device, batch)
        self._compiled = compiled
        self._members: list[tuple[nn.Module, list[list[int]]]] = []
        for fold, path in folder.chosen(folds).items():
            weights = read_weights(path)
            network = build_network(folder.plans.architecture, str(folder.path / "plans.json"))
            weights.load_into(network)
            _check_patch(folder, network)
            network = for_inference(network, self._dtype)
            network = network.to(device=device, memory_format=torch.channels_last_3d)  # type: ignore[call-overload]  # torch's stub lacks channels_last_3d
            self.folds.append(fold)
            if compiled:
                network.compile()
            self._members.append((network, _flips(weights, mirroring)))

    @property
    def forwards(self) -> int:
        """Mirrorings of all folds that look at one patch."""
        return sum(len(flips) for _, flips in self._members)

    @property
    def precision(self) -> str:
        """What the networks compute in."""
        return str(self._dtype).removeprefix("torch.")

    @property
    def memory_notes(self) -> Sequence[str]:
        """What was done so far where memory ran out, in words for the user."""
        return self._memory.notes

    def logit_difference(
        self, patch: NDArray[np.float32], *, on_forward: Callable[[], None] = lambda: None
    ) -> NDArray[np.float32]:
        """Return lesion minus background logit, averaged over folds and mirrorings.

        Parameters
        ----------
        patch
            float32 (2, z, y, x): image and dense prompt.
        on_forward
            Called for each mirroring of each fold when it is on its way.

        Returns
        -------
        ndarray
            float32 (z, y, x).
        """
        started = perf_counter()
        with (
            torch.inference_mode(),
            computing_in(self.device, self._dtype),
            record_function("lesionlocator: network"),
        ):
            x = torch.from_numpy(patch)[None].to(self.device)
            total = torch.zeros(patch.shape[1:], dtype=torch.float32, device=self.device)
            for network, flips in self._members:
                share = 1.0 / (len(flips) * len(self._members))
                for answer in self._answers(network, x, flips):
                    if self._memory.sums_on_host:
                        total = total.cpu()
                    total.add_(answer.to(total.device), alpha=share)
                    on_forward()
            mean = total.cpu().numpy()
        self.seconds += perf_counter() - started
        return mean

    def _answers(self, network: nn.Module, x: Tensor, flips: Sequence[list[int]]) -> Iterator[Tensor]:
        """Yield lesion minus background for each mirroring, as many at once as memory allows."""
        done = 0
        while done < len(flips):
            chosen = flips[done : done + self._memory.batch]
            try:
                answers = _mirrored(network, x, chosen)
            except (RuntimeError, MemoryError) as problem:
                if self._compiled and _is_of_compiler(problem):
                    raise DeviceError(f"the network cannot be compiled: {_reason(problem)}") from problem
                if not (is_out_of_memory(problem) and self._memory.step_down()):
                    raise
                continue
            yield from answers
            done += len(chosen)


def _mirrored(network: nn.Module, x: Tensor, flips: Sequence[list[int]]) -> list[Tensor]:
    """Return lesion minus background of each mirroring of one sample (1, 2, z, y, x), mirrored back."""
    batch = torch.cat([x.flip(axes) if axes else x for axes in flips])
    logits = network(batch.contiguous(memory_format=torch.channels_last_3d))
    return [_restored(sample, axes) for sample, axes in zip(logits, flips, strict=True)]


def _restored(logits: Tensor, axes: Sequence[int]) -> Tensor:
    """Return lesion minus background of one sample (2, z, y, x), mirrored back."""
    difference = logits[1].float() - logits[0].float()
    return difference.flip([axis - _FIRST_SPATIAL_AXIS for axis in axes]) if axes else difference


def _is_of_compiler(problem: BaseException) -> bool:
    from torch._dynamo.exc import TorchDynamoException  # imported by compiling, and slow without it

    return isinstance(problem, TorchDynamoException)


def _reason(problem: BaseException) -> str:
    """Return the first line of what torch says; it is empty where the compiler's own words follow."""
    return next((line for line in str(problem).splitlines() if line.strip()), type(problem).__name__)


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
