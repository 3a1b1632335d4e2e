"""A second look at what points showed: once a network has said how large a lesion is, it sees it better."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from lesionlocator.geometry import Box
from lesionlocator.inference.segmenter import PromptAnswer, segment_prompts
from lesionlocator.preprocessing.resample import GridChange
from lesionlocator.prompts.components import component_regions
from lesionlocator.prompts.on_grid import GridPrompt, grown

if TYPE_CHECKING:
    from lesionlocator.inference.ensemble import Ensemble
    from lesionlocator.preprocessing import ModelGrid

_AT_ONCE = 32
"""Points whose first answers are held until the second ones come."""


def segment_points(
    ensemble: Ensemble,
    grid: ModelGrid,
    prompts: Sequence[GridPrompt],
    *,
    step_size: float = 0.5,
    on_forward: Callable[[int], None] = lambda _: None,
) -> Generator[PromptAnswer, None, None]:
    """Run an ensemble at points, and again at what it found there.

    What fits into one of the model's smaller patches is looked at in that patch, by the same point, and on
    the finer grid if it fits one there. What is larger is prompted by the box around it.

    Parameters
    ----------
    ensemble, grid, prompts, step_size, on_forward
        As :func:`~lesionlocator.inference.segmenter.segment_prompts` takes them.

    Yields
    ------
    PromptAnswer
        In the order of the prompts, each with the time of both looks.
    """
    for begin in range(0, len(prompts), _AT_ONCE):
        some = prompts[begin : begin + _AT_ONCE]
        first = list(segment_prompts(ensemble, grid, some, step_size=step_size, on_forward=on_forward))
        closer = {answer.prompt.lesion_id: _closer(answer, grid) for answer in first}
        again = [prompt for prompt in closer.values() if prompt is not None]
        second = segment_prompts(ensemble, grid, again, step_size=step_size, on_forward=on_forward)
        with closing(second):
            for answer in first:
                yield answer if closer[answer.prompt.lesion_id] is None else _both(answer, next(second))


def _closer(answer: PromptAnswer, grid: ModelGrid) -> GridPrompt | None:
    """Return what to ask next; None where nothing was found."""
    found, prompt = _region(answer), answer.prompt
    around = None if found is None else GridPrompt.of(prompt.lesion_id, grown(found), grid.shape)
    if found is None or around is None:
        return None
    finer = _finer(found, prompt.finer, grid)
    both = Box.around([around.extent, prompt.extent])
    is_small = finer is not None or grid.plans.small_patch_for(both.shape) is not None
    return replace(prompt, extent=both, tells_size=True, finer=finer) if is_small else around


def _finer(found: Box, prompt: GridPrompt | None, grid: ModelGrid) -> GridPrompt | None:
    """Return the prompt on the finer grid, its extent what was found; None where that is large there."""
    fine = grid.fine
    if fine is None or prompt is None:
        return None
    around = grown(GridChange(grid.shape, fine.shape).scaled(found)).clipped(fine.shape)
    both = prompt.extent if around is None else Box.around([around, prompt.extent])
    fits = fine.plans.small_patch_for(both.shape) is not None
    return replace(prompt, extent=both, tells_size=True) if fits else None


def _region(answer: PromptAnswer) -> Box | None:
    """Return the box around the largest piece of what the network called lesion, on the model grid."""
    pieces = component_regions((answer.logits.difference > 0).view(np.uint8))
    if not pieces:
        return None
    return max(pieces, key=lambda piece: piece.voxels).box.shifted(answer.logits.block.start)


def _both(first: PromptAnswer, second: PromptAnswer) -> PromptAnswer:
    """Return the second answer, to the first's prompt, with the time and the notes of both."""
    seconds = {stage: value + second.seconds[stage] for stage, value in first.seconds.items()}
    return replace(second, prompt=first.prompt, seconds=seconds, notes=(*first.notes, *second.notes))
