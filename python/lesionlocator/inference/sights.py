"""How the network sees a prompt: on which grid, and in which patches."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from lesionlocator.inference.tiles import Tiling

if TYPE_CHECKING:
    from lesionlocator.preprocessing import ModelGrid
    from lesionlocator.prompts.on_grid import GridPrompt


@dataclass(frozen=True)
class Sight:
    """A prompt as the network sees it.

    Parameters
    ----------
    given
        The prompt on the model's grid.
    prompt, grid
        What is shown: that prompt or its finer twin, and the grid it lies on.
    tiling
        The patches that show it.
    """

    given: GridPrompt
    prompt: GridPrompt
    grid: ModelGrid
    tiling: Tiling

    @classmethod
    def of(cls, given: GridPrompt, grid: ModelGrid, step_size: float) -> Sight:
        """Return how a prompt is seen that says how large a lesion is, or how any is in the whole patch."""
        prompt, seen = given.sharpest(grid)
        return cls(given, prompt, seen, Tiling.of(prompt, seen, step_size))
