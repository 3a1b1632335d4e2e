"""Prompts from DICOM: segmentations, RT structure sets and structured reports (TID 1500)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from lesionlocator.errors import InputError
from lesionlocator.geometry import Box
from lesionlocator.io.dicom.extra import quiet, required
from lesionlocator.prompts.dicom_report import report_places
from lesionlocator.prompts.entries import PromptFile, collect
from lesionlocator.prompts.frames import covering

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lesionlocator.geometry import Geometry, Point
    from lesionlocator.io.dicom import DicomSource

_SEGMENTATIONS = ("1.2.840.10008.5.1.4.1.1.66.4", "1.2.840.10008.5.1.4.1.1.66.7")
_STRUCTURES = "1.2.840.10008.5.1.4.1.1.481.3"
_REPORTS = tuple(f"1.2.840.10008.5.1.4.1.1.88.{end}" for end in (11, 22, 33, 34))
_NUMBER_AT_END = re.compile(r"(\d+)\s*$")

Shape = tuple[Box | None, "Point | None"]


def read_dicom_prompts(path: Path, geometry: Geometry | None, source: DicomSource | None) -> PromptFile:
    """Read what a DICOM object points at.

    A lesion has the number at the end of its name (``Lesion 7``) where all lesions have one of their own,
    else that of its segment or region, or its place in the report.

    Parameters
    ----------
    path
        A segmentation, an RT structure set or a structured report.
    geometry
        The grid of the scan.
    source
        The DICOM files of the scan, to which lines in a report refer.

    Raises
    ------
    InputError
        Where there is no geometry, the file is damaged, or is another kind of DICOM.
    """
    if geometry is None:
        raise InputError(f"{path}: DICOM prompts need the image, for its geometry")
    pydicom = required("pydicom")
    try:
        with quiet():
            dataset = pydicom.dcmread(path)
            kind = str(dataset.file_meta.MediaStorageSOPClassUID)
            if kind in _SEGMENTATIONS:
                found = _segments(dataset, geometry)
            elif kind == _STRUCTURES:
                found = _regions(dataset, geometry)
            elif kind in _REPORTS:
                found = report_places(dataset, geometry, source)
            else:
                raise InputError(
                    f"{path}: is {pydicom.uid.UID(kind).name}; legal: Segmentation, RT Structure Set, or a "
                    "structured report"
                )
    except InputError:
        raise
    except Exception as error:
        # What a damaged file lets the parser say may quote the patient's data.
        raise InputError(f"{path}: is damaged ({type(error).__name__})") from error
    if not found:
        raise InputError(f"{path}: points at no lesion")
    ids = _ids([name for name, _, _ in found], [number for _, number, _ in found])
    return collect(
        zip(ids, (place for _, _, place in found), strict=True),
        _built,
    )


def _built(place: Shape | str) -> Shape:
    if isinstance(place, str):
        raise InputError(place)
    return place


def _ids(names: Sequence[str], numbers: Sequence[int]) -> list[str]:
    ends = [_NUMBER_AT_END.search(name) for name in names]
    named = [found[1] for found in ends if found]
    return named if len(set(named)) == len(names) else [str(number) for number in numbers]


def _segments(dataset: Any, geometry: Geometry) -> list[tuple[str, int, Shape | str]]:
    """Return the box around and the centre of each segment, whatever grid its frames lie on."""
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
        (
            str(described[segment].get("TrackingID") or described[segment].SegmentLabel),
            segment,
            _around(np.concatenate(parts), half=0.5) if parts else "the segment is empty",
        )
        for segment, parts in frames.items()
        if segment in described
    ]


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


def _regions(dataset: Any, geometry: Geometry) -> list[tuple[str, int, Shape | str]]:
    """Return the box around and the centre of each region of interest."""
    names = {int(roi.ROINumber): str(roi.get("ROIName", "")) for roi in dataset.StructureSetROISequence}
    found: list[tuple[str, int, Shape | str]] = []
    for item in dataset.get("ROIContourSequence", ()):
        number = int(item.ReferencedROINumber)
        contours = [
            geometry.lps_to_voxel(np.reshape(np.asarray(contour.ContourData, float), (-1, 3)))
            for contour in item.get("ContourSequence", ())
        ]
        place: Shape | str = "the region has no contour"
        if contours:
            box, middle = _around(np.concatenate(contours), half=0.0)
            place = (box, _centre(contours) or middle)
        found.append((names.get(number, ""), number, place))
    return found


def _centre(contours: Iterable[NDArray[np.float64]]) -> Point | None:
    """Return the centre of the areas of polygons; None where they have no area."""
    total, moment = 0.0, np.zeros(3)
    for points in contours:
        one, other = points - points[0], np.roll(points, -1, axis=0) - points[0]
        areas = np.cross(one, other)
        normal = areas.sum(axis=0)
        length = float(np.linalg.norm(normal))
        if length > 0:
            weights = areas @ normal / length
            total += float(weights.sum())
            moment += weights @ (points[0] + (one + other) / 3)
    return _point(moment / total) if total > 0 else None


def _around(voxels: NDArray[np.float64], *, half: float) -> tuple[Box, Point]:
    """Return the block around positions that reach half a voxel, or none, to each side; and their mean."""
    ends = [_point(voxels.min(axis=0) - half), _point(voxels.max(axis=0) + half)]
    return covering(ends), _point(voxels.mean(axis=0))


def _point(values: NDArray[np.float64]) -> Point:
    z, y, x = values.tolist()
    return z, y, x
