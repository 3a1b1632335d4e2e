"""Blocks of a resampled volume, computed from just the voxels they need.

All arrays and triples are ordered z, y, x. Positions correspond as
``source = (target + 0.5) * source_size / target_size - 0.5``, edges clamped.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from lesionlocator import _core
from lesionlocator.geometry import Box, Shape
from lesionlocator.model.plans import ResamplingFamily

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Volume = NDArray[Any]

_PRECISION: dict[ResamplingFamily, Literal["single", "double"]] = {
    ResamplingFamily.LINEAR: "single",
    ResamplingFamily.CUBIC: "double",
}

IntensityMap = tuple[float, float, float, float]
"""Clip to the first two, subtract the third, divide by the fourth."""


@dataclass(frozen=True)
class GridChange:
    """From a source grid to a target grid over the same field of view.

    Parameters
    ----------
    source, target
        Voxels of both grids.
    separate_axis
        Axis that is resampled by nearest neighbour, apart from the others; None for none.
    """

    source: Shape
    target: Shape
    separate_axis: int | None = None

    @property
    def is_identity(self) -> bool:
        """Whether both grids are the same."""
        return self.source == self.target

    def scaled(self, source_box: Box) -> Box:
        """Return the target voxels that a box of the source covers, in whole or in part."""
        scales = [new / old for new, old in zip(self.target, self.source, strict=True)]
        z, y, x = (math.floor(a * s) for a, s in zip(source_box.start, scales, strict=True))
        k, j, i = (math.ceil(b * s) for b, s in zip(source_box.stop, scales, strict=True))
        return Box((z, y, x), (k, j, i))

    def source_block(self, target_block: Box, interpolation: str) -> Box:
        """Return the source voxels that a block of the target needs."""
        start, stop = _core.resample_source_block(
            interpolation,  # type: ignore[arg-type]  # one of the three literals, from this module
            source_shape=self.source,
            target_shape=self.target,
            target_start=target_block.start,
            target_extent=target_block.shape,
            separate_axis=self.separate_axis,  # type: ignore[arg-type]  # 0, 1 or 2
        )
        return Box(start, stop)

    def covered_block(self, source_block: Box) -> Box | None:
        """Return the target voxels whose linear stencils lie wholly in a block of the source."""
        found = _core.resample_covered_block(
            source_shape=self.source,
            source_start=source_block.start,
            source_extent=source_block.shape,
            target_shape=self.target,
            separate_axis=self.separate_axis,  # type: ignore[arg-type]  # 0, 1 or 2
        )
        return None if found is None else Box(*found)


def linear_block(
    volume: Volume, change: GridChange, target_block: Box, *, intensity: IntensityMap | None = None
) -> NDArray[np.float32]:
    """Return a block of the trilinearly resampled volume; ``volume`` is the whole source grid."""
    needed = change.source_block(target_block, "linear")
    return linear_from_block(volume[needed.slices], needed.start, change, target_block, intensity=intensity)


def linear_from_block(
    block: Volume,
    block_start: Shape,
    change: GridChange,
    target_block: Box,
    *,
    intensity: IntensityMap | None = None,
) -> NDArray[np.float32]:
    """Return a block of the trilinearly resampled grid, of which only a source block is known."""
    return _filled(_core.resample_trilinear, block, block_start, change, target_block, intensity=intensity)


def cubic_block(
    volume: Volume,
    change: GridChange,
    target_block: Box,
    *,
    limits: NDArray[np.float32],
    intensity: IntensityMap | None,
) -> NDArray[np.float32]:
    """Return a block of the volume resampled by cubic B-splines; ``volume`` is the whole source grid.

    ``limits`` are the minimum and maximum that results are clipped to, shape (1, 2), or one row for each
    source index along the separate axis.
    """
    needed = change.source_block(target_block, "cubic")
    return _filled(
        _core.resample_cubic,
        volume[needed.slices],
        needed.start,
        change,
        target_block,
        limits=limits,
        intensity=intensity,
    )


def label_volume(labels: Volume, change: GridChange, family: ResamplingFamily) -> Volume:
    """Return a label map on the whole target grid; memory is only touched where labels are."""
    if change.is_identity:
        return labels
    out = np.zeros(change.target, labels.dtype)
    positions = _positions(change, (0, 0, 0), (0, 0, 0))
    _core.resample_labels(labels, out, **positions, **_separate(change), positions=_PRECISION[family])
    return out


def label_block(
    labels: NDArray[np.uint8], box: Box, change: GridChange, family: ResamplingFamily
) -> tuple[NDArray[np.uint8], Box]:
    """Return labels that fill a block of the source, 0 elsewhere, on the target voxels that they touch."""
    touched = change.scaled(box).grown(1).clipped(change.target) or Box.whole(change.target)
    needed = Box.around([change.source_block(touched, "linear"), box])
    source, out = np.zeros(needed.shape, np.uint8), np.zeros(touched.shape, np.uint8)
    z, y, x = (-n for n in needed.start)
    source[box.shifted((z, y, x)).slices] = labels
    positions = _positions(change, needed.start, touched.start)
    _core.resample_labels(source, out, **positions, **_separate(change), positions=_PRECISION[family])
    return out, touched


def value_range(volume: Volume, axis: int | None) -> NDArray[np.float32]:
    """Return minimum and maximum, shape (1, 2), or of each index along an axis, shape (n, 2)."""
    return _core.resample_value_range(volume, axis=axis)  # type: ignore[arg-type]  # 0, 1, 2 or None


def _filled(
    kernel: Callable[..., None],
    block: Volume,
    block_start: Shape,
    change: GridChange,
    target_block: Box,
    **options: Any,
) -> Volume:
    out = np.empty(target_block.shape, np.float32)
    kernel(block, out, **_positions(change, block_start, target_block.start), **_separate(change), **options)
    return out


def _positions(change: GridChange, source_start: Shape, target_start: Shape) -> dict[str, Any]:
    return {
        "source_shape": change.source,
        "source_start": source_start,
        "target_shape": change.target,
        "target_start": target_start,
    }


def _separate(change: GridChange) -> dict[str, Any]:
    return {"separate_axis": change.separate_axis}
