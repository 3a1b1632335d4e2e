"""``lesionlocator measure``: any image and label map in, measurements out."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from lesionlocator.cli import console
from lesionlocator.cli.options import SERIES

if TYPE_CHECKING:
    from lesionlocator.io.cases import Case

_PATH = click.Path(path_type=Path)
_SHOWN = {
    "volume_ml": "volume (ml)",
    "longest_diameter_mm": "longest (mm)",
    "perpendicular_diameter_mm": "across (mm)",
    "longest_diameter_3d_mm": "in 3D (mm)",
    "surface_area_mm2": "surface (mm²)",
    "sphericity": "sphericity",
    "hu_mean": "mean (HU)",
    "hu_percentile_50": "median (HU)",
}
"""Measurements in the table on the screen, and their headings."""


@click.command()
@click.option("-i", "--image", "images", type=_PATH, required=True, help="Image, or a folder of images.")
@click.option("-l", "--labels", type=_PATH, required=True, help="Label map, or a folder paired by name.")
@SERIES
@click.option("-o", "--output", type=_PATH, help="Folder for measurements.csv and a JSON for each case.")
@click.option(
    "--kind",
    type=click.Choice(["instance", "semantic"]),
    default="instance",
    show_default=True,
    help="instance: each label is a lesion and keeps its number. semantic: each connected component is one.",
)
@click.option("--quiet", is_flag=True, help="Print errors only.")
def measure(
    *, images: Path, labels: Path, series: str | None, output: Path | None, kind: str, quiet: bool
) -> None:
    """Measure the lesions of label maps: size, diameters, surface, sphericity, values. Needs no model.

    Without -o they are only shown. In a folder, a case that cannot be used is reported and the others are
    done; the exit code is then 3.
    """
    from lesionlocator.errors import InputError, LesionLocatorError
    from lesionlocator.io.cases import pair_cases
    from lesionlocator.results.documents import write_rows
    from lesionlocator.results.extended import extended_columns
    from lesionlocator.results.files import make_folder

    if quiet:
        console.set_verbosity(console.Verbosity.QUIET)
    cases, unpaired = pair_cases(images, labels)
    problems: list[LesionLocatorError] = [
        InputError(f"{missing.name}: {missing.reason}".replace("prompt", "label map")) for missing in unpaired
    ]
    rows: list[dict[str, Any]] = []
    folder = None if output is None else make_folder(output)
    for case in cases:
        try:
            rows += _measure_case(case, kind, folder, series=series)
        except LesionLocatorError as problem:
            problems.append(problem)
    total = len(cases) + len(unpaired)
    if len(problems) == total == 1:
        raise problems[0]
    if folder is not None:
        write_rows(folder / "measurements.csv", ["case", "lesion_id", *extended_columns()], rows)
        console.say(f"results: {folder}")
    for failure in problems:
        console.error(str(failure))
    if problems:
        raise console.SomeCasesFailed(len(problems), total)


def _measure_case(case: Case, kind: str, folder: Path | None, *, series: str | None) -> list[dict[str, Any]]:
    """Measure a case, show and write it, and return its rows of the CSV."""
    from lesionlocator.errors import InputError
    from lesionlocator.io import read_labelmap, read_scan
    from lesionlocator.io.files import IMAGE_ENDINGS
    from lesionlocator.results.documents import flattened, write_document
    from lesionlocator.results.extended import components_of, measure_labels

    if not case.prompts.name.lower().endswith(IMAGE_ENDINGS):
        raise InputError(f"{case.prompts}: is no label map; legal endings: {', '.join(IMAGE_ENDINGS)}")
    labelmap = read_labelmap(case.prompts)
    if kind == "semantic":
        labelmap = components_of(labelmap)
    lesions = {
        str(label): found.as_dict()
        for label, found in measure_labels(labelmap, read_scan(case.image, series=series)).items()
    }
    if not lesions:
        console.warn(f"warning: {case.prompts}: holds no label but 0")
    _show(case.name, lesions)
    if folder is not None:
        sources = {"case": case.name, "image": str(case.image), "labels": str(case.prompts)}
        write_document(folder / f"{case.name}_measurements.json", {**sources, "lesions": lesions})
    return [{"case": case.name, "lesion_id": label, **flattened(found)} for label, found in lesions.items()]


def _show(case: str, lesions: dict[str, dict[str, Any]]) -> None:
    from rich import box
    from rich.table import Table

    table = Table("lesion", title=case, box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), show_edge=False)
    for heading in _SHOWN.values():
        table.add_column(heading.replace(" (", "\n("), justify="right")
    for label, found in lesions.items():
        table.add_row(label, *(_short(found[name]) for name in _SHOWN))
    console.table(table)


def _short(value: float) -> str:
    """Return a number with four digits, or all before the point."""
    return f"{value:.0f}" if abs(value) >= 1000 else f"{value:.4g}"
