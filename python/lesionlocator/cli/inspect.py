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
    from lesionlocator.io.dicom import find_series

    found = find_series(folder)
    if as_json:
        console.say(json.dumps(_document(folder, found), indent=1, allow_nan=False))
        return
    if not found.series:
        raise InputError(f"{folder}: holds no DICOM file that can be read")
    for table in _tables(found):
        console.table(table)
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


def _tables(found: Found) -> Iterator[Table]:
    """Yield a table for each study of each patient."""
    from rich.table import Table
    from rich.text import Text

    for (patient, day, _), group in itertools.groupby(found.series, _study):
        title = Text(f"patient {patient or 'unknown'}, study of {day or 'unknown date'}")
        table = Table(title=title, title_justify="left")
        for name in _COLUMNS:
            long = name in ("description", "contrast", "usable")
            table.add_column(name, overflow="fold", no_wrap=not long)
        for series in group:
            table.add_row(*map(Text, _row(series.as_dict())))
        yield table


def _study(series: Series) -> tuple[str, str, str]:
    known = series.as_dict()
    return (known["patient_id"] or known["patient_name"], known["study_date"] or "", known["study_uid"])


def _row(known: dict[str, Any]) -> tuple[str, ...]:
    spacing, notes = known["spacing_mm"], "; ".join(known["notes"])
    return (
        "" if known["series_number"] is None else str(known["series_number"]),
        known["description"],
        known["modality"],
        str(known["slices"]),
        "" if spacing is None else "x".join(f"{mm:.3g}" for mm in spacing),
        "" if known["slice_thickness_mm"] is None else f"{known['slice_thickness_mm']:.4g}",
        known["kernel"],
        known["contrast"],
        known["problem"] or (f"yes ({notes})" if notes else "yes"),
    )
