"""``lesionlocator report`` and ``preview``: results as a page for each patient, and as pictures."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import click

from lesionlocator.cli import console
from lesionlocator.errors import LesionLocatorError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from lesionlocator.report.patient import Patient

_PATH = click.Path(path_type=Path)
_NEEDED = ("jinja2", "matplotlib", "PIL")
_FOLDER = click.argument("folder", metavar="OUT_DIR", type=_PATH)
_IMAGES = click.option("--images", type=_PATH, help="Folder of the scans, where they were moved.")
_OUTPUT = click.option("-o", "--output", type=_PATH, help="Folder to write to; OUT_DIR if not given.")
_DEIDENTIFY = click.option(
    "--deidentify", is_flag=True, help="Keep names, numbers, dates and paths out; days since baseline stay."
)


@click.command()
@_FOLDER
@_OUTPUT
@_IMAGES
@_DEIDENTIFY
def report(*, folder: Path, output: Path | None, images: Path | None, deidentify: bool) -> None:
    """Write one HTML file for each patient of what segment or track wrote.

    It needs no network and no other file.
    """
    write_reports(folder, output=output, images=images, deidentify=deidentify)


def write_reports(
    folder: Path, *, output: Path | None = None, images: Path | None = None, deidentify: bool = False
) -> None:
    """Write the report of each patient of a folder, and say where it is.

    Raises
    ------
    LesionLocatorError
        Where the folder, a scan or a mask cannot be used, or the extra is missing.
    SomeCasesFailed
        Where that holds for some of several patients; each was reported.
    """
    from lesionlocator.io.files import write_atomically
    from lesionlocator.report.page import Disclosure, render
    from lesionlocator.report.patient import names_of, read_patients
    from lesionlocator.report.pictures import pictures_of
    from lesionlocator.results.files import make_folder

    check_extra()
    patients = read_patients(folder, images)
    disclosure = Disclosure(deidentify, names_of(patients))
    target = make_folder(output or folder)

    def write(patient: Patient, name: str) -> None:
        path = target / f"{name}.html"
        page = render(patient, pictures_of(patient), disclosure)
        with write_atomically(path) as partial:
            partial.write_text(page, encoding="utf-8")
        console.say(f"Report: {path}")

    _for_each(patients, write, "report", deidentify=deidentify)


@click.command()
@_FOLDER
@_OUTPUT
@_IMAGES
@_DEIDENTIFY
def preview(*, folder: Path, output: Path | None, images: Path | None, deidentify: bool) -> None:
    """Write the pictures of a report as PNG: <patient>_<timepoint>_lesion_<id>.png, ..._projection.png."""
    from lesionlocator.io.files import write_atomically
    from lesionlocator.report.patient import read_patients
    from lesionlocator.report.pictures import pictures_of
    from lesionlocator.results.files import make_folder

    check_extra()
    patients = read_patients(folder, images)
    target = make_folder(output or folder)

    def write(patient: Patient, name: str) -> None:
        count = 0
        for picture in pictures_of(patient):
            what = "projection" if picture.lesion_id is None else f"lesion_{picture.lesion_id}"
            with write_atomically(target / f"{name}_{picture.place}_{what}.png") as partial:
                partial.write_bytes(picture.png())
            count += 1
        console.say(f"Pictures: {count} as {target / name}_*.png")

    _for_each(patients, write, "preview", deidentify=deidentify)


def _for_each(
    patients: Sequence[Patient], write: Callable[[Patient, str], None], kind: str, *, deidentify: bool
) -> None:
    """Write what belongs to each patient under a name of its own; go on where one fails."""
    problems = []
    for number, patient in enumerate(patients, start=1):
        name = kind if len(patients) == 1 else f"{kind}_{number if deidentify else patient.name}"
        try:
            write(patient, name)
        except LesionLocatorError as problem:
            if len(patients) == 1:
                raise
            problems.append(problem)
            console.report(problem, prefix=f"{name}: ")
    if problems:
        raise console.SomeCasesFailed(len(problems), len(patients))


def has_extra() -> bool:
    """Whether the libraries of the extra are there."""
    return not _missing()


def _missing() -> list[str]:
    return [name for name in _NEEDED if find_spec(name) is None]


def check_extra() -> None:
    """Refuse to go on where a library of the extra is missing.

    Raises
    ------
    LesionLocatorError
        With what is missing, and how to install it.
    """
    missing = _missing()
    if missing:
        raise LesionLocatorError(
            f"reports and pictures need {', '.join(missing)}: pip install 'lesionlocator[report]'"
        )
