"""The files that hold the results of one case."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from lesionlocator import _core
from lesionlocator.errors import InputError, OutputError
from lesionlocator.geometry import Box
from lesionlocator.io import read_labelmap, write_mask_region
from lesionlocator.results.documents import case_document, write_document
from lesionlocator.results.lesion import LesionMask, LesionResult, LesionStatus

if TYPE_CHECKING:
    from collections.abc import Iterable

    from lesionlocator.geometry import Geometry
    from lesionlocator.io import Scan
    from lesionlocator.results.segmentation import Segmentation

_ONE_VOXEL = Box((0, 0, 0), (1, 1, 1))


@dataclass(frozen=True)
class CaseFiles:
    """Where the results of a case are written, each file wholly or not at all.

    Parameters
    ----------
    folder
        The folder; it exists.
    case
        What the files are named after.
    """

    folder: Path
    case: str

    @classmethod
    def of(cls, scan: Scan, folder: str | Path) -> CaseFiles:
        """Return the files of a scan in a folder, which is made where there is none."""
        return cls(make_folder(folder), scan.name)

    @property
    def labelmap(self) -> Path:
        """All lesions in one file."""
        return self.folder / f"{self.case}_lesions.nii.gz"

    @property
    def document(self) -> Path:
        """What is known of the lesions; written last, so that it says that the case is done."""
        return self.folder / f"{self.case}_lesions.json"

    def mask(self, lesion_id: int) -> Path:
        """Return the file of one lesion."""
        return self.folder / f"{self.case}_lesion_{lesion_id}.nii.gz"

    def expected(self, lesion_id: int) -> Path:
        """Return the file that says where a lesion of an earlier scan was looked for."""
        return self.folder / f"{self.case}_expected_{lesion_id}.nii.gz"

    def write_expected(self, lesion_id: int, place: LesionMask, geometry: Geometry) -> Path:
        """Write where a lesion of an earlier scan was looked for, and return the file."""
        path = self.expected(lesion_id)
        write_mask_region(path, place.region, place.box, geometry)
        return path

    def write(self, segmentation: Segmentation, *, per_lesion: bool, labelmap: bool) -> list[Path]:
        """Write all files of a case, and return them."""
        lesions = segmentation.lesions.values()
        written = (
            [self.write_mask(lesion, segmentation.scan.geometry) for lesion in lesions] if per_lesion else []
        )
        return [path for path in written if path] + self.write_case(segmentation, labelmap=labelmap)

    def write_mask(self, lesion: LesionResult, geometry: Geometry) -> Path | None:
        """Write the mask of a lesion, all zeros where it is empty; none where its prompt was refused."""
        if lesion.status is LesionStatus.REFUSED:
            return None
        path = self.mask(lesion.lesion_id)
        if lesion.found is None:
            write_mask_region(path, np.zeros(_ONE_VOXEL.shape, np.uint8), _ONE_VOXEL, geometry)
        else:
            write_mask_region(path, lesion.found.region, lesion.found.box, geometry)
        return path

    def write_case(self, segmentation: Segmentation, *, labelmap: bool) -> list[Path]:
        """Write what belongs to the case as a whole, and return the files."""
        if labelmap:
            box = Box.around([mask.box for mask in segmentation.masks.values()] or [_ONE_VOXEL])
            region = segmentation.labelmap[box.slices].copy()
            write_mask_region(self.labelmap, region, box, segmentation.scan.geometry)
        write_document(self.document, case_document(segmentation))
        return [self.labelmap, self.document] if labelmap else [self.document]

    def read_mask(self, lesion_id: int, geometry: Geometry) -> LesionMask | None:
        """Read the mask of a lesion again, without its logits (which are 0); None where it is empty.

        Raises
        ------
        InputError
            Where there is no such file, or it is no mask on this grid.
        """
        path = self.mask(lesion_id)
        mask = read_labelmap(path)
        difference = mask.geometry.difference(geometry)
        if difference is not None:
            raise InputError(f"{path}: is not on the grid of its image: {difference}")
        found = _core.components_nonzero_box(mask.labels)
        if found is None:
            return None
        box = Box(*found)
        region = mask.labels[box.slices]
        if region.max() > 1:
            raise InputError(f"{path}: label {region.max()} found; legal in a lesion's mask: 0 and 1")
        return LesionMask(
            geometry.shape, box, np.ascontiguousarray(region, np.uint8), np.zeros(box.shape, np.float32)
        )

    @property
    def lesion_ids(self) -> list[int]:
        """The lesions of which a mask is in the folder, ascending."""
        own = self._files_of("lesion")
        found = (own.fullmatch(path.name) for path in self.folder.iterdir()) if self.folder.is_dir() else ()
        return sorted(int(name[1]) for name in found if name is not None)

    def remove_masks_except(self, lesion_ids: Iterable[int]) -> None:
        """Remove the masks of lesions that an earlier run found and that are no more.

        Raises
        ------
        OutputError
            Where a file cannot be removed.
        """
        self._remove_except("lesion", {self.mask(lesion_id).name for lesion_id in lesion_ids})

    def remove_expected_except(self, lesion_ids: Iterable[int]) -> None:
        """Remove where an earlier run looked for lesions that are looked for no more.

        Raises
        ------
        OutputError
            Where a file cannot be removed.
        """
        self._remove_except("expected", {self.expected(lesion_id).name for lesion_id in lesion_ids})

    def _files_of(self, kind: str) -> re.Pattern[str]:
        return re.compile(re.escape(f"{self.case}_{kind}_") + r"(\d+)\.nii\.gz")

    def _remove_except(self, kind: str, kept: set[str]) -> None:
        own = self._files_of(kind)
        for path in self.folder.iterdir():
            if own.fullmatch(path.name) and path.name not in kept:
                _remove(path)


def make_folder(folder: str | Path) -> Path:
    """Make a folder where there is none, and return it.

    Raises
    ------
    OutputError
        Where that is impossible.
    """
    path = Path(folder)
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"cannot make the folder {path}: {error.strerror or error}") from error
    return path


def is_document(content: dict[str, Any]) -> bool:
    """Whether a JSON object is what :func:`case_document` makes, as far as a table needs it."""
    lesions = content.get("lesions")
    return isinstance(lesions, dict) and all(
        isinstance(lesion, dict) and lesion.keys() >= {"status", "measurements"}
        for lesion in lesions.values()
    )


def _remove(path: Path) -> None:
    try:
        path.unlink()
    except OSError as error:
        raise OutputError(f"cannot remove {path}: {error.strerror or error}") from error
