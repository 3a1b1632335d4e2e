"""From the images of a series to a grid: sorted along their normal, and refused where they are no stack."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from lesionlocator.errors import InputError
from lesionlocator.geometry import Geometry
from lesionlocator.io.dicom.headers import Frame, Header
from lesionlocator.io.dicom.transfer import refusal

_STEP_TOLERANCE = 0.05
"""Of the distance of slices: what positions that were rounded differ by is less."""
_ORIENTATION_TOLERANCE = 1e-3
_SAME_PLACE_MM = 1e-3
_SPLIT = ". Put those that differ into a folder of their own"


@dataclass(frozen=True)
class Stack:
    """The slices of a scan.

    Parameters
    ----------
    geometry
        The grid; z along the normal of the slices, which is the cross product of row and column directions.
    slices
        File and frame (from 0) of each slice, in that order.
    rescale
        Slope and intercept of each slice.
    notes
        What was passed over.
    """

    geometry: Geometry
    slices: tuple[tuple[str, int], ...]
    rescale: tuple[tuple[float, float], ...]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Slice:
    header: Header
    number: int
    frame: Frame


def stacked(headers: Sequence[Header]) -> Stack:
    """Stack the images of a series.

    Raises
    ------
    InputError
        Where they are no stack of slices of one size and orientation at even distances, at a right angle to
        the direction in which they follow one another.
    """
    images = [header for header in headers if header.frames]
    if not images:
        raise InputError("holds no images")
    bodies, localizers = _split(images, lambda header: "LOCALIZER" in map(str.upper, header.image_type))
    if not bodies:
        raise InputError("is a localizer (scout view); choose another series")
    known, notes = _without_copies(bodies)
    if localizers:
        notes += (f"{len(localizers)} localizer images are left out",)
    _check_images(known)
    slices = [_Slice(header, n, frame) for header in known for n, frame in enumerate(header.frames)]
    _check_frames(slices)
    return _in_order(slices, notes)


def _split(
    headers: Sequence[Header], is_other: Callable[[Header], bool]
) -> tuple[list[Header], list[Header]]:
    return [h for h in headers if not is_other(h)], [h for h in headers if is_other(h)]


def _without_copies(headers: Sequence[Header]) -> tuple[list[Header], tuple[str, ...]]:
    """Keep one file of each image: the same file often lies in a folder twice."""
    kept = list({header.sop_uid or header.name: header for header in headers}.values())
    copies = len(headers) - len(kept)
    return kept, (f"{copies} files are copies of others and left out",) if copies else ()


def _check_images(images: Sequence[Header]) -> None:
    multiframe = [header for header in images if header.is_multiframe]
    if multiframe and len(images) > 1:
        raise InputError(f"holds {len(images)} files, of which {len(multiframe)} are multi-frame; legal: one")
    sizes = Counter(header.shape for header in images)
    if len(sizes) > 1:
        found = ", ".join(f"{n} of {rows} x {columns}" for (rows, columns), n in sizes.most_common())
        raise InputError(f"slices are of several sizes: {found}; legal: one{_SPLIT}")
    if any(header.samples != 1 for header in images):
        raise InputError(
            "images are in colour, such as captures of a screen; legal: one number for each pixel. "
            "Choose another series"
        )
    for header in images:
        problem = refusal(header.transfer_syntax)
        if problem:
            raise InputError(f"{header.name}: {problem}")


def _check_frames(slices: Sequence[_Slice]) -> None:
    if len(slices) < 2:
        raise InputError("has 1 slice; legal: 2 or more. Copy all files of the series")
    for one in slices:
        missing = [
            name
            for name, value in (
                ("position", one.frame.position_lps),
                ("orientation", one.frame.orientation),
                ("pixel spacing", one.frame.pixel_spacing),
            )
            if value is None
        ]
        if missing:
            raise InputError(
                f"{_where(one)}: has no {' and no '.join(missing)}; legal: images as the scanner made them"
            )
    first = slices[0].frame
    turned = [s for s in slices if not _alike(s.frame.orientation, first.orientation, _ORIENTATION_TOLERANCE)]
    if turned:
        raise InputError(
            f"slices are of several orientations: {len(turned)}, such as {_where(turned[0])}, "
            f"differ from {_where(slices[0])}; legal: one{_SPLIT}"
        )
    other = [s for s in slices if not _alike(s.frame.pixel_spacing, first.pixel_spacing, 1e-4)]
    if other:
        raise InputError(
            f"slices are of several pixel spacings: {other[0].frame.pixel_spacing} mm in "
            f"{_where(other[0])}, {first.pixel_spacing} mm in {_where(slices[0])}; legal: one{_SPLIT}"
        )


def _in_order(slices: Sequence[_Slice], notes: tuple[str, ...]) -> Stack:
    row, column = np.reshape(slices[0].frame.orientation or (), (2, 3))
    normal = np.cross(row, column)
    if not math.isclose(float(np.linalg.norm(normal)), 1.0, abs_tol=0.01):
        raise InputError("row and column directions are not at a right angle, or of no unit length")
    normal /= np.linalg.norm(normal)
    positions = np.array([one.frame.position_lps for one in slices])
    order = np.argsort(positions @ normal, kind="stable")
    ordered = [slices[i] for i in order]
    positions = positions[order]
    step = _checked_step(ordered, positions, normal)
    rows, columns = ordered[0].header.shape
    row_mm, column_mm = ordered[0].frame.pixel_spacing or (0.0, 0.0)
    _check_tilt(positions, normal, min(row_mm, column_mm))
    x, y, z = (float(mm) + 0.0 for mm in positions[0])  # -0.0 becomes 0.0
    geometry = Geometry(
        (len(ordered), rows, columns),
        (step, row_mm, column_mm),
        (x, y, z),
        tuple((np.column_stack([row, column, normal]) + 0.0).ravel().tolist()),
    )
    return Stack(
        geometry,
        tuple((one.header.name, one.number) for one in ordered),
        tuple((one.frame.slope, one.frame.intercept) for one in ordered),
        notes,
    )


def _checked_step(ordered: Sequence[_Slice], positions: np.ndarray, normal: np.ndarray) -> float:
    """Return the distance of slices, which must be even."""
    heights = positions @ normal
    gaps = np.diff(heights)
    doubled = np.flatnonzero(gaps < _SAME_PLACE_MM)
    if len(doubled):
        one, other = ordered[doubled[0]], ordered[doubled[0] + 1]
        raise InputError(
            f"slices are doubled: {len(doubled)} lie where another lies, such as {_where(one)} and "
            f"{_where(other)}; legal: one at each place (several phases or reconstructions need to be split)"
        )
    step = float(np.median(gaps))
    wrong = np.flatnonzero(np.abs(gaps - step) > _STEP_TOLERANCE * step)
    whole = np.round(gaps / step)
    if not len(wrong):
        return float((heights[-1] - heights[0]) / len(gaps))
    place = wrong[0]
    where = f"{gaps[place]:.3f} mm between {_where(ordered[place])} and {_where(ordered[place + 1])}"
    if np.all(whole[wrong] >= 2) and np.all(np.abs(gaps - whole * step) <= _STEP_TOLERANCE * step):
        missing = int((whole[wrong] - 1).sum())
        count = "1 slice is" if missing == 1 else f"{missing} slices are"
        raise InputError(f"{count} missing: {where}, {step:.3f} mm elsewhere; copy all of them")
    raise InputError(
        f"slices are unevenly spaced: {where}, {step:.3f} mm elsewhere; legal: even distances. "
        "Copy all slices, or resample the series"
    )


def _check_tilt(positions: np.ndarray, normal: np.ndarray, pixel_mm: float) -> None:
    """Refuse slices that shift sideways by more than half a pixel over the whole stack."""
    along = positions - positions[0]
    sideways = np.linalg.norm(along - np.outer(along @ normal, normal), axis=1)
    if sideways.max() <= pixel_mm / 2:
        return
    angle = math.degrees(math.atan2(sideways[-1], float(along[-1] @ normal)))
    raise InputError(
        f"gantry tilt: slices shift sideways by up to {sideways.max():.1f} mm ({angle:.1f} degrees); "
        "legal: none. Resample the series to an upright grid, for instance with dcm2niix"
    )


def _where(one: _Slice) -> str:
    return f"{one.header.name}{f' frame {one.number + 1}' if one.header.is_multiframe else ''}"


def _alike(some: tuple[float, ...] | None, others: tuple[float, ...] | None, tolerance: float) -> bool:
    return some is not None and others is not None and np.allclose(some, others, rtol=0, atol=tolerance)
