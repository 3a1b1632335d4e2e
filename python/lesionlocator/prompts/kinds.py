"""What points at a lesion: a box, a point or both, under an id that stays with it to the last output."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import Enum
from functools import cached_property
from typing import TypeAlias

from lesionlocator.errors import InputError, PromptError
from lesionlocator.geometry import Box, Point, Shape

LARGEST_ID = 65535
"""What a uint16 label map can hold."""
LARGEST_COORDINATE = 2**31 - 1


class PromptKind(str, Enum):
    """What a model is prompted with."""

    BOX = "box"
    POINT = "point"


class MaskKind(str, Enum):
    """What a model is prompted with that knows a lesion from an earlier scan, or from an earlier reader."""

    PREVIOUS = "prev_mask"


Kind: TypeAlias = PromptKind | MaskKind


def kind_named(name: str) -> Kind:
    """Return the kind of a name, ``"box"``, ``"point"`` or ``"prev_mask"``.

    Raises
    ------
    InputError
        Where there is none of this name.
    """
    known: dict[str, Kind] = {kind.value: kind for kind in (*PromptKind, *MaskKind)}
    if name not in known:
        raise InputError(f"prompt type is {name!r}, legal: {', '.join(map(repr, known))}")
    return known[name]


@dataclass(frozen=True)
class LesionPrompt:
    """A box, a point or both for one lesion, in voxels (z, y, x) of the image as stored.

    Parameters
    ----------
    lesion_id
        1 to 65535, as given in the prompt file.
    box, point
        At least one of them; coordinates finite and at most 2**31 - 1 in size, maybe outside the image.

    Raises
    ------
    PromptError
        Where the id or a coordinate is not legal, or there is neither box nor point.

    Examples
    --------
    >>> LesionPrompt(3, Box((1, 2, 3), (4, 5, 6))).box.shape
    (3, 3, 3)
    """

    lesion_id: int
    box: Box | None = None
    point: Point | None = None

    def __post_init__(self) -> None:
        if not 1 <= self.lesion_id <= LARGEST_ID:
            raise PromptError(f"lesion id {self.lesion_id} is not legal: ids go from 1 to {LARGEST_ID}")
        if self.box is None and self.point is None:
            raise PromptError(f"lesion {self.lesion_id}: has neither a box nor a point")
        corners = (*self.box.start, *self.box.stop) if self.box else ()
        problem = coordinate_problem((*corners, *(self.point or ())))
        if problem:
            raise PromptError(f"lesion {self.lesion_id}: {problem}")

    def get(self, kind: PromptKind) -> Box | Point | None:
        """Return the prompt of one kind, or None where the lesion has only the other."""
        return self.box if kind is PromptKind.BOX else self.point


@dataclass(frozen=True)
class PromptSet:
    """The prompts of one image in the order of their file; no id occurs twice.

    Raises
    ------
    PromptError
        Where an id occurs twice.

    Examples
    --------
    >>> lesions = LesionPrompt(7, point=(1.0, 2.0, 3.0)), LesionPrompt(2, Box((0, 0, 0), (1, 1, 1)))
    >>> prompts = PromptSet(lesions)
    >>> prompts.ids, prompts[7].point
    ((7, 2), (1.0, 2.0, 3.0))
    >>> prompts.select(PromptKind.POINT)[1]
    {2: 'has only a box, no point'}
    """

    lesions: tuple[LesionPrompt, ...] = ()

    def __post_init__(self) -> None:
        if len(self._by_id) < len(self.lesions):
            twice = [lesion_id for lesion_id, times in Counter(self.ids).items() if times > 1]
            raise PromptError(f"lesion ids occur more than once: {twice}")

    @classmethod
    def of(cls, lesions: Iterable[LesionPrompt]) -> PromptSet:
        """Return the set of any iterable of prompts."""
        return cls(tuple(lesions))

    @cached_property
    def _by_id(self) -> dict[int, LesionPrompt]:
        return {lesion.lesion_id: lesion for lesion in self.lesions}

    @property
    def ids(self) -> tuple[int, ...]:
        """The lesion ids in the order of the file."""
        return tuple(lesion.lesion_id for lesion in self.lesions)

    def __getitem__(self, lesion_id: int) -> LesionPrompt:
        return self._by_id[lesion_id]

    def __iter__(self) -> Iterator[LesionPrompt]:
        return iter(self.lesions)

    def __len__(self) -> int:
        return len(self.lesions)

    def select(self, kind: PromptKind) -> tuple[list[LesionPrompt], dict[int, str]]:
        """Split into the lesions that have a prompt of ``kind``, and why each of the others is refused."""
        accepted = [lesion for lesion in self if lesion.get(kind) is not None]
        other = PromptKind.POINT if kind is PromptKind.BOX else PromptKind.BOX
        reason = f"has only a {other.value}, no {kind.value}"
        return accepted, {lesion.lesion_id: reason for lesion in self if lesion.get(kind) is None}


def coordinate_problem(coordinates: Iterable[float]) -> str | None:
    """Say which coordinate is not finite or too large, or return None."""
    for value in coordinates:
        if not math.isfinite(value):
            return f"coordinate {value} is not finite"
        if abs(value) > LARGEST_COORDINATE:
            return f"coordinate {value:g} is beyond {LARGEST_COORDINATE}"
    return None


def check(prompt: Box | Point, shape: Shape) -> str | None:
    """Say why a box or point cannot be used on a grid of ``shape`` (z, y, x), or return None.

    A box must share a voxel with the grid; it is cut at the border. The voxel nearest to a point must lie
    in the grid.

    Examples
    --------
    >>> check(Box((8, 0, 0), (12, 5, 5)), (10, 10, 10)) is None
    True
    >>> check((-0.6, 0.0, 0.0), (10, 10, 10))
    'point (-0.6, 0.0, 0.0) lies outside the scan of shape (10, 10, 10) (z, y, x)'
    """
    if isinstance(prompt, Box):
        if prompt.clipped(shape) is not None:
            return None
        return f"box {prompt.start} to {prompt.stop} lies outside the scan of shape {shape} (z, y, x)"
    problem = coordinate_problem(prompt)
    if problem:
        return problem
    if all(-0.5 <= p < n - 0.5 for p, n in zip(prompt, shape, strict=True)):
        return None
    return f"point {prompt} lies outside the scan of shape {shape} (z, y, x)"
