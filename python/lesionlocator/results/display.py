"""How segmentations and courses show themselves in a notebook."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from lesionlocator.planes import data_url, projection
from lesionlocator.results.measurements import measure
from lesionlocator.results.upright import UprightScan

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from lesionlocator.results.course import Course, LesionTimepoint
    from lesionlocator.results.segmentation import Segmentation

_PIXELS = 260
_WIDTH, _HEIGHT, _MARGIN = 260, 120, 10
_COLORS = ("#1f77b4", "#ff7f0e", "#2ca02c", "#d62728", "#9467bd", "#8c564b", "#e377c2", "#17becf")


def segmentation_html(segmentation: Segmentation) -> str:
    """Return a coronal maximum projection with all lesions outlined, and a table of them, as HTML."""
    upright = UprightScan(segmentation.scan)
    masks = [upright.mask(mask) for _, mask in sorted(segmentation.masks.items())]
    picture, _ = projection(upright.voxels, upright.spacing, masks, _PIXELS)
    rows = []
    for lesion_id, lesion in sorted(segmentation.lesions.items()):
        found = None if lesion.found is None else measure(lesion.found, segmentation.scan)
        sizes = (
            ("", "", "")
            if found is None
            else (
                f"{found.volume_ml:.2f}",
                f"{found.longest_diameter.length_mm:.1f}",
                f"{found.hu_mean:.0f} ± {found.hu_sd:.0f}",
            )
        )
        rows.append((str(lesion_id), lesion.status.value, *sizes, "; ".join(lesion.warnings)))
    headings = ("lesion", "status", "volume (ml)", "longest (mm)", "HU", "warnings")
    return _beside(
        f'<img src="{data_url(picture)}" alt="coronal maximum projection">',
        f"<b>{escape(segmentation.scan.name)}</b>{_table(headings, rows)}",
    )


def course_html(course: Course) -> str:
    """Return a chart of volumes and a table of what became of each lesion, as HTML."""
    scans = zip(course.names, course.dates, strict=True)
    headings = ("lesion", *(name if day is None else f"{name} ({day})" for name, day in scans))
    rows = [
        (str(lesion_id), *(_cell(point) for point in lesion.timepoints))
        for lesion_id, lesion in sorted(course.lesions.items())
    ]
    return _beside(_chart(course), _table(headings, rows))


def _cell(point: LesionTimepoint | None) -> str:
    if point is None:
        return ""
    text = point.state.value.replace("_", " ")
    return text if point.measurements is None else f"{text}, {point.measurements.volume_ml:.2f} ml"


def _chart(course: Course) -> str:
    """Return a line a lesion, of its volumes at all timepoints, as a small SVG."""
    volumes = {
        lesion_id: [
            None if point is None or point.measurements is None else point.measurements.volume_ml
            for point in lesion.timepoints
        ]
        for lesion_id, lesion in sorted(course.lesions.items())
    }
    highest = max((value for line in volumes.values() for value in line if value), default=1.0)
    step = (_WIDTH - 2 * _MARGIN) / max(len(course.names) - 1, 1)
    lines = []
    for number, (lesion_id, line) in enumerate(volumes.items()):
        color = _COLORS[number % len(_COLORS)]
        points = [
            (_MARGIN + place * step, _HEIGHT - _MARGIN - value / highest * (_HEIGHT - 2 * _MARGIN))
            for place, value in enumerate(line)
            if value is not None
        ]
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        dots = "".join(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="2.5"/>' for x, y in points)
        lines.append(
            f'<g fill="{color}"><title>lesion {lesion_id}</title>'
            f'<polyline points="{path}" fill="none" stroke="{color}" stroke-width="1.5"/>{dots}</g>'
        )
    return (
        f'<figure style="margin:0"><svg width="{_WIDTH}" height="{_HEIGHT}" role="img" '
        f'aria-label="volumes">{"".join(lines)}</svg>'
        f"<figcaption>volumes, up to {highest:.2f} ml</figcaption></figure>"
    )


def _beside(picture: str, text: str) -> str:
    return (
        '<div style="display:flex;gap:1em;align-items:flex-start">'
        f"<div>{picture}</div><div>{text}</div></div>"
    )


def _table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    head = "".join(f"<th>{escape(text)}</th>" for text in headings)
    body = "".join(f"<tr>{''.join(f'<td>{escape(text)}</td>' for text in row)}</tr>" for row in rows)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
