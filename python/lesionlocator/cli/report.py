"""``lesionlocator report`` and ``preview``: results as a page for each patient, and as pictures."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import wraps
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


def _named_paths(
    _: click.Context, __: click.Parameter, values: tuple[str, ...]
) -> dict[str, tuple[Path, ...]]:
    """Return paths by name; several of one name are kept in their order."""
    named: dict[str, tuple[Path, ...]] = {}
    for value in values:
        name, sign, path = value.partition("=")
        if not (name and sign and path):
            raise click.BadParameter(f"{value!r}; legal: such as baseline=/data/ct1")
        named[name] = (*named.get(name, ()), Path(path))
    return named


_Named = Mapping[str, "tuple[Path, ...]"]


@dataclass(frozen=True)
class _Given:
    """What the user says of where scans and label maps are."""

    images: Path | None = None
    scans: _Named = field(default_factory=dict)
    labels: _Named = field(default_factory=dict)


_NOTHING = _Given()
_NEEDED = ("jinja2", "matplotlib", "PIL")
_FOLDER = click.argument("folder", metavar="OUT_DIR", type=_PATH)
_IMAGES = click.option("--images", type=_PATH, help="Folder of the scans, where they were moved.")
_SCAN = click.option(
    "--scan",
    "scans",
    multiple=True,
    metavar="NAME=PATH",
    callback=_named_paths,
    help="Where a scan is, by what its results are named after; needed for de-identified results.",
)
_LABELS = click.option(
    "--labels",
    multiple=True,
    metavar="NAME=PATH",
    callback=_named_paths,
    help="The label map, or masks, that track was given with a scan; needed for de-identified results.",
)
_OUTPUT = click.option("-o", "--output", type=_PATH, help="Folder to write to; OUT_DIR if not given.")
_DEIDENTIFY = click.option(
    "--deidentify", is_flag=True, help="Keep names, numbers, dates and paths out; days since baseline stay."
)


def _of_results(command: Callable[[Path, Path | None, _Given, bool], None]) -> Callable[..., None]:
    """Add the argument and options by which a command finds results and the files that they refer to."""

    @wraps(command)
    def gathered(
        *,
        folder: Path,
        output: Path | None,
        images: Path | None,
        scans: _Named,
        labels: _Named,
        deidentify: bool,
    ) -> None:
        command(folder, output, _Given(images, scans, labels), deidentify)

    return _FOLDER(_OUTPUT(_IMAGES(_SCAN(_LABELS(_DEIDENTIFY(gathered))))))


@click.command()
@_of_results
def report(folder: Path, output: Path | None, given: _Given, deidentify: bool) -> None:
    """Write one HTML file for each patient of what segment or track wrote.

    It needs no network and no other file.
    """
    write_reports(folder, output=output, given=given, deidentify=deidentify)


def write_reports(
    folder: Path, *, output: Path | None = None, given: _Given = _NOTHING, deidentify: bool = False
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
    from lesionlocator.report.patient import names_of
    from lesionlocator.report.pictures import pictures_of
    from lesionlocator.results.files import make_folder

    check_extra()
    patients = _read(folder, given)
    deidentify = deidentify or any(patient.is_deidentified for patient in patients)
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
@_of_results
def preview(folder: Path, output: Path | None, given: _Given, deidentify: bool) -> None:
    """Write the pictures of a report as PNG: <patient>_<timepoint>_lesion_<id>.png, ..._projection.png."""
    from lesionlocator.io.files import write_atomically
    from lesionlocator.report.pictures import pictures_of
    from lesionlocator.results.files import make_folder

    check_extra()
    patients = _read(folder, given)
    deidentify = deidentify or any(patient.is_deidentified for patient in patients)
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


def _read(folder: Path, given: _Given) -> list[Patient]:
    """Read results, and tell of timepoints whose outlines cannot be drawn."""
    from lesionlocator.report.locations import Locations
    from lesionlocator.report.patient import read_patients

    for name, paths in given.scans.items():
        if len(paths) > 1:
            raise click.UsageError(f"--scan names {len(paths)} scans {name}; legal: one")
    scans = {name: path for name, (path,) in given.scans.items()}
    patients = read_patients(folder, Locations(given.images, scans, given.labels))
    for patient in patients:
        for place, timepoint in enumerate(patient.timepoints):
            if patient.lacks_masks(place):
                name = timepoint.name
                console.warn(
                    f"warning: {name}: not all lesions are outlined: the results do not say where the masks "
                    f"are; name them with --labels {name}=PATH"
                )
    return patients


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
