"""Writing synthetic scans."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lesionlocator.io import write_atomically, write_labelmap

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from lesionlocator.geometry import Geometry
    from lesionlocator.synthetic.followup import SyntheticFollowup
    from lesionlocator.synthetic.patient import SyntheticScan

_COMPRESSION_LEVEL = 2
"""Noise hardly compresses; a higher level only takes longer."""


def write_scan(patient: SyntheticScan | SyntheticFollowup, path: Path) -> None:
    """Write the CT of a patient (.nii.gz, int16); wholly or not at all.

    Raises
    ------
    OutputError
        Where the file cannot be written.
    """
    write_image(patient.voxels, patient.geometry, path)


def write_image(voxels: NDArray[np.int16] | NDArray[np.float32], geometry: Geometry, path: Path) -> None:
    """Write an image (.nii.gz) on its grid; wholly or not at all.

    Raises
    ------
    OutputError
        Where the file cannot be written.
    """
    import SimpleITK

    sitk: Any = SimpleITK  # SWIG wrappers have no types
    image = sitk.GetImageFromArray(voxels)
    image.SetSpacing(geometry.spacing[::-1])
    image.SetOrigin(geometry.origin_lps)
    image.SetDirection(geometry.direction_lps)
    with write_atomically(path) as partial:
        try:
            sitk.WriteImage(image, str(partial), useCompression=True, compressionLevel=_COMPRESSION_LEVEL)
        except RuntimeError as error:
            raise OSError(str(error).strip().splitlines()[-1]) from error


def write_truth(patient: SyntheticScan | SyntheticFollowup, path: Path) -> None:
    """Write the lesion instances of a patient (.nii.gz); wholly or not at all.

    Raises
    ------
    OutputError
        Where the file cannot be written.
    """
    write_labelmap(path, patient.labels, patient.geometry)
