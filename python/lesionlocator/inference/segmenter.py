"""From prompts on the model grid to the logits of the regions that the network saw."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from threading import Event
from time import perf_counter
from typing import TYPE_CHECKING

import numpy as np
from torch.profiler import record_function

from lesionlocator import _core
from lesionlocator.geometry import Box
from lesionlocator.inference.ahead import ahead
from lesionlocator.inference.sights import Sight

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lesionlocator.inference.ensemble import Answer, Ensemble
    from lesionlocator.inference.tiles import Tiling
    from lesionlocator.preprocessing import ModelGrid
    from lesionlocator.prompts.on_grid import GridPrompt


@dataclass(frozen=True)
class GridLogits:
    """Lesion minus background logit on a block of the model grid; the network saw nothing else.

    Parameters
    ----------
    difference
        float32 of the block's shape, z, y, x.
    block
        Voxels of the model grid.
    """

    difference: NDArray[np.float32]
    block: Box


@dataclass(frozen=True)
class PromptAnswer:
    """What the network says where a prompt points.

    Parameters
    ----------
    prompt
        The prompt as given.
    logits, grid
        The network's answer, and the grid it is on.
    seconds
        Time of each stage: ``prepare``, ``network``, and ``wait``, in which the network had nothing to do.
        Stages of different lesions overlap.
    notes
        What was done where memory ran out, in words for the user.
    """

    prompt: GridPrompt
    logits: GridLogits
    grid: ModelGrid
    seconds: dict[str, float]
    notes: tuple[str, ...]


def segment_prompts(
    ensemble: Ensemble,
    grid: ModelGrid,
    prompts: Sequence[GridPrompt],
    *,
    step_size: float = 0.5,
    on_forward: Callable[[int], None] = lambda _: None,
) -> Generator[PromptAnswer, None, None]:
    """Run an ensemble where prompts say.

    Parameters
    ----------
    ensemble
        The networks.
    grid, prompts
        The scan on the model grid, and prompts there.
    step_size
        Distance of neighbouring tiles as a fraction of the patch, where a prompt needs more than one.
    on_forward
        Called with a lesion's id for each network call, from the thread of the networks.

    Yields
    ------
    PromptAnswer
        In the order of the prompts.
    """
    sights = [Sight.of(prompt, grid, step_size) for prompt in prompts]
    yield from look(ensemble, sights, on_forward=on_forward)


def look(
    ensemble: Ensemble,
    sights: Sequence[Sight],
    *,
    mirroring: bool = True,
    on_forward: Callable[[int], None] = lambda _: None,
) -> Generator[PromptAnswer, None, None]:
    """Run an ensemble on prompts as they are to be seen.

    Three things are done at the same time: a thread prepares the next patches, a thread runs the networks,
    and the caller works on the answers that are there.

    Parameters
    ----------
    ensemble, sights
        The networks, and what they are to see.
    mirroring
        Whether to average over the mirrorings of the ensemble.
    on_forward
        As for :func:`segment_prompts`.

    Yields
    ------
    PromptAnswer
        In the order of the sights.
    """
    lesion_ids = [sight.given.lesion_id for sight in sights for _ in sight.tiling.tiles]
    preparing = [0.0] * len(sights)

    def patches() -> Generator[NDArray[np.float32], None, None]:
        for number, sight in enumerate(sights):
            for tile in sight.tiling.tiles:
                started = perf_counter()
                made = _network_input(ensemble, sight, tile)
                preparing[number] += perf_counter() - started
                yield made
                del made  # the network's from here on

    stop = Event()
    prepared = ahead(patches(), ensemble.patches_at_once)
    answers = ahead(
        ensemble.answers(
            prepared,
            mirroring=mirroring,
            on_forward=lambda index: on_forward(lesion_ids[index]),
            is_given_up=stop.is_set,
        ),
        stop=stop,
    )
    with closing(prepared), closing(answers):  # first the thread that asks, then the one that is asked
        for number, sight in enumerate(sights):
            tiling, given = sight.tiling, sight.given
            seen = _Seen(itertools.islice(answers, len(tiling.tiles)))
            difference = next(seen) if len(tiling.tiles) == 1 else _stitched(tiling, seen)
            logits = _inside_grid(difference, tiling.span, sight.grid)
            seconds = {"prepare": preparing[number], **seen.seconds}
            yield PromptAnswer(given, logits, sight.grid, seconds, tuple(seen.notes))


class _Seen:
    """The logits of a prompt's tiles, adding up what is known of them."""

    def __init__(self, answers: Iterator[Answer]) -> None:
        self._answers = answers
        self.seconds = {"network": 0.0, "wait": 0.0}
        self.notes: list[str] = []

    def __iter__(self) -> _Seen:
        return self

    def __next__(self) -> NDArray[np.float32]:
        answer = next(self._answers)
        self.seconds = {stage: value + answer.seconds[stage] for stage, value in self.seconds.items()}
        self.notes += answer.notes
        return answer.difference


def _network_input(ensemble: Ensemble, sight: Sight, tile: Box) -> NDArray[np.float32]:
    """Return images and dense prompt of a tile, shape (channels + 1, z, y, x)."""
    with record_function("lesionlocator: prepare"):
        patch = ensemble.blank_patch(tile.shape)
        for channel, image in enumerate(sight.grid.images(tile)):
            patch[channel] = image
        sight.prompt.render(patch[-1], tile.start)
    return patch


def _stitched(tiling: Tiling, logits: Iterator[NDArray[np.float32]]) -> NDArray[np.float32]:
    """Return the Gaussian-weighted mean of the tiles over their span."""
    span = tiling.span
    total = np.zeros(span.shape, np.float32)
    z0, y0, x0 = span.start
    for tile, seen in zip(tiling.tiles, logits, strict=True):
        z, y, x = tile.start
        _core.stitch_accumulate(total, seen, start=(z - z0, y - y0, x - x0))
    starts = tuple(
        [first - origin for first in axis] for axis, origin in zip(tiling.starts, span.start, strict=True)
    )
    _core.stitch_normalize(total, patch=tiling.patch, starts=(starts[0], starts[1], starts[2]))
    return total


def _inside_grid(difference: NDArray[np.float32], span: Box, grid: ModelGrid) -> GridLogits:
    inside = span.clipped(grid.shape)
    if inside is None:
        raise ValueError(f"tiles over {span} lie outside a grid of {grid.shape}")
    z, y, x = (-n for n in span.start)
    return GridLogits(np.ascontiguousarray(difference[inside.shifted((z, y, x)).slices]), inside)
