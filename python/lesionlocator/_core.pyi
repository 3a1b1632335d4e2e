"""The compiled kernels: functions over numpy arrays that the caller owns, all indexed z, y, x.

Sources may have any strides; every ``out`` is written in place and must be C-contiguous. All kernels run
without the GIL on a shared thread pool, and give the same bits for any number of threads. What does not fit
together raises :class:`lesionlocator.errors.KernelError`.

A resampling kernel sees a block of the source grid (``source``, which begins at ``source_start`` of a grid
of ``source_shape``) and writes a block of the target grid (``out``, which begins at ``target_start`` of a
grid of ``target_shape``). Positions correspond as
``source = (target + 0.5) * source_size / target_size - 0.5``, edges clamped.
:func:`resample_source_block` says which source block a target block needs.
"""

from collections.abc import Sequence
from os import PathLike
from typing import Literal

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "__version__",
    "components_fill_holes",
    "components_instances",
    "components_label",
    "components_nonzero_box",
    "components_statistics",
    "files_compress_mask",
    "files_read_gzip",
    "matching_assign",
    "matching_overlap",
    "measure_axial_diameters",
    "measure_distance_transform",
    "measure_intensity",
    "measure_longest_diameter",
    "measure_percentiles",
    "measure_surface",
    "measure_surface_distances",
    "prompt_ball",
    "prompt_box",
    "prompt_gaussian",
    "resample_covered_block",
    "resample_cubic",
    "resample_labels",
    "resample_nearest",
    "resample_source_block",
    "resample_trilinear",
    "resample_value_range",
    "set_threads",
    "stitch_accumulate",
    "stitch_foreground",
    "stitch_gaussian",
    "stitch_normalize",
    "stitch_tile_starts",
    "threads",
    "warp_linear",
    "warp_nearest",
]

__version__: str

_Shape = tuple[int, int, int]
_Image = NDArray[np.int16] | NDArray[np.float32]
_Labels = NDArray[np.uint8] | NDArray[np.uint16] | NDArray[np.uint32]
_Intensity = tuple[float, float, float, float]
"""Clip to [0], [1]; subtract [2]; divide by [3]; infinite bounds do not clip."""
_Interpolation = Literal["nearest", "linear", "cubic"]
_Axis = Literal[0, 1, 2]

def set_threads(threads: int) -> None: ...
def threads() -> int: ...

# -- resample --------------------------------------------------------------------------------------
def resample_source_block(
    interpolation: _Interpolation,
    *,
    source_shape: _Shape,
    target_shape: _Shape,
    target_start: _Shape,
    target_extent: _Shape,
    separate_axis: _Axis | None = None,
) -> tuple[_Shape, _Shape]:
    """Return start and stop of the source block that a target block needs.

    Cubic blocks include the margin that the spline prefilter needs (16 voxels where the grid goes on).
    """

def resample_covered_block(
    *,
    source_shape: _Shape,
    source_start: _Shape,
    source_extent: _Shape,
    target_shape: _Shape,
    separate_axis: _Axis | None = None,
) -> tuple[_Shape, _Shape] | None:
    """Return start and stop of the target block whose linear stencils lie wholly in a source block.

    Both neighbours of a voxel count, also one of weight 0; None where there is no such voxel.
    """

def resample_value_range(source: _Image, *, axis: _Axis | None = None) -> NDArray[np.float32]:
    """Return minimum and maximum, shape (1, 2), or of each index along ``axis``, (n, 2); NaN is ignored."""

def resample_trilinear(
    source: _Image,
    out: NDArray[np.float32],
    *,
    source_shape: _Shape,
    source_start: _Shape,
    target_shape: _Shape,
    target_start: _Shape,
    intensity: _Intensity | None = None,
    separate_axis: _Axis | None = None,
) -> None:
    """Trilinear; along ``separate_axis`` nearest. The bits of torch's interpolate where there is FMA."""

def resample_cubic(
    source: _Image,
    out: NDArray[np.float32],
    *,
    source_shape: _Shape,
    source_start: _Shape,
    target_shape: _Shape,
    target_start: _Shape,
    limits: NDArray[np.float32],
    intensity: _Intensity | None = None,
    separate_axis: _Axis | None = None,
) -> None:
    """Cubic B-spline with prefilter, edges extended, clipped to ``limits``; along ``separate_axis`` nearest.

    ``limits`` are minimum and maximum after ``intensity``: shape (1, 2), or with ``separate_axis`` (n, 2),
    one row for each index of the whole source grid along that axis.
    """

def resample_nearest(
    source: _Image | _Labels,
    out: _Image | _Labels,
    *,
    source_shape: _Shape,
    source_start: _Shape,
    target_shape: _Shape,
    target_start: _Shape,
) -> None:
    """Nearest neighbour, torch's "nearest-exact"; ``out`` has the dtype of ``source``."""

def resample_labels(
    source: _Labels,
    out: _Labels,
    *,
    source_shape: _Shape,
    source_start: _Shape,
    target_shape: _Shape,
    target_start: _Shape,
    separate_axis: _Axis | None = None,
    positions: Literal["single", "double"] = "single",
) -> None:
    """Each label's 0/1 map resampled linearly; the label is written where that exceeds 0.5.

    The precision of ``positions`` decides voxels exactly between a label and its background: "single" is
    torch's arithmetic, "double" (from a scale in single precision) that of the published cubic family.
    ``out`` must come in as zeros (rows without labels are not touched) and has the dtype of ``source``.
    """

# -- components ------------------------------------------------------------------------------------
def components_nonzero_box(volume: _Image | _Labels) -> tuple[_Shape, _Shape] | None:
    """Return start and stop of the box around all voxels that are not zero (NaN is not zero)."""

def components_label(mask: _Labels, out: _Labels, *, connectivity: Literal[6, 18, 26]) -> int:
    """Write the connected components of the nonzero voxels, numbered by their first voxel in raster order.

    ``out`` must come in as zeros; more components than its dtype has numbers for are an error. Returns the
    number of components.
    """

def components_statistics(
    labels: _Labels,
) -> tuple[NDArray[np.uint32], NDArray[np.uint64], NDArray[np.int64], NDArray[np.float64]]:
    """Return ids (n,), counts (n,), half-open boxes (n, 3, 2) and centroids (n, 3) of the labels present.

    Ids ascend; 0 is background.
    """

def components_instances(
    mask: _Labels, *, connectivity: Literal[6, 18, 26], out: _Labels | None = None
) -> tuple[NDArray[np.uint32], NDArray[np.uint64], NDArray[np.int64], NDArray[np.float64]]:
    """Return what :func:`components_statistics` says of :func:`components_label`, without a label volume.

    With ``out``, the labels are written too, as :func:`components_label` does.
    """

def components_fill_holes(mask: NDArray[np.uint8], out: NDArray[np.uint8]) -> None:
    """Write the mask (0/1) with every background voxel not 6-connected to the border filled."""

# -- prompt ----------------------------------------------------------------------------------------
def prompt_ball(out: NDArray[np.float32], *, center: tuple[int, int, int], radius: int) -> int:
    """Set to 1 the voxels at squared distance up to (radius + 0.5)**2 of ``center``, which may lie outside.

    Returns the number of voxels set.
    """

def prompt_box(out: NDArray[np.float32], *, start: tuple[int, int, int], stop: tuple[int, int, int]) -> int:
    """Set to 1 the part of a half-open box that lies in ``out``; returns the number of voxels set."""

def prompt_gaussian(
    out: NDArray[np.float32], *, center: tuple[float, float, float], sigma: float, truncate: float = 4.0
) -> int:
    """Raise ``out`` to at least exp(-d**2 / (2 sigma**2)) within ``truncate`` sigma along each axis.

    Returns the number of voxels within reach.
    """

# -- stitch ----------------------------------------------------------------------------------------
def stitch_tile_starts(size: int, patch: int, step_fraction: float) -> list[int]:
    """Return the evenly spaced first voxels of the tiles along one axis; size must be at least patch."""

def stitch_gaussian(patch: int) -> NDArray[np.float64]:
    """Return one axis of the tile weight: impulse at patch // 2 smoothed with sigma patch / 8, maximum 1."""

def stitch_accumulate(total: NDArray[np.float32], tile: NDArray[np.float32], *, start: _Shape) -> None:
    """Add weight * tile to ``total`` at ``start``; tile holds logit differences.

    The weight is the product of three axes of :func:`stitch_gaussian`, times 10.
    """

def stitch_normalize(
    total: NDArray[np.float32], *, patch: _Shape, starts: tuple[list[int], list[int], list[int]]
) -> None:
    """Divide ``total`` by the summed weights of the tiles at every combination of ``starts``, in place.

    The weights are separable, so no second volume is made. Voxels that no tile covers are an error.
    """

def stitch_foreground(logits: NDArray[np.float32], out: NDArray[np.uint8]) -> int:
    """Write 1 where a logit difference (z, y, x) is above 0, else 0 (NaN gives 0); returns the voxels set."""

# -- measure ---------------------------------------------------------------------------------------
def measure_axial_diameters(
    mask: NDArray[np.uint8], *, spacing: tuple[float, float, float]
) -> tuple[int, NDArray[np.float64], NDArray[np.float64]] | None:
    """Longest diameter over all slices (axis 0) and the longest chord perpendicular to it in the same slice.

    Returns the slice, and the end points (2, 2) of each as y, x in voxels, between voxel centres; None where
    the mask is empty.
    """

def measure_intensity(values: _Image, mask: NDArray[np.uint8]) -> tuple[int, float, float, float, float]:
    """Return count, mean, standard deviation (population), minimum and maximum of the values under a mask."""

def measure_longest_diameter(
    mask: NDArray[np.uint8], *, spacing: tuple[float, float, float]
) -> NDArray[np.float64] | None:
    """Return both ends (2, 3), z, y, x, of the longest line between voxel centres; None where it is empty."""

def measure_surface(mask: NDArray[np.uint8], *, spacing: tuple[float, float, float]) -> tuple[float, float]:
    """Return area (mm2) and volume (mm3) of the surface by marching cubes, half-way between voxel centres."""

def measure_percentiles(
    values: _Image, mask: NDArray[np.uint8], percentiles: Sequence[float]
) -> NDArray[np.float64]:
    """Return percentiles (0 to 100) of the values under a mask, linear between ranks, as numpy's default."""

def measure_distance_transform(
    mask: NDArray[np.uint8], out: NDArray[np.float32], *, spacing: tuple[float, float, float]
) -> None:
    """Write the distance (mm) of each voxel to the nearest nonzero voxel; infinity where there is none."""

def measure_surface_distances(
    first: NDArray[np.uint8], second: NDArray[np.uint8], *, spacing: tuple[float, float, float]
) -> list[tuple[NDArray[np.float32], NDArray[np.float64]]]:
    """Return for each mask how far (mm) each element of its surface is from the other's, and its area (mm2).

    An element is what `measure_surface` has in a cell between eight voxel centres; they are in raster order.
    Infinity where the other mask is empty.
    """

# -- matching --------------------------------------------------------------------------------------
def matching_overlap(
    first: _Labels, second: _Labels
) -> tuple[
    tuple[NDArray[np.uint32], NDArray[np.uint64]],
    tuple[NDArray[np.uint32], NDArray[np.uint64]],
    tuple[NDArray[np.uint32], NDArray[np.uint64]],
]:
    """Return how the labels of two maps of one shape overlap; 0 is background.

    Ids (n,) and voxel counts (n,) of the first map, the same of the second, then the pairs that share voxels:
    ids (p, 2) and common voxels (p,). Everything ascends by id.
    """

def matching_assign(cost: NDArray[np.float64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Assign rows to columns of finite costs (n, m) one to one at the least total cost.

    Returns rows, ascending, and their columns, min(n, m) of each. Equal costs always give the same pairs.
    """

# -- files -----------------------------------------------------------------------------------------
def files_read_gzip(path: str | PathLike[str], out: NDArray[np.uint8]) -> None:
    """Inflate the first n bytes of a gzip file of one or more members into ``out``, shape (n,).

    Raises :class:`lesionlocator.errors.InputError` where the file is missing, damaged or too short; bytes
    after those asked for are not looked at.
    """

def files_compress_mask(
    region: NDArray[np.uint8] | NDArray[np.uint16], *, header: bytes, shape: _Shape, start: _Shape
) -> bytes:
    """Return a gzip file of ``header`` and a little-endian grid of ``shape`` that is zero outside ``region``.

    The region begins at ``start``. The cost is that of the region, not of the grid.
    """

# -- warp ------------------------------------------------------------------------------------------
# Target voxel i looks at ``start + step * i + d(i)`` of the source, in voxels of the whole grids. The
# displacement d, ``nodes`` (3, z, y, x) in source voxels, is given at nodes spread evenly over the target
# grid, the outer ones on its outer voxels, and linear between them. ``out`` is the block that begins at
# ``target_start`` of a target grid of ``target_shape``.
def warp_linear(
    source: _Image,
    out: NDArray[np.float32],
    *,
    start: tuple[float, float, float],
    step: tuple[float, float, float],
    nodes: NDArray[np.float32],
    target_shape: _Shape,
    target_start: _Shape,
    samples: _Shape,
    outside: float,
) -> None:
    """Trilinear, each voxel the mean of ``samples`` positions in it; ``outside`` off the source."""

def warp_nearest(
    source: NDArray[np.uint8] | NDArray[np.uint16],
    out: NDArray[np.uint8] | NDArray[np.uint16],
    *,
    start: tuple[float, float, float],
    step: tuple[float, float, float],
    nodes: NDArray[np.float32],
    target_shape: _Shape,
    target_start: _Shape,
) -> None:
    """Nearest neighbour, 0 off the source; ``out`` has the dtype of ``source``."""
