"""The lesions of a patient by timepoint, as the terminal shows them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.table import Table

    from lesionlocator.results.course import Course, LesionTimepoint


def course_table(course: Course) -> Table:
    """Return a table with a row for each lesion and a column for each timepoint."""
    from rich.table import Table
    from rich.text import Text

    table = Table("lesion")
    for name, day in zip(course.names, course.dates, strict=True):
        table.add_column(Text(name if day is None else f"{name}\n{day.isoformat()}"))
    for lesion_id, lesion in course.lesions.items():
        table.add_row(str(lesion_id), *(_cell(point) for point in lesion.timepoints))
    return table


def _cell(point: LesionTimepoint | None) -> str:
    """Return state, volume and change against the baseline."""
    if point is None:
        return ""
    state = point.state.value.replace("_", " ")
    if point.related is not None:
        state += f" ({point.related})"
    if point.measurements is None:
        return state
    change = point.since_baseline
    percent = "" if change is None else f" ({100 * change.volume:+.0f} %)"
    return f"{state}, {point.measurements.volume_ml:.2f} ml{percent}"
