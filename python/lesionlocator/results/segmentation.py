"""What segmenting one scan gave."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from lesionlocator.results.labelmap import merged
from lesionlocator.results.lesion import LesionMask, LesionResult

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from lesionlocator.io import Scan
    from lesionlocator.prompts.kinds import Kind
    from lesionlocator.results.provenance import ModelIdentity


@dataclass(frozen=True, eq=False)
class Segmentation:
    """The lesions of one scan.

    Parameters
    ----------
    scan
        The scan as stored.
    kind
        Which prompt of each lesion was used.
    lesions
        What became of each prompt, by lesion id, refused ones included.
    refused_entries
        Why entries of a prompt file without a legal id were refused, by the text that stands in the file.
    notes
        What its user should know of the case as a whole.
    model
        Which model it was.
    other_model
        Which it was for lesions that were prompted in another way than the case; None where all were in one.
    """

    scan: Scan
    kind: Kind
    lesions: Mapping[int, LesionResult]
    refused_entries: Mapping[str, str]
    notes: tuple[str, ...]
    model: ModelIdentity
    other_model: ModelIdentity | None = None

    @property
    def masks(self) -> dict[int, LesionMask]:
        """The masks that were found, by lesion id."""
        return {i: lesion.found for i, lesion in self.lesions.items() if lesion.found is not None}

    @property
    def labelmap(self) -> NDArray[np.uint8] | NDArray[np.uint16]:
        """Lesion ids on the scan's grid, z, y, x; the higher probability wins an overlap, 0 is background."""
        return self._merged[0]

    @property
    def overlap_voxels(self) -> int:
        """Number of voxels that more than one lesion claims."""
        return self._merged[1]

    def _repr_html_(self) -> str:
        """Return what a notebook shows."""
        from lesionlocator.results.display import segmentation_html

        return segmentation_html(self)

    @cached_property
    def _merged(self) -> tuple[NDArray[np.uint8] | NDArray[np.uint16], int]:
        return merged(self.masks.items(), self.scan.geometry.shape)

    def save(self, folder: str | Path, *, per_lesion: bool = True, labelmap: bool = True) -> list[Path]:
        """Write the masks and what is known of the lesions.

        Parameters
        ----------
        folder
            Where to write; made where there is none.
        per_lesion
            Whether to write ``<scan>_lesion_<id>.nii.gz``, one for each lesion that was not refused.
        labelmap
            Whether to write ``<scan>_lesions.nii.gz``.

        Returns
        -------
        list of Path
            The files, ``<scan>_lesions.json`` last.

        Raises
        ------
        OutputError
            Where a file cannot be written.
        """
        from lesionlocator.results.files import CaseFiles

        return CaseFiles.of(self.scan, folder).write(self, per_lesion=per_lesion, labelmap=labelmap)
