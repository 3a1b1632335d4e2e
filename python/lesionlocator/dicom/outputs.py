"""The DICOM files of one scan: which are wanted, and writing them wholly or not at all."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lesionlocator.dicom.identity import Maker
from lesionlocator.dicom.lesions import tracked_masks
from lesionlocator.dicom.rtstruct import structure_set
from lesionlocator.dicom.seg import segmentation
from lesionlocator.dicom.sources import series_root, source_images
from lesionlocator.dicom.sr import report
from lesionlocator.errors import InputError, LesionLocatorError
from lesionlocator.io.dicom import is_dicom
from lesionlocator.io.dicom.extra import quiet, required
from lesionlocator.io.files import write_atomically
from lesionlocator.results.discretion import discreet, discreet_series

if TYPE_CHECKING:
    from lesionlocator.io import Scan
    from lesionlocator.results.lesion import LesionMask
    from lesionlocator.results.provenance import ModelIdentity
    from lesionlocator.results.segmentation import Segmentation


class DicomKind(str, Enum):
    """What results can be, as DICOM."""

    SEG = "dicom-seg"
    SR = "dicom-sr"
    RTSTRUCT = "rtstruct"


_ENDINGS = {DicomKind.SEG: "seg", DicomKind.SR: "sr", DicomKind.RTSTRUCT: "rtstruct"}


@dataclass(frozen=True)
class DicomOutputs:
    """Which DICOM files are written.

    Parameters
    ----------
    kinds
        Any number.
    labelmap
        Whether a segmentation is one label map instead of a mask for each lesion.
    deidentify
        Whether to leave out what is known of the patient, also from results that are no DICOM.
    """

    kinds: frozenset[DicomKind] = frozenset()
    labelmap: bool = False
    deidentify: bool = False

    def check(self, scans: Iterable[Path]) -> None:
        """Tell before any work of what would hinder.

        Raises
        ------
        LesionLocatorError
            Where the extra is needed and not installed.
        InputError
            Where a scan is not DICOM.
        """
        if not self.kinds:
            return
        required("highdicom")
        for path in scans:
            if not path.exists():
                raise InputError(f"{path}: no such file or folder")
            if not is_dicom(path):
                raise InputError(
                    f"{path}: is no DICOM; legal with {', '.join(sorted(self.kinds))}: DICOM scans"
                )

    def told(self, scan: Scan, name: str) -> Scan:
        """Return the scan as results may tell of it.

        Parameters
        ----------
        scan
            The scan.
        name
            What its results are named after.
        """
        return replace(scan, name=name, path=None if self.deidentify else scan.path)

    def told_results(self, segmentation: Segmentation) -> Segmentation:
        """Return what was found as documents may tell of it."""
        return discreet(segmentation) if self.deidentify else segmentation

    def told_model(self, model: ModelIdentity) -> ModelIdentity:
        """Return the model as results may tell of it."""
        return model.discreet if self.deidentify else model

    def told_series(self, series: str | None) -> str | None:
        """Return the number or UID of a DICOM series as records may tell it."""
        return discreet_series(series) if self.deidentify else series

    def files(self, case: str) -> list[str]:
        """Return the names of the files of a case; a report refers to a segmentation, which is one too."""
        seg = {DicomKind.SEG} if DicomKind.SR in self.kinds else set()
        return [file_name(case, kind) for kind in DicomKind if kind in self.kinds | seg]


NO_DICOM = DicomOutputs()
"""Nothing is written."""


def file_name(case: str, kind: DicomKind) -> str:
    """Return what a file of a case is called."""
    return f"{case}_{_ENDINGS[kind]}.dcm"


def write_dicom(
    scan: Scan,
    masks: Mapping[int, LesionMask],
    folder: Path,
    wanted: DicomOutputs,
    *,
    algorithm: str,
    root: str | None = None,
) -> list[Path]:
    """Write the lesions of a scan that was read from DICOM, and return the files; none without lesions.

    Parameters
    ----------
    scan
        The scan.
    masks
        Of its lesions, by id.
    folder
        Where to write; it exists.
    wanted
        What to write.
    algorithm
        What made the masks.
    root
        The UID of the series in which the lesions were first known; that of the scan by default.

    Raises
    ------
    InputError
        Where the scan was not read from DICOM, or its headers hold values that cannot be taken over.
    OutputError
        Where a file cannot be written.
    """
    if not wanted.kinds:
        return []
    try:
        with quiet():  # values of the images are looked at when they are needed
            return _written(scan, masks, folder, wanted, algorithm=algorithm, root=root)
    except LesionLocatorError:
        raise
    except ValueError:
        # What it says, and the values in its traceback, may be the patient's.
        raise InputError(
            f"{scan.path or scan.name}: DICOM results need values of its headers that are not legal DICOM"
        ) from None


def _written(
    scan: Scan,
    masks: Mapping[int, LesionMask],
    folder: Path,
    wanted: DicomOutputs,
    *,
    algorithm: str,
    root: str | None,
) -> list[Path]:
    images = source_images(scan, deidentify=wanted.deidentify)
    lesions = tracked_masks(masks, scan, root=root or series_root(scan.source))
    if not lesions:
        return []
    maker = Maker(algorithm, wanted.deidentify)
    made: dict[DicomKind, Any] = {}
    if wanted.kinds & {DicomKind.SEG, DicomKind.SR}:
        made[DicomKind.SEG] = segmentation(scan, images, lesions, maker, labelmap=wanted.labelmap)
    if DicomKind.SR in wanted.kinds:
        made[DicomKind.SR] = report(scan, images, lesions, maker, seg=made[DicomKind.SEG])
    if DicomKind.RTSTRUCT in wanted.kinds:
        made[DicomKind.RTSTRUCT] = structure_set(scan, images, lesions, maker)
    return [_save(dataset, folder / file_name(scan.name, kind)) for kind, dataset in made.items()]


def _save(dataset: Any, path: Path) -> Path:
    with write_atomically(path) as partial:
        dataset.save_as(partial, enforce_file_format=True)
    return path
