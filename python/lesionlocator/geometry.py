"""Where voxels are: the grid of a scan, boxes and points on it, and its orientation.

Arrays and voxel indices are ordered z, y, x everywhere; world coordinates are LPS millimetres ordered
x, y, z, as in DICOM and SimpleITK. ``docs/coordinates.md`` is the full statement.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar, cast

import numpy as np

from lesionlocator.errors import InputError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

T = TypeVar("T")
Voxels = TypeVar("Voxels", bound="NDArray[Any]")

Triple = tuple[float, float, float]
Shape = tuple[int, int, int]
Point = Triple
"""A position in voxels, z, y, x; voxel centres are at whole numbers."""


@dataclass(frozen=True)
class Box:
    """A half-open block of voxels, z, y, x.

    Parameters
    ----------
    start, stop
        First voxel, and one past the last voxel, along each axis.

    Raises
    ------
    InputError
        Where ``stop`` is not above ``start`` along every axis.

    Examples
    --------
    >>> Box((0, 2, 4), (3, 4, 5)).shape
    (3, 2, 1)
    """

    start: Shape
    stop: Shape

    def __post_init__(self) -> None:
        if any(b <= a for a, b in zip(self.start, self.stop, strict=True)):
            raise InputError(f"box {self.start} to {self.stop} (z, y, x) is empty or inverted")

    @classmethod
    def whole(cls, shape: Shape) -> Box:
        """Return the box of a whole array."""
        return cls((0, 0, 0), shape)

    @classmethod
    def around(cls, boxes: Sequence[Box]) -> Box:
        """Return the smallest box that holds all boxes, of which there is one at least."""
        start = (min(along) for along in zip(*(box.start for box in boxes), strict=True))
        stop = (max(along) for along in zip(*(box.stop for box in boxes), strict=True))
        return cls(_triple(start), _triple(stop))

    @property
    def shape(self) -> Shape:
        """Number of voxels along each axis."""
        z, y, x = (b - a for a, b in zip(self.start, self.stop, strict=True))
        return z, y, x

    @property
    def slices(self) -> tuple[slice, slice, slice]:
        """Index of the box in an array."""
        z, y, x = (slice(a, b) for a, b in zip(self.start, self.stop, strict=True))
        return z, y, x

    def shifted(self, offset: Shape) -> Box:
        """Return the box moved by ``offset`` voxels."""
        return Box(
            _triple(a + o for a, o in zip(self.start, offset, strict=True)),
            _triple(b + o for b, o in zip(self.stop, offset, strict=True)),
        )

    def grown(self, voxels: int) -> Box:
        """Return the box with a number of voxels added at each end."""
        return Box(_triple(a - voxels for a in self.start), _triple(b + voxels for b in self.stop))

    def widened(self, fraction: float) -> Box:
        """Return the box with ``fraction`` of its length, rounded down to voxels, added at each end."""
        more = [int(n * fraction) for n in self.shape]
        return Box(
            _triple(a - m for a, m in zip(self.start, more, strict=True)),
            _triple(b + m for b, m in zip(self.stop, more, strict=True)),
        )

    def clipped(self, shape: Shape) -> Box | None:
        """Return the part inside an array of ``shape``, or None where nothing is left."""
        return self.intersection(Box.whole(shape))

    def intersection(self, other: Box) -> Box | None:
        """Return the common part of two boxes, or None where there is none."""
        start = _triple(max(a, b) for a, b in zip(self.start, other.start, strict=True))
        stop = _triple(min(a, b) for a, b in zip(self.stop, other.stop, strict=True))
        return Box(start, stop) if all(a < b for a, b in zip(start, stop, strict=True)) else None


@dataclass(frozen=True)
class Geometry:
    """The grid of a scan in the patient.

    Parameters
    ----------
    shape
        Voxels along z, y, x.
    spacing
        Voxel size in mm along z, y, x; positive and finite.
    origin_lps
        Centre of voxel (0, 0, 0) in LPS mm, ordered x, y, z.
    direction_lps
        Row-major 3 x 3 matrix whose columns are the unit vectors of the x, y and z index axes, in LPS.

    Raises
    ------
    InputError
        Where a value is not finite, a spacing or size is not positive, or the direction is singular.
    """

    shape: Shape
    spacing: Triple
    origin_lps: Triple = (0.0, 0.0, 0.0)
    direction_lps: tuple[float, ...] = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0)

    def __post_init__(self) -> None:
        if any(n < 1 for n in self.shape):
            raise InputError(f"shape {self.shape} (z, y, x) has an axis without voxels")
        if not all(np.isfinite(s) and s > 0 for s in self.spacing):
            raise InputError(f"spacing {self.spacing} mm (z, y, x) must be positive and finite")
        if not np.all(np.isfinite([*self.origin_lps, *self.direction_lps])):
            raise InputError("origin or direction is not finite")
        if abs(np.linalg.det(np.reshape(self.direction_lps, (3, 3)))) < 1e-6:
            raise InputError(f"direction {self.direction_lps} is singular")

    @property
    def index_to_lps(self) -> NDArray[np.float64]:
        """The 3 x 3 matrix that takes an index step (z, y, x) to a step in LPS mm (x, y, z)."""
        direction = np.reshape(self.direction_lps, (3, 3))
        return direction[:, ::-1] * np.asarray(self.spacing)

    @property
    def voxel_volume_ml(self) -> float:
        """Volume of a voxel in millilitres."""
        return float(np.prod(self.spacing)) / 1000.0

    def voxel_to_lps(self, points: ArrayLike) -> NDArray[np.float64]:
        """Take positions in voxels, shape (..., 3) ordered z, y, x, to LPS mm ordered x, y, z."""
        return np.asarray(points, dtype=np.float64) @ self.index_to_lps.T + np.asarray(self.origin_lps)

    def lps_to_voxel(self, points: ArrayLike) -> NDArray[np.float64]:
        """Take LPS mm, shape (..., 3) ordered x, y, z, to positions in voxels ordered z, y, x."""
        offset = np.asarray(points, dtype=np.float64) - np.asarray(self.origin_lps)
        return offset @ np.linalg.inv(self.index_to_lps).T

    def difference(self, other: Geometry, *, tolerance_mm: float = 0.01) -> str | None:
        """Say how the grid differs from another, or None where both are the same.

        Two grids are the same where the shapes are equal and no corner voxel is further apart than
        ``tolerance_mm`` mm.
        """
        if self.shape != other.shape:
            return f"shape {self.shape} is not {other.shape} (z, y, x)"
        corners = list(itertools.product(*((0, n - 1) for n in self.shape)))
        apart = float(np.abs(self.voxel_to_lps(corners) - other.voxel_to_lps(corners)).max())
        if not apart <= tolerance_mm and not np.allclose(self.spacing, other.spacing, rtol=1e-3):
            return f"spacing {self.spacing} is not {other.spacing} mm (z, y, x)"
        if not apart <= tolerance_mm:
            return f"corner voxels lie up to {apart:.3g} mm apart (origin or direction differs)"
        return None


@dataclass(frozen=True)
class Orientation:
    """A reordering and flipping of the axes of a grid: what takes a stored array to canonical order.

    Parameters
    ----------
    axes
        Stored axis that becomes axis 0, 1, 2.
    flips
        Whether new axis 0, 1, 2 runs backwards through its stored axis.

    Examples
    --------
    >>> orientation = Orientation((2, 0, 1), (True, False, False))
    >>> array = np.arange(24).reshape(2, 3, 4)
    >>> np.array_equal(orientation.restored(orientation.view(array)), array)
    True
    """

    axes: Shape = (0, 1, 2)
    flips: tuple[bool, bool, bool] = (False, False, False)

    @classmethod
    def canonical(cls, geometry: Geometry) -> Orientation:
        """Return what makes z, y, x run most nearly towards superior, posterior, left (LPS)."""
        steps = np.abs(geometry.index_to_lps[::-1] / np.asarray(geometry.spacing))
        best = max(
            itertools.permutations(range(3)), key=lambda axes: sum(steps[new, axes[new]] for new in range(3))
        )
        signed = geometry.index_to_lps[::-1]
        flips = (signed[0, best[0]] < 0, signed[1, best[1]] < 0, signed[2, best[2]] < 0)
        return cls((best[0], best[1], best[2]), (bool(flips[0]), bool(flips[1]), bool(flips[2])))

    @property
    def is_identity(self) -> bool:
        """Whether nothing changes."""
        return self == Orientation()

    def view(self, array: Voxels) -> Voxels:
        """Return a view of a stored array in the new order; nothing is copied."""
        turned = array.transpose(self.axes)[
            tuple(slice(None, None, -1 if flip else 1) for flip in self.flips)
        ]
        return cast("Voxels", turned)

    def restored(self, array: Voxels) -> Voxels:
        """Return a view of an array of the new order in the stored order."""
        unflipped = array[tuple(slice(None, None, -1 if flip else 1) for flip in self.flips)]
        return cast("Voxels", unflipped.transpose(np.argsort(self.axes)))

    def geometry(self, stored: Geometry) -> Geometry:
        """Return the grid of the new order."""
        first = [0.0, 0.0, 0.0]
        for new, old in enumerate(self.axes):
            first[old] = stored.shape[old] - 1.0 if self.flips[new] else 0.0
        signs = np.where(self.flips, -1.0, 1.0)
        columns = np.reshape(stored.direction_lps, (3, 3))[:, ::-1][:, self.axes] * signs
        return Geometry(
            _triple(stored.shape[a] for a in self.axes),
            _triple(stored.spacing[a] for a in self.axes),
            _triple(stored.voxel_to_lps(first).tolist()),
            tuple(columns[:, ::-1].ravel().tolist()),
        )

    def point(self, point: Point, stored_shape: Shape) -> Point:
        """Take a position on the stored grid to the new order."""
        return _triple(
            stored_shape[old] - 1 - point[old] if flip else point[old]
            for old, flip in zip(self.axes, self.flips, strict=True)
        )

    def box(self, box: Box, stored_shape: Shape) -> Box:
        """Take a box on the stored grid to the new order."""
        pairs = [
            (stored_shape[old] - box.stop[old], stored_shape[old] - box.start[old])
            if flip
            else (box.start[old], box.stop[old])
            for old, flip in zip(self.axes, self.flips, strict=True)
        ]
        return Box(_triple(a for a, _ in pairs), _triple(b for _, b in pairs))

    def restored_box(self, box: Box, stored_shape: Shape) -> Box:
        """Take a box of the new order to the stored grid."""
        return self.inverse.box(box, _triple(stored_shape[a] for a in self.axes))

    @property
    def inverse(self) -> Orientation:
        """The orientation that takes the new order back to the stored one."""
        back = [int(i) for i in np.argsort(self.axes)]
        return Orientation(
            (back[0], back[1], back[2]), (self.flips[back[0]], self.flips[back[1]], self.flips[back[2]])
        )


def _triple(values: Iterable[T]) -> tuple[T, T, T]:
    z, y, x = values
    return z, y, x
