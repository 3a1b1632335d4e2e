"""Pictures of lesions: three planes with outline and diameters, and a projection of the whole scan."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING, Any

import numpy as np

from lesionlocator.io import read_geometry, read_labelmap
from lesionlocator.planes import LUNG, OUTLINE, SOFT_TISSUE, Frame, Plane, Window, outline, projection, rgb
from lesionlocator.results.upright import UprightScan

if TYPE_CHECKING:
    from pathlib import Path

    from PIL.Image import Image

    from lesionlocator.geometry import Point
    from lesionlocator.report.patient import Patient
    from lesionlocator.results.lesion import LesionMask
    from lesionlocator.results.recist import Entry

PIXELS = 168
"""Side of a crop."""
_PROJECTION_PIXELS = 560
_LONGEST, _ACROSS = (70, 220, 255), (255, 120, 220)
_AROUND_MM, _LEAST_MM, _MOST_MM = 30.0, 50.0, 260.0
_LUNG_BELOW = -300.0
_BAR_MM = 10.0


@dataclass(frozen=True)
class Picture:
    """A picture, and what it shows in words. ``lesion_id`` is None for a projection."""

    place: int
    lesion_id: int | None
    image: Image
    text: str

    def png(self) -> bytes:
        """Return the picture as a PNG."""
        return self._encoded("PNG", optimize=True)

    def jpeg(self) -> bytes:
        """Return the picture as a JPEG whose thin colored lines stay sharp."""
        return self._encoded("JPEG", quality=85, subsampling=0, optimize=True)

    def _encoded(self, form: str, **options: Any) -> bytes:
        buffer = BytesIO()
        self.image.save(buffer, form, **options)
        return buffer.getvalue()


def pictures_of(patient: Patient) -> Iterator[Picture]:
    """Make all pictures of a patient, scan by scan: the projection first, then the lesions by id.

    Each lesion is shown over the same width at all its timepoints, and in the window of the first.

    Raises
    ------
    InputError
        Where a scan or mask cannot be read.
    """
    sides = _sides(patient)
    windows: dict[int, Window] = {}
    for place, timepoint in enumerate(patient.timepoints):
        if not patient.entries(place):
            continue
        scan = timepoint.read()
        upright, masks = UprightScan(scan), patient.masks(place, scan)
        yield Picture(place, None, _projection(upright, masks), _projection_text(masks))
        for lesion_id, entry in sorted(patient.entries(place).items()):
            centre = _centre(patient, place, lesion_id, entry, upright)
            if centre is None:
                continue
            planes = _Planes(upright, centre, sides[lesion_id], entry["measurements"])
            window = windows.setdefault(lesion_id, planes.window())
            image = planes.drawn(window, masks.get(lesion_id))
            yield Picture(place, lesion_id, image, _text(entry, window, sides[lesion_id]))


@dataclass(frozen=True, eq=False)
class _Planes:
    """The three planes through a position; the axial one goes through the longest diameter, if any."""

    upright: UprightScan
    centre: Point
    side_mm: float
    measurements: Mapping[str, Any] | None

    @property
    def frames(self) -> list[Frame]:
        frames = []
        for plane in Plane:
            centre = self.centre
            if plane is Plane.AXIAL and self.measurements is not None:
                slice_of = self.upright.point(_end(self.measurements, "longest_diameter", 0))[0]
                centre = (slice_of, centre[1], centre[2])
            frames.append(Frame(plane, centre, self.side_mm, PIXELS, self.upright.spacing))
        return frames

    def window(self) -> Window:
        """Return the window for what surrounds the lesion."""
        return LUNG if np.median(self.frames[0].values(self.upright.voxels)) < _LUNG_BELOW else SOFT_TISSUE

    def drawn(self, window: Window, mask: LesionMask | None) -> Image:
        from PIL import Image, ImageDraw

        strip = Image.new("RGB", (PIXELS * len(Plane), PIXELS))
        for number, frame in enumerate(self.frames):
            pixels = rgb(window.gray(frame.values(self.upright.voxels)))
            if mask is not None:
                pixels[outline(frame.covers(*self.upright.mask(mask)))] = OUTLINE
            picture = Image.fromarray(pixels)
            draw = ImageDraw.Draw(picture)
            if frame.plane is Plane.AXIAL and self.measurements is not None:
                for name, color in (("longest_diameter", _LONGEST), ("perpendicular_diameter", _ACROSS)):
                    ends = [frame.pixel(self.upright.point(_end(self.measurements, name, i))) for i in (0, 1)]
                    draw.line(ends, fill=color)
            length = _BAR_MM * PIXELS / self.side_mm
            draw.line([(6, PIXELS - 7), (6 + length, PIXELS - 7)], fill=(255, 255, 255), width=2)
            strip.paste(picture, (number * PIXELS, 0))
        return strip


def _sides(patient: Patient) -> dict[int, float]:
    """Return what the pictures of each lesion cover: its largest extent and some of what is around."""
    geometries = [
        read_geometry(point.scan, series=point.series) if point.scan is not None else None
        for point in patient.timepoints
    ]
    sides = {}
    for lesion_id, entries in patient.lesions.items():
        extents = [0.0]
        for entry, geometry in zip(entries, geometries, strict=True):
            if entry is not None and entry["measurements"] is not None and geometry is not None:
                found = entry["measurements"]
                size = np.subtract(found["box_stop_voxel"], found["box_start_voxel"]) * geometry.spacing
                extents.append(float(size.max()))
        sides[lesion_id] = min(max(max(extents) + _AROUND_MM, _LEAST_MM), _MOST_MM)
    return sides


def _centre(patient: Patient, place: int, lesion_id: int, entry: Entry, upright: UprightScan) -> Point | None:
    """Return the lesion's centre in upright voxels; where it was looked for if it was not found."""
    if entry["measurements"] is not None:
        z, y, x = entry["measurements"]["centroid_voxel"]
        return upright.point((z, y, x))
    expected = patient.folder / f"{patient.timepoints[place].name}_expected_{lesion_id}.nii.gz"
    centre = _centroid(expected) if expected.is_file() else None
    return None if centre is None else upright.point(centre)


def _centroid(path: Path) -> Point | None:
    from lesionlocator.prompts.components import regions

    found = regions(read_labelmap(path).labels)
    return found[0].centroid if found else None


def _projection(upright: UprightScan, masks: Mapping[int, LesionMask]) -> Image:
    """Return the coronal maximum projection with the outlines and ids of all lesions."""
    from PIL import Image, ImageDraw

    ids = sorted(masks)
    upright_masks = [upright.mask(masks[i]) for i in ids]
    pixels, covered = projection(upright.voxels, upright.spacing, upright_masks, _PROJECTION_PIXELS)
    labels = [
        (str(lesion_id), (int(across.max()) + 2, int(down.min()) - 6))
        for lesion_id, (down, across) in zip(ids, map(np.nonzero, covered), strict=True)
        if len(down)
    ]
    picture = Image.fromarray(pixels)
    draw = ImageDraw.Draw(picture)
    for text, where in labels:
        draw.text(where, text, fill=OUTLINE, stroke_width=1, stroke_fill=(0, 0, 0))
    return picture


def _end(measurements: Mapping[str, Any], name: str, number: int) -> Point:
    z, y, x = measurements[f"{name}_ends_voxel"][number]
    return z, y, x


def _text(entry: Entry, window: Window, side_mm: float) -> str:
    seen = "outlined" if entry["measurements"] is not None else "not found; where it was looked for"
    return (
        f"axial, coronal and sagittal planes of {side_mm:.0f} mm, {seen}; {window.name} window, "
        f"level {window.level:g}, width {window.width:g} HU; bar 10 mm"
    )


def _projection_text(masks: Mapping[int, LesionMask]) -> str:
    return f"coronal maximum projection with {len(masks)} lesion{'s' * (len(masks) != 1)} outlined"
