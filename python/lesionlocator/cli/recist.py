"""``lesionlocator recist``: a RECIST 1.1 worksheet from what ``track`` wrote."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from lesionlocator.cli import console

_PATH = click.Path(path_type=Path)


@click.command()
@click.argument("folder", metavar="TRACKING_DIR", type=_PATH)
@click.option(
    "--targets",
    type=_PATH,
    help="CSV with lesion_id, and as wanted role (target, non-target, ignored), organ and node (yes, no).",
)
@click.option(
    "--slice-thickness",
    type=click.FloatRange(min=0, min_open=True),
    help="Of the baseline, in mm: above 5 mm, lesions are measurable from twice the thickness on.",
)
@click.option("-o", "--output", type=_PATH, help="Folder for the worksheet; TRACKING_DIR if not given.")
def recist(*, folder: Path, targets: Path | None, slice_thickness: float | None, output: Path | None) -> None:
    """Propose targets, sum their diameters, and name the category of each timepoint with its reasons.

    For research: a reader has to confirm targets, new lesions and categories.
    """
    from lesionlocator.results.files import make_folder
    from lesionlocator.results.recist_document import Tracking, worksheet, write_worksheet
    from lesionlocator.results.recist_targets import read_targets

    listed = {} if targets is None else read_targets(targets)
    content = worksheet(Tracking.read(folder), listed, slice_thickness_mm=slice_thickness)
    paths = write_worksheet(content, make_folder(output or folder))
    _show(content)
    console.say(f"Worksheet: {', '.join(map(str, paths))}")
    console.say(content["notice"])


def _show(content: dict[str, Any]) -> None:
    from rich import box
    from rich.table import Table

    lesions = Table("lesion", "role", "organ", "reason", title="Lesions of the baseline", box=box.SIMPLE_HEAD)
    for lesion_id, lesion in content["lesions"].items():
        organ = f"{lesion['organ']} (node)".strip() if lesion["node"] else lesion["organ"]
        lesions.add_row(lesion_id, lesion["role"], organ, _plain(lesion["reason"]))
    console.table(lesions)
    points = Table(
        "timepoint",
        "sum (mm)",
        "from baseline",
        "from nadir",
        "category",
        "total volume (ml)",
        box=box.SIMPLE_HEAD,
    )
    for point in content["timepoints"]:
        points.add_row(
            _plain(point["date"] or point["name"]),
            _number(point["sum_of_diameters_mm"], ".1f"),
            _number(point["change_from_baseline_percent"], "+.1f", " %"),
            _number(point["change_from_nadir_percent"], "+.1f", " %"),
            point["category"] or "baseline",
            _number(point["total_volume_ml"], ".2f"),
        )
    console.table(points)
    for point in content["timepoints"]:
        for reason in point["reasons"]:
            console.say(f"{point['date'] or point['name']}: {reason}")
    console.say(content["source"])
    if not any(lesion["node"] for lesion in content["lesions"].values()):
        console.say("No lesion is marked as a lymph node: all are measured by their longest diameter")


def _number(value: float | None, form: str, unit: str = "") -> str:
    return "" if value is None else f"{value:{form}}{unit}"


def _plain(text: str) -> Any:
    from rich.text import Text

    return Text(text)
