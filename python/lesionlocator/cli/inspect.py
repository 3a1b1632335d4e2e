"""``lesionlocator inspect``: which DICOM series a folder, zip or file holds, and which can be used."""

from __future__ import annotations

import itertools
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from lesionlocator.cli import console
from lesionlocator.cli.options import PATH
from lesionlocator.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.table import Table

    from lesionlocator.io.dicom import Found, Series

_MOST_NAMED = 5
_COLUMNS = ("no.", "description", "type", "slices", "spacing", "thick", "kernel", "contrast", "usable")
"""Short, so that 80 characters hold them: series number, modality, spacing z x y x x and thickness in mm."""


@click.command("inspect")
@click.argument("folder", type=PATH)
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")
def inspect(folder: Path, as_json: bool) -> None:
    """Show the DICOM series of FOLDER (or a zip, or a file), and which can be used.

    Headers are read, pixels are not.
    """
    from lesionlocator.io.dicom import find_series, nothing_found

    found = find_series(folder)
    if as_json:
        console.say(json.dumps(_document(folder, found), indent=1, allow_nan=False))
        return
    if not found.series:
        raise InputError(nothing_found(folder, found))
    for table, remarks in _tables(found):
        console.table(table)
        for text in remarks:
            console.say(text)
    for text in found.damaged[:_MOST_NAMED]:
        console.warn(f"warning: {text}")
    if len(found.damaged) > _MOST_NAMED:
        console.warn(f"warning: {len(found.damaged) - _MOST_NAMED} more files are damaged")
    if found.others:
        console.say(f"{len(found.others)} other files are no DICOM")


def _document(folder: Path, found: Found) -> dict[str, Any]:
    return {
        "path": str(folder),
        "series": [series.as_dict() for series in found.series],
        "damaged": list(found.damaged),
        "no_dicom": list(found.others),
    }


def _tables(found: Found) -> Iterator[tuple[Table, list[str]]]:
    """Yield a table for each study of each patient, and why series of it cannot be used."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    for (patient, day, _), group in itertools.groupby(found.series, _study):
        title = Text(f"patient {patient or 'unknown'}, study of {day or 'unknown date'}")
        table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
        for name in _COLUMNS:
            table.add_column(name, overflow="fold", no_wrap=name not in {"description", "kernel", "contrast"})
        several = list(group)
        for series in several:
            table.add_row(*map(Text, _row(series.as_dict())))
        yield table, [text for series in several for text in _remarks(series)]


def _remarks(series: Series) -> list[str]:
    known = series.as_dict()
    if known["problem"]:
        return [f"{series.label} cannot be used: {known['problem']}"]
    return [f"{series.label}: {note}" for note in known["notes"]]


def _study(series: Series) -> tuple[str, str, str]:
    known = series.as_dict()
    return (known["patient_id"] or known["patient_name"], known["study_date"] or "", known["study_uid"])


def _row(known: dict[str, Any]) -> tuple[str, ...]:
    spacing = known["spacing_mm"]
    return (
        "" if known["series_number"] is None else str(known["series_number"]),
        known["description"],
        known["modality"],
        str(known["slices"]),
        "" if spacing is None else "x".join(f"{mm:.3g}" for mm in spacing),
        "" if known["slice_thickness_mm"] is None else f"{known['slice_thickness_mm']:.4g}",
        known["kernel"],
        known["contrast"],
        "no" if known["problem"] else "yes",
    )
