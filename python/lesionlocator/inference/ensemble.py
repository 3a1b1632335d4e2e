"""The networks of all folds on a device, and the mean over folds and mirrorings."""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass
from threading import local
from time import perf_counter
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch.profiler import record_function

from lesionlocator.inference.compiling import check_compiled
from lesionlocator.inference.loading import before_each_layer, ready_network
from lesionlocator.inference.memory import MemoryLadder, batch_that_fits, first_features
from lesionlocator.inference.mirroring import FIRST_SPATIAL_AXIS, mirrored, mirrorings
from lesionlocator.inference.precision import choose_precision, computing_in
from lesionlocator.inference.transfer import transfer_for
from lesionlocator.model import NetworkFolder, read_weights

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor, nn

    Patch = NDArray[np.float32]
    Members = list[tuple[nn.Module, list[list[int]]]]


class GivenUpError(Exception):
    """Nobody waits for the answer any more."""


@dataclass(frozen=True)
class Answer:
    """What the networks say of a patch.

    Parameters
    ----------
    difference
        Lesion minus background logit, averaged over folds and mirrorings: float32 (z, y, x).
    seconds
        The patch's share of the time that the networks took (``network``), and of that in which they waited
        for a patch (``wait``).
    notes
        What was done where memory ran out, in words for the user.
    """

    difference: Patch
    seconds: dict[str, float]
    notes: tuple[str, ...]


@dataclass(frozen=True)
class _Flight:
    """A group of patches on its way: they stay in memory until the answers have landed."""

    patches: list[Patch]
    landed: Callable[[], Patch]
    seconds: float
    waited: float
    notes: tuple[str, ...]

    def answers(self) -> Iterator[Answer]:
        started = perf_counter()
        differences, many = self.landed(), len(self.patches)
        network = (self.seconds + perf_counter() - started) / many
        for index, difference in enumerate(differences):
            seconds = {"network": network, "wait": self.waited / many}
            yield Answer(difference, seconds, self.notes if index == 0 else ())


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
    precision, compiled
        As :func:`lesionlocator.load_model` takes them.
    batch
        Samples (one mirroring of one patch each) that go through a network at once; None for what suits the
        device. Where memory runs out, it becomes less.

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
        self.folds: list[int] = []
        self._dtype = choose_precision(precision, device)
        self._compiled = compiled
        self._transfer = transfer_for(device)
        self._asked = local()
        self._flights_ahead = int(device.type == "cuda")  # elsewhere, a call returns when it is computed
        self._members: Members = []
        for fold, path in folder.chosen(folds).items():
            weights = read_weights(path)
            network = ready_network(folder, weights, device, self._dtype, compiled=compiled)
            if not compiled:  # a program has no layers between which it could be given up
                before_each_layer(network, self._give_up)
            self.folds.append(fold)
            self._members.append((network, mirrorings(weights, mirroring)))
        patch, features = folder.plans.patch_size, first_features(self._members[0][0])
        self._memory = MemoryLadder(
            device, batch or batch_that_fits(device, patch, features), sums_on_host=device.type == "cpu"
        )

    @property
    def forwards(self) -> int:
        """Mirrorings of all folds that look at one patch."""
        return sum(len(flips) for _, flips in self._members)

    @property
    def patches_at_once(self) -> int:
        """How many patches fill a batch with all their mirrorings."""
        return self._at_once(self._members)

    def _at_once(self, members: Members) -> int:
        return max(1, self._memory.batch // max(len(flips) for _, flips in members))

    @property
    def precision(self) -> str:
        """What the networks compute in."""
        return str(self._dtype).removeprefix("torch.")

    def blank_patch(self, shape: Sequence[int]) -> Patch:
        """Return zeros (channels + 1, z, y, x) for images and prompt, in memory that suits the device."""
        return self._transfer.blank((self.folder.plans.channels + 1, *shape))

    def answers(
        self,
        patches: Iterable[Patch],
        *,
        mirroring: bool = True,
        on_forward: Callable[[int], None] = lambda _: None,
        is_given_up: Callable[[], bool] = lambda: False,
    ) -> Generator[Answer, None, None]:
        """Answer patch after patch, several at once where memory allows.

        On CUDA, the next patches are on their way before the answers to the last ones are waited for.

        Parameters
        ----------
        patches
            float32 (channels + 1, z, y, x) each: images and dense prompt; neighbours share a batch where they
            are of one shape.
        mirroring
            Whether to average over the mirrorings of this ensemble, if it has any.
        on_forward
            Called with the number of the patch for each mirroring of each fold, when it is on its way.
        is_given_up
            Asked before every layer; when it says so, the answer is given up.
        """
        self._asked.is_given_up = is_given_up  # by each thread for itself
        members = self._members if mirroring else [(network, flips[:1]) for network, flips in self._members]
        source = enumerate(patches)
        waiting: deque[tuple[int, Patch]] = deque()
        flying: deque[_Flight] = deque()
        while True:
            started = perf_counter()
            waiting.extend(itertools.islice(source, max(0, self._at_once(members) - len(waiting))))
            if not waiting:
                break
            flight = self._launched(members, waiting, perf_counter() - started, on_forward)
            if flight is not None:
                flying.append(flight)
            while len(flying) > self._flights_ahead:
                yield from flying.popleft().answers()
        for flight in flying:
            yield from flight.answers()

    def _launched(
        self,
        members: Members,
        waiting: deque[tuple[int, Patch]],
        waited: float,
        on_forward: Callable[[int], None],
    ) -> _Flight | None:
        """Send the first patches through all networks; None where memory ran out, to try fewer of them."""
        group = list(
            itertools.takewhile(
                lambda item: item[1].shape == waiting[0][1].shape,
                itertools.islice(waiting, self._at_once(members)),
            )
        )
        patches = [patch for _, patch in group]
        started = perf_counter()
        with (
            torch.inference_mode(),
            computing_in(self.device, self._dtype),
            record_function("lesionlocator: network"),
        ):
            try:
                batch = self._transfer.up(patches)
                total = self._zeros(batch)
            except (RuntimeError, MemoryError) as problem:
                if not self._memory.goes_on_after(problem):
                    raise
                return None
            total = self._mean(members, batch, total, lambda index: on_forward(group[index][0]))
            landed = self._transfer.down(total)
        for _ in group:
            waiting.popleft()
        return _Flight(patches, landed, perf_counter() - started, waited, self._memory.new_notes())

    def _zeros(self, batch: Tensor) -> Tensor:
        device = "cpu" if self._memory.sums_on_host else self.device
        return torch.zeros((len(batch), *batch.shape[FIRST_SPATIAL_AXIS:]), device=device)

    def _mean(
        self, members: Members, batch: Tensor, total: Tensor, on_forward: Callable[[int], None]
    ) -> Tensor:
        """Return the mean over folds and mirrorings of each sample, added up in ``total`` or on the host."""
        for network, flips in members:
            share = 1.0 / (len(flips) * len(members))
            views = list(itertools.product(range(len(batch)), flips))
            for index, answer in self._answers(network, batch, views):
                total = total.to(answer.device)
                total[index].add_(answer, alpha=share)
                on_forward(index)
        return total

    def _answers(
        self, network: nn.Module, batch: Tensor, views: Sequence[tuple[int, list[int]]]
    ) -> Iterator[tuple[int, Tensor]]:
        """Yield lesion minus background of each mirroring of each sample, in batches that memory allows."""
        done = 0
        while done < len(views):
            chosen = views[done : done + self._memory.batch]
            try:
                answers = mirrored(network, batch, chosen)
                if self._memory.sums_on_host:
                    answers = [answer.cpu() for answer in answers]
            except (RuntimeError, MemoryError) as problem:
                if self._compiled:
                    check_compiled(problem)
                if not self._memory.goes_on_after(problem):
                    raise
                continue
            yield from zip((index for index, _ in chosen), answers, strict=True)
            done += len(chosen)

    def _give_up(self) -> None:
        if self._asked.is_given_up():
            raise GivenUpError
