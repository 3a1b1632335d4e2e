"""The segments of a DICOM segmentation, as voxels of a scan."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from lesionlocator.errors import InputError
from lesionlocator.io.dicom.extra import quiet, required

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lesionlocator.geometry import Geometry

SEGMENTATIONS = ("1.2.840.10008.5.1.4.1.1.66.4", "1.2.840.10008.5.1.4.1.1.66.7")
"""SOP classes: Segmentation Storage and Label Map Segmentation Storage."""
_NUMBER_AT_END = re.compile(r"(\d+)\s*$")
_OFF_GRID = 0.05
"""Of a voxel: farther from a voxel's centre, a pixel lies on another grid."""


@dataclass(frozen=True, eq=False)
class Segment:
    """A segment: its tracking id or label, its number, and the centres of its pixels.

    Parameters
    ----------
    name, number
        As stored.
    voxels
        float64 (n, 3), z, y, x, in voxels of a scan; they may lie between its voxels, or outside.
    """

    name: str
    number: int
    voxels: NDArray[np.float64]


@contextmanager
def opened(path: Path) -> Iterator[Any]:
    """Give the dataset of a DICOM file.

    Raises
    ------
    InputError
        Where it cannot be read, or something fails that is done with it: then it is damaged. What a parser
        says of that is not told, since it may quote the patient's data.
    """
    pydicom = required("pydicom")
    try:
        with quiet():
            yield pydicom.dcmread(path)
    except InputError:
        raise
    except Exception as error:
        raise InputError(f"{path}: is damaged ({type(error).__name__})") from error


def read_segment_voxels(path: Path, geometry: Geometry) -> dict[int, NDArray[np.intp]]:
    """Read the segments of a file on a scan's grid; lesions may overlap.

    A lesion has the number at the end of its name where all lesions have one of their own, else that of its
    segment.

    Parameters
    ----------
    path
        A DICOM segmentation.
    geometry
        The scan's grid.

    Returns
    -------
    dict
        By lesion id, the voxels (n, 3), z, y, x, of the segments that are not empty.

    Raises
    ------
    InputError
        Where the file is damaged or no segmentation, holds no lesion, or lies on another grid.
    """
    with opened(path) as dataset:
        kind = dataset.file_meta.MediaStorageSOPClassUID
        if kind not in SEGMENTATIONS:
            raise InputError(f"{path}: is {kind.name}; legal as masks: a Segmentation, or label maps")
        found = [segment for segment in segments(dataset, geometry) if len(segment.voxels)]
        if not found:
            raise InputError(f"{path}: holds no lesion, all segments are empty")
        ids = lesion_ids([one.name for one in found], [one.number for one in found])
        return {
            int(lesion_id): _on_grid(path, lesion_id, one.voxels, geometry)
            for lesion_id, one in zip(ids, found, strict=True)
        }


def segments(dataset: Any, geometry: Geometry) -> list[Segment]:
    """Return the segments of a segmentation, whatever grid its frames lie on."""
    hd = required("highdicom")
    seg = hd.seg.Segmentation.from_dataset(dataset, copy=False)
    frames: dict[int, list[NDArray[np.float64]]] = {int(number): [] for number in seg.segment_numbers}
    shared = seg.SharedFunctionalGroupsSequence[0]
    for number, item in enumerate(seg.PerFrameFunctionalGroupsSequence, start=1):
        plane = seg.get_stored_frame(number)
        for label in np.unique(plane[plane > 0]).tolist():
            segment = label if seg.SegmentationType == "LABELMAP" else _segment_of(item, shared)
            pixels = np.argwhere(plane == label)
            frames[segment].append(geometry.lps_to_voxel(_pixels_to_lps(pixels, item, shared)))
    described = {int(one.SegmentNumber): one for one in seg.SegmentSequence}
    return [
        Segment(
            str(described[number].get("TrackingID") or described[number].SegmentLabel),
            number,
            np.concatenate(parts) if parts else np.empty((0, 3)),
        )
        for number, parts in frames.items()
        if number in described
    ]


def lesion_ids(names: Sequence[str], numbers: Sequence[int]) -> list[str]:
    """Return the number at the end of each name, where all have one of their own; else the given numbers."""
    ends = [_NUMBER_AT_END.search(name) for name in names]
    named = [found[1] for found in ends if found]
    return named if len(set(named)) == len(names) else [str(number) for number in numbers]


def _on_grid(path: Path, lesion_id: str, voxels: NDArray[np.float64], geometry: Geometry) -> NDArray[np.intp]:
    nearest = np.rint(voxels)
    if np.abs(voxels - nearest).max() > _OFF_GRID:
        raise InputError(f"{path}: lesion {lesion_id} is not on the grid of the scan")
    if nearest.min() < 0 or (nearest >= geometry.shape).any():
        raise InputError(f"{path}: lesion {lesion_id} lies outside the scan")
    return nearest.astype(np.intp)


def _segment_of(item: Any, shared: Any) -> int:
    group = item if "SegmentIdentificationSequence" in item else shared
    return int(group.SegmentIdentificationSequence[0].ReferencedSegmentNumber)


def _pixels_to_lps(pixels: NDArray[Any], item: Any, shared: Any) -> NDArray[np.float64]:
    def of(sequence: str) -> Any:
        return (item if sequence in item else shared)[sequence].value[0]

    row, column = np.reshape(of("PlaneOrientationSequence").ImageOrientationPatient, (2, 3)).astype(float)
    down, right = map(float, of("PixelMeasuresSequence").PixelSpacing)
    start = np.asarray(of("PlanePositionSequence").ImagePositionPatient, float)
    return start + pixels[:, :1] * down * column + pixels[:, 1:] * right * row
