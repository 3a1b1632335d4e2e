"""One lesion from a baseline to a follow-up: every view's warped prompt, and the mean of what they find."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from lesionlocator.geometry import Box, Shape
from lesionlocator.inference.segmenter import GridLogits
from lesionlocator.prompts.masks import GridMask, negative
from lesionlocator.tracking.alignment import Alignment
from lesionlocator.tracking.cube import cube, planes
from lesionlocator.tracking.frames import Frame
from lesionlocator.tracking.registration import Registration

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lesionlocator.preprocessing import ModelGrid
    from lesionlocator.tracking.ensemble import TrackingEnsemble


class TrackedGrid:
    """A scan's model grid, with what registering it to any other scan needs of it.

    Parameters
    ----------
    grid
        The model grid.
    """

    def __init__(self, grid: ModelGrid) -> None:
        self.grid = grid

    @cached_property
    def planes(self) -> NDArray[np.float32]:
        """All slices at the size of the cube; see :func:`lesionlocator.tracking.cube.planes`."""
        return planes(self.grid)


@dataclass(frozen=True, eq=False)
class Prompt:
    """A lesion carried over to the follow-up, as one fold sees it in one mirroring.

    Parameters
    ----------
    fold
        The fold that registered the scans and is to segment the lesion.
    frame
        The follow-up as that fold sees it.
    mask
        The lesion's voxels in the frame.
    void
        Voxels in the frame that the network is to see as -1, (n, 3); see :mod:`lesionlocator.tracking.void`.
    is_lost
        Whether the lesion vanished in the warp and was placed by its centroid.
    similarity
        Correlation of both scans around the lesion after registration.
    """

    fold: int
    frame: Frame
    mask: GridMask
    void: NDArray[np.intp]
    is_lost: bool
    similarity: float

    @property
    def center(self) -> Shape:
        """The voxel around which the network looks."""
        points = np.concatenate((self.mask.points, self.void))
        return _triple(np.rint(points.mean(axis=0)))

    def render(self, out: NDArray[np.float32], start: Shape) -> None:
        """Write the dense prompt into a patch of zeros whose first voxel is ``start`` of the frame."""
        points = self.void - start
        inside = ((points >= 0) & (points < out.shape)).all(axis=1)
        out[tuple(points[inside].T)] = -1
        self.mask.render(out, start)


def register(
    ensemble: TrackingEnsemble, baseline: TrackedGrid, followup: TrackedGrid
) -> Iterator[tuple[int, Registration]]:
    """Register two scans, once for each fold and mirroring.

    Yields
    ------
    tuple
        The fold, and the registration; the unmirrored one of a fold comes first.
    """
    alignment = Alignment(baseline.planes, followup.planes)
    for fold, axes in ensemble.views:
        windows = alignment.windows(mirrored=0 in axes)
        moving, fixed = (
            np.flip(cube(scan.planes, window), axes)
            for scan, window in zip((baseline, followup), windows, strict=True)
        )
        phi, moved = ensemble.members[fold].register(moving, fixed)
        frames = [
            Frame(scan.grid, window, axes) for scan, window in zip((baseline, followup), windows, strict=True)
        ]
        yield fold, Registration(frames[0], frames[1], phi, moved, fixed)


def prompt_all(
    fold: int, registration: Registration, lesions: Mapping[int, GridMask], void: GridMask | None = None
) -> Iterator[tuple[int, Prompt]]:
    """Carry lesions over by one registration; those outside what the follow-up shows are left out.

    Parameters
    ----------
    fold, registration
        What :func:`register` gave.
    lesions, void
        Voxels on the baseline's whole grid: of lesions by id, and those that the network is to see as -1.
    """
    carried = None if void is None else registration.sampled(void)
    marks = np.empty((0, 3), np.intp) if carried is None else carried.points
    for lesion_id, lesion in lesions.items():
        found = registration.warp(lesion)
        if found is not None:
            frame = registration.followup
            outside = marks[~found.mask.contains(marks)]
            yield lesion_id, Prompt(fold, frame, found.mask, outside, found.is_lost, found.similarity)


def segment_prompts(
    ensemble: TrackingEnsemble,
    lesions: Mapping[int, Sequence[Prompt]],
    *,
    on_forward: Callable[[int], None] = lambda _: None,
) -> dict[int, GridLogits]:
    """Return, for each lesion, the mean of what its views find.

    Each view looks at its own patch and says 0 elsewhere, which is neither class: where it did not look, the
    others decide. The patches of all lesions that one fold looks at are given to it together.

    Parameters
    ----------
    ensemble
        The networks.
    lesions
        By id, a lesion as each view sees it; at least one view.
    on_forward
        Called with the id of the lesion after each patch.
    """
    answers = {lesion_id: _Answer(prompts, ensemble) for lesion_id, prompts in lesions.items()}
    for fold, member in ensemble.members.items():
        views = [
            (lesion_id, place)
            for lesion_id, prompts in lesions.items()
            for place, prompt in enumerate(prompts)
            if prompt.fold == fold
        ]
        size = member.memory.batch
        for first in range(0, len(views), size):
            some = views[first : first + size]
            patches = [answers[lesion_id].patch(place) for lesion_id, place in some]
            for (lesion_id, place), logits in zip(some, member.logit_differences(patches), strict=True):
                answers[lesion_id].add(place, logits)
                on_forward(lesion_id)
    return {lesion_id: answer.mean() for lesion_id, answer in answers.items()}


class _Answer:
    """What the views of one lesion find, summed."""

    def __init__(self, prompts: Sequence[Prompt], ensemble: TrackingEnsemble) -> None:
        self._prompts = prompts
        self._patches = [
            patch_around(p.center, p.frame.shape, ensemble.members[p.fold].patch) for p in prompts
        ]
        self._inside = [
            _inside(p.frame.box_on_grid(patch), p.frame)
            for p, patch in zip(prompts, self._patches, strict=True)
        ]
        self._union = Box(
            _triple(np.min([box.start for box in self._inside], axis=0)),
            _triple(np.max([box.stop for box in self._inside], axis=0)),
        )
        self._total = np.zeros(self._union.shape, np.float32)

    def patch(self, place: int) -> NDArray[np.float32]:
        """Return what a view shows the network: image and dense prompt."""
        prompt, patch = self._prompts[place], self._patches[place]
        x = np.zeros((2, *patch.shape), np.float32)
        x[0] = prompt.frame.image(patch)
        prompt.render(x[1], patch.start)
        return x

    def add(self, place: int, logits: NDArray[np.float32]) -> None:
        """Add the logits of a view's patch."""
        frame, block = self._prompts[place].frame, self._inside[place]
        own = block.shifted(negative(frame.box_on_grid(self._patches[place]).start))
        unmirrored = np.flip(logits, frame.mirrored)
        self._total[block.shifted(negative(self._union.start)).slices] += unmirrored[own.slices]

    def mean(self) -> GridLogits:
        """Return the mean of all views."""
        return GridLogits(self._total / np.float32(len(self._prompts)), self._union)


def patch_around(center: Shape, shape: Shape, patch: Shape) -> Box:
    """Return the patch around a voxel, moved inside a grid of ``shape``.

    A grid smaller than the patch is centred in it, so that the patch reaches outside.
    """
    start = _triple(
        -((p - n) // 2) if n < p else min(max(c - p // 2, 0), n - p)
        for c, n, p in zip(center, shape, patch, strict=True)
    )
    return Box.whole(patch).shifted(start)


def _inside(block: Box, frame: Frame) -> Box:
    """Return the part of a patch that lies in the slices a frame shows, in voxels of the whole grid."""
    inside = block.intersection(frame.box_on_grid(Box.whole(frame.shape)))
    if inside is None:
        raise ValueError(f"patch {block} lies outside a grid of {frame.shape}")
    return inside


def _triple(values: Iterable[float]) -> Shape:
    z, y, x = (int(v) for v in values)
    return z, y, x
