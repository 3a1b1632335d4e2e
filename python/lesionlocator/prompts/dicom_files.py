"""Prompts from DICOM: segmentations, RT structure sets and structured reports (TID 1500)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from lesionlocator.errors import InputError
from lesionlocator.geometry import Box
from lesionlocator.prompts.dicom_report import report_places
from lesionlocator.prompts.dicom_segments import SEGMENTATIONS, lesion_ids, opened, segments
from lesionlocator.prompts.entries import PromptFile, collect
from lesionlocator.prompts.frames import covering

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lesionlocator.geometry import Geometry, Point
    from lesionlocator.io.dicom import DicomSource

_STRUCTURES = "1.2.840.10008.5.1.4.1.1.481.3"
_REPORTS = tuple(f"1.2.840.10008.5.1.4.1.1.88.{end}" for end in (11, 22, 33, 34))

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
    remarks: list[str] = []
    with opened(path) as dataset:
        kind = str(dataset.file_meta.MediaStorageSOPClassUID)
        if kind in SEGMENTATIONS:
            found = _segments(dataset, geometry)
        elif kind == _STRUCTURES:
            found = _regions(dataset, geometry)
        elif kind in _REPORTS:
            places = report_places(dataset, geometry, source)
            found = [
                (name, number, place if isinstance(place, str) else place[:2])
                for name, number, place in places
            ]
            remarks = ["" if isinstance(place, str) else place[2] for *_, place in places]
        else:
            raise InputError(
                f"{path}: is {dataset.file_meta.MediaStorageSOPClassUID.name}; legal: Segmentation, "
                "RT Structure Set, or a structured report"
            )
    if not found:
        raise InputError(f"{path}: points at no lesion")
    ids = lesion_ids([name for name, _, _ in found], [number for _, number, _ in found])
    file = collect(
        zip(ids, (place for _, _, place in found), strict=True),
        _built,
    )
    told = {int(i): text for i, text in zip(ids, remarks, strict=bool(remarks)) if text}
    return replace(file, box_remarks={i: text for i, text in told.items() if i in file.prompts.ids})


def _built(place: Shape | str) -> Shape:
    if isinstance(place, str):
        raise InputError(place)
    return place


def _segments(dataset: Any, geometry: Geometry) -> list[tuple[str, int, Shape | str]]:
    """Return the box around and the centre of each segment, whatever grid its frames lie on."""
    return [
        (one.name, one.number, _around(one.voxels, half=0.5) if len(one.voxels) else "the segment is empty")
        for one in segments(dataset, geometry)
    ]


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
