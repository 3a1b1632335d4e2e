"""A map between two scans in the form that other programs read: a displacement field."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lesionlocator.errors import OutputError
from lesionlocator.io.files import write_atomically

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from lesionlocator.geometry import Geometry


@dataclass(frozen=True, eq=False)
class DisplacementField:
    """Where each place of a follow-up lies in the scan before.

    Parameters
    ----------
    vectors
        LPS mm ordered x, y, z to add to the position of a node, float32 or float64, shape (z, y, x, 3).
    geometry
        The grid of the nodes, in the follow-up's world.
    """

    vectors: NDArray[np.float32] | NDArray[np.float64]
    geometry: Geometry

    def write(self, path: Path) -> None:
        """Write the field as ITK reads it: an image of vectors, which are in LPS mm in every format.

        ``SimpleITK.DisplacementFieldTransform`` of it takes points of the follow-up to the scan before, and
        resamples the scan before onto the follow-up.

        Parameters
        ----------
        path
            Its ending says how: .nii.gz, .nrrd or .mha.

        Raises
        ------
        OutputError
            Where the file cannot be written.
        """
        import SimpleITK

        sitk: Any = SimpleITK  # SWIG wrappers have no types
        image = sitk.GetImageFromArray(self.vectors, isVector=True)
        image.SetOrigin(self.geometry.origin_lps)
        image.SetSpacing(self.geometry.spacing[::-1])
        image.SetDirection(self.geometry.direction_lps)
        with write_atomically(path) as partial:
            try:
                sitk.WriteImage(image, str(partial), useCompression=True)
            except RuntimeError as error:
                raise OutputError(
                    f"cannot write {path}: the format or the folder does not allow it"
                ) from error
