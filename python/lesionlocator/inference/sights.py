"""How the network sees a prompt: on which grid, and in which patches."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from lesionlocator.geometry import Box
from lesionlocator.inference.tiles import Tiling

if TYPE_CHECKING:
    from lesionlocator.geometry import Shape
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

    @classmethod
    def around_middle(cls, given: GridPrompt, prompt: GridPrompt, grid: ModelGrid, patch: Shape) -> Sight:
        """Return how a prompt is seen, it or its finer twin, in one patch around the middle of its extent."""
        (z0, y0, x0), (z1, y1, x1) = prompt.extent.start, prompt.extent.stop
        z, y, x = (z0 + z1) // 2, (y0 + y1) // 2, (x0 + x1) // 2
        middle = Box((z, y, x), (z + 1, y + 1, x + 1))
        return cls(given, prompt, grid, Tiling.around(middle, grid.shape, patch, step_size=1))
