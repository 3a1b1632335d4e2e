"""Points and diameters in structured reports (TID 1500), taken to where they lie in a scan."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from lesionlocator.geometry import Box
from lesionlocator.io.dicom.headers import instance_uids
from lesionlocator.prompts.frames import covering

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lesionlocator.geometry import Geometry, Point
    from lesionlocator.io.dicom import DicomSource

_GROUP, _TRACKING_ID, _TRACKING_UID = "125007", "112039", "112040"

Place = tuple[Box | None, "Point | None", str] | str
"""Box, point, and what is not known of the box; or why there is neither."""


def report_places(
    dataset: Any, geometry: Geometry, source: DicomSource | None
) -> list[tuple[str, int, Place]]:
    """Return name, number and place of each lesion of a report that says where it is.

    A point is a point. Diameters give the middle between their ends, and a box around these that is as deep
    as the shorter of two is long, or as long as the only one: a diameter says nothing of the depth. Where
    that is a guess, it is told.
    """
    slices = {} if source is None else instance_uids(source)
    lesions: dict[str, tuple[str, list[NDArray[np.float64] | str]]] = {}
    for group in (item for item in _content(dataset) if _code(item) == _GROUP):
        items = list(_content(group))
        places = [
            _graphic(item, geometry, slices) for item in items if item.ValueType in ("SCOORD", "SCOORD3D")
        ]
        if places:
            name = next((str(item.TextValue) for item in items if _code(item) == _TRACKING_ID), "")
            uid = next((str(item.UID) for item in items if _code(item) == _TRACKING_UID), f"{len(lesions)}")
            lesions.setdefault(uid, (name, []))[1].extend(places)
    return [
        (name, number, _place(places, geometry))
        for number, (name, places) in enumerate(lesions.values(), start=1)
    ]


def _content(item: Any) -> Iterator[Any]:
    for inner in item.get("ContentSequence", ()):
        yield inner
        yield from _content(inner)


def _code(item: Any) -> str:
    names = item.get("ConceptNameCodeSequence")
    return str(names[0].get("CodeValue", "")) if names else ""


def _graphic(item: Any, geometry: Geometry, slices: dict[tuple[str, int], int]) -> NDArray[np.float64] | str:
    """Return the positions of a graphic in voxels, shape (points, 3)."""
    values = np.asarray(item.GraphicData, float)
    if item.ValueType == "SCOORD3D":
        return geometry.lps_to_voxel(values.reshape(-1, 3))
    image = item.ContentSequence[0].ReferencedSOPSequence[0]
    frame = image.get("ReferencedFrameNumber") or 0
    number = int(frame[0] if isinstance(frame, list) else frame)
    uid = str(image.ReferencedSOPInstanceUID)
    z = slices.get((uid, number), slices.get((uid, 0)))
    if z is None:
        return "lies on an image that is not part of the scan"
    columns, rows = values.reshape(-1, 2).T - 0.5
    return np.column_stack([np.full(len(rows), z), rows, columns])


def _place(places: list[NDArray[np.float64] | str], geometry: Geometry) -> Place:
    known = [place for place in places if not isinstance(place, str)]
    if not known:
        return next(place for place in places if isinstance(place, str))
    points = np.concatenate(known)
    z, y, x = points.mean(axis=0).tolist()
    lengths = [
        float(np.linalg.norm(np.diff(geometry.voxel_to_lps(place[[0, -1]]), axis=0))) for place in known
    ]
    lines = [length for length in lengths if length > 0]
    if not lines:
        return None, (z, y, x), ""
    low, high = points.min(axis=0), points.max(axis=0)
    depth = min(lines) / geometry.spacing[0] / 2
    is_guessed = z - depth < low[0] - 0.5 or z + depth > high[0] + 0.5
    low[0], high[0] = min(low[0] - 0.5, z - depth), max(high[0] + 0.5, z + depth)
    low[1:], high[1:] = low[1:] - 0.5, high[1:] + 0.5
    corners = [(c[0], c[1], c[2]) for c in (low.tolist(), high.tolist())]
    which = "shorter diameter" if len(lines) > 1 else "diameter"
    remark = f"the depth of its box is guessed from its {which}, {min(lines):.1f} mm: check it"
    return covering(corners), (z, y, x), remark if is_guessed else ""
