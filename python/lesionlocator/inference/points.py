"""Points, which do not say how large a lesion is: they are seen in patches of all sizes."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from lesionlocator.inference.segmenter import GridLogits, PromptAnswer, look
from lesionlocator.inference.sights import Sight
from lesionlocator.prompts.components import component_regions
from lesionlocator.prompts.on_grid import GridPrompt, grown, with_finer

if TYPE_CHECKING:
    from lesionlocator.geometry import Box, Shape
    from lesionlocator.inference.ensemble import Ensemble
    from lesionlocator.preprocessing import ModelGrid

_AT_ONCE = 32
"""Points whose first answers are held until the last ones come."""
_BEYOND = 0.25
"""How far what reaches the end of a patch within the grid goes on, as a fraction of the patch."""


def segment_points(
    ensemble: Ensemble,
    grid: ModelGrid,
    prompts: Sequence[GridPrompt],
    *,
    step_size: float = 0.5,
    on_forward: Callable[[int], None] = lambda _: None,
) -> Generator[PromptAnswer, None, None]:
    """Run an ensemble at points: look in patches of all sizes on both grids, then once more where it is best.

    The first looks are without mirroring. Of these, that counts which the network itself expects to agree
    best with the truth. The last look, with the mirrorings of the ensemble, repeats it; unless it was on the
    finer grid, the box around what it showed then prompts the network, not the point.

    Parameters
    ----------
    ensemble, grid, prompts, step_size, on_forward
        As :func:`~lesionlocator.inference.segmenter.segment_prompts` takes them.

    Yields
    ------
    PromptAnswer
        In the order of the prompts, each with the time of all looks.
    """
    for begin in range(0, len(prompts), _AT_ONCE):
        sights = [point_sights(prompt, grid) for prompt in prompts[begin : begin + _AT_ONCE]]
        looks = look(ensemble, list(itertools.chain(*sights)), mirroring=False, on_forward=on_forward)
        with closing(looks):
            seen = [[(sight, next(looks)) for sight in shown] for shown in sights]
        closer = [_closer(*_best(answers), grid, step_size) for answers in seen]
        last = look(ensemble, closer, on_forward=on_forward)
        with closing(last):
            for answer, before in zip(last, seen, strict=True):
                yield _told(answer, [one for _, one in before])


def point_sights(prompt: GridPrompt, grid: ModelGrid) -> list[Sight]:
    """Return how the network sees a point: in every patch, and in small ones on the finer grid too."""
    plans = grid.plans
    finer = [] if prompt.finer is None or grid.fine is None else [(prompt.finer, grid.fine)]
    small = [
        Sight.around_middle(prompt, shown, on, patch)
        for shown, on in (*finer, (prompt, grid))
        for patch in plans.fitted_patches
    ]
    return [*small, Sight.around_middle(prompt, prompt, grid, plans.patch_size)]


def expected_dice(logits: GridLogits, shape: Shape) -> float:
    """Return the Dice coefficient that a network expects of its own mask; 0 where that is empty.

    Where p is the probability of a voxel to be lesion, the mask holds as many true voxels as the sum of p
    over it, out of the sum of p over all voxels. What reaches the end of the patch is taken to go on there,
    unless the grid ends too.

    Parameters
    ----------
    logits
        The network's answer in a patch.
    shape
        Of the grid.
    """
    difference = logits.difference
    mask = difference > 0
    size = int(np.count_nonzero(mask))
    if size == 0:
        return 0.0
    probability = 0.5 + 0.5 * np.tanh(0.5 * difference)
    goes_on = size - int(np.count_nonzero(mask[_ends_cut_off(logits.block, shape)]))
    beyond = goes_on * _BEYOND * min(difference.shape)
    return float(2 * probability[mask].sum() / (size + probability.sum() + beyond))


def _ends_cut_off(block: Box, shape: Shape) -> tuple[slice, ...]:
    """Return what is left of a block without its outermost voxels, where the grid goes on beyond them."""
    return tuple(
        slice(int(a > 0), b - a - int(b < n)) for a, b, n in zip(block.start, block.stop, shape, strict=True)
    )


def _best(seen: list[tuple[Sight, PromptAnswer]]) -> tuple[Sight, PromptAnswer]:
    """Return the answer that expects to agree best with the truth, and how it was seen."""
    return max(seen, key=lambda one: expected_dice(one[1].logits, one[1].grid.shape))


def _closer(sight: Sight, answer: PromptAnswer, grid: ModelGrid, step_size: float) -> Sight:
    """Return how to look once more where an answer was seen."""
    box = _box(answer, grid)
    return sight if box is None else Sight.of(box, grid, step_size)


def _box(answer: PromptAnswer, grid: ModelGrid) -> GridPrompt | None:
    """Return the box around the largest piece that an answer on ``grid`` shows; None for other answers."""
    pieces = component_regions((answer.logits.difference > 0).view(np.uint8)) if answer.grid is grid else []
    if not pieces:
        return None
    found = max(pieces, key=lambda piece: piece.voxels).box.shifted(answer.logits.block.start)
    prompt = GridPrompt.of(answer.prompt.lesion_id, grown(found), grid.shape)
    return None if prompt is None else with_finer(prompt, found, grid)


def _told(answer: PromptAnswer, before: Sequence[PromptAnswer]) -> PromptAnswer:
    """Return the last answer to the prompt of those before it, with the time and notes of all."""
    everything = (*before, answer)
    seconds = {stage: sum(one.seconds[stage] for one in everything) for stage in answer.seconds}
    notes = tuple(note for one in everything for note in one.notes)
    return replace(answer, prompt=everything[0].prompt, seconds=seconds, notes=notes)
