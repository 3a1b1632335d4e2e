"""Naming the voxels of a real scan by their HU, well enough to find places where lesions may grow."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from lesionlocator.synthetic.tissue import Tissue

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Voxels = NDArray[np.int16] | NDArray[np.float32]

_BODY_HU = -300.0
# Upper limit of HU, and what a voxel of the body below it is taken for.
_KINDS = (
    (-960.0, Tissue.GAS), (-300.0, Tissue.LUNG), (-150.0, Tissue.SKIN), (-20.0, Tissue.FAT),
    (180.0, Tissue.MUSCLE), (250.0, Tissue.BLOOD), (np.inf, Tissue.BONE),
)  # fmt: skip


def named_tissues(hounsfield: Voxels) -> NDArray[np.uint8]:
    """Return a code of :class:`Tissue` for each voxel, by its HU alone.

    "Muscle" stands for all soft tissue, "bone" for all that is as bright, "skin" for partial volume at air.
    """
    limits = [limit for limit, _ in _KINDS[:-1]]
    codes = np.array([tissue for _, tissue in _KINDS], dtype=np.uint8)
    named: NDArray[np.uint8] = codes[np.digitize(hounsfield, limits)]
    return named


def body_mask(hounsfield: Voxels) -> NDArray[np.bool_]:
    """Return the largest piece that is denser than air, with what each of its slices (axis 0) encloses."""
    import SimpleITK

    sitk: Any = SimpleITK  # SWIG wrappers have no types
    dense = sitk.GetImageFromArray((hounsfield > _BODY_HU).astype(np.uint8))
    dense = sitk.BinaryMorphologicalOpening(dense, (1, 1, 1))
    largest = sitk.RelabelComponent(sitk.ConnectedComponent(dense)) == 1
    slices = [sitk.BinaryFillhole(largest[:, :, z]) for z in range(largest.GetSize()[2])]
    filled: NDArray[np.bool_] = sitk.GetArrayFromImage(sitk.JoinSeries(slices)) > 0
    return filled
