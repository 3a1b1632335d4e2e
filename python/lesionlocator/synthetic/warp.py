"""Smooth deformations, and sampling through them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from lesionlocator import _core
from lesionlocator.synthetic.fields import smooth_noise

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lesionlocator.geometry import Shape, Triple

    Image = NDArray[np.int16] | NDArray[np.float32]

Labels = TypeVar("Labels", bound=np.ndarray[Any, Any])

_NODES_MM = 20.0
_SCALE_NODES = 3.0
_POTENTIAL = (0.6, 1.0, 1.0)
"""Shares of the potential's z, y, x components: breathing moves most along the body."""
_DISPLACEMENT_MM = 5.3
"""Typical length of a displacement."""
_TURN_DEGREES = 2.0


@dataclass(frozen=True)
class Warp:
    """Where each voxel of a target grid looks in a source grid: an affine map plus a smooth displacement.

    Parameters
    ----------
    start, step
        Along z, y, x, target voxel i looks at ``start + step * i`` before displacement, in source voxels.
    nodes
        Displacement in source voxels at nodes spread evenly over the target, float32, (3, z, y, x).
    shape
        Of the target grid.
    """

    start: Triple
    step: Triple
    nodes: NDArray[np.float32]
    shape: Shape

    @classmethod
    def affine(cls, start: Triple, step: Triple, shape: Shape) -> Warp:
        """Return a warp without displacement."""
        return cls(start, step, np.zeros((3, 1, 1, 1), np.float32), shape)

    def image(
        self, source: Image, *, first: int = 0, stop: int | None = None, outside: float
    ) -> NDArray[np.float32]:
        """Return slices ``first`` to ``stop`` of an image on the target grid, ``outside`` off the source.

        Each voxel is the mean over its own size, where that is larger than a source voxel.
        """
        last = self.shape[0] if stop is None else stop
        out = np.empty((last - first, *self.shape[1:]), np.float32)
        z, y, x = (min(max(round(s), 1), 16) for s in self.step)
        _core.warp_linear(
            source, out, start=self.start, step=self.step, nodes=self.nodes, target_shape=self.shape,
            target_start=(first, 0, 0), samples=(z, y, x), outside=outside,
        )  # fmt: skip
        return out

    def labels(self, source: Labels) -> Labels:
        """Return labels on the target grid, 0 off the source."""
        out = np.zeros(self.shape, source.dtype)
        _core.warp_nearest(
            source, out, start=self.start, step=self.step, nodes=self.nodes, target_shape=self.shape,
            target_start=(0, 0, 0),
        )  # fmt: skip
        return out  # type: ignore[return-value]  # of the dtype of source


def anatomy_nodes(
    rng: np.random.Generator, shape: Shape, spacing: Triple, source_spacing: Triple
) -> NDArray[np.float32]:
    """Return nodes of a smooth, fold-free deformation of a body: breathing, posture, a slight turn.

    Soft tissue is hardly compressible: the displacement is the curl of a potential, so that it keeps volumes,
    and a lesion that is to stay as it is does.

    Parameters
    ----------
    rng
        Source of randomness.
    shape, spacing
        The target grid, mm.
    source_spacing
        mm; the displacement is in voxels of that grid.

    Returns
    -------
    numpy.ndarray
        float32, (3, z, y, x), as in :class:`Warp`.
    """
    extent = [(n - 1) * s for n, s in zip(shape, spacing, strict=True)]
    z, y, x = (max(int(np.ceil(e / _NODES_MM)) + 1, 2) for e in extent)
    scale = (_SCALE_NODES, _SCALE_NODES, _SCALE_NODES)
    nodes = _curl([np.float32(share) * smooth_noise(rng, (z, y, x), scale) for share in _POTENTIAL])
    nodes *= _DISPLACEMENT_MM / max(float(np.sqrt((nodes**2).sum(axis=0).mean())), 1e-6)
    angle = np.deg2rad(rng.uniform(-_TURN_DEGREES, _TURN_DEGREES))
    across = np.linspace(-extent[1] / 2, extent[1] / 2, y)[None, :, None]
    along = np.linspace(-extent[2] / 2, extent[2] / 2, x)[None, None, :]
    nodes[1] += (np.cos(angle) - 1) * across - np.sin(angle) * along
    nodes[2] += np.sin(angle) * across + (np.cos(angle) - 1) * along
    nodes /= np.asarray(source_spacing, np.float32)[:, None, None, None]
    return np.ascontiguousarray(nodes, np.float32)


def _curl(potential: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
    """Return the curl of a vector field along z, y, x on a grid of equal steps, (3, z, y, x)."""
    z, y, x = potential
    return np.stack(
        [
            np.gradient(y, axis=2) - np.gradient(x, axis=1),
            np.gradient(x, axis=0) - np.gradient(z, axis=2),
            np.gradient(z, axis=1) - np.gradient(y, axis=0),
        ]
    )
