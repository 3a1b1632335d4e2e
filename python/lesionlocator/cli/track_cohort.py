"""Many patients in one run: each in a folder of its own, and none stops the others."""

from __future__ import annotations

import csv
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lesionlocator.cli import console
from lesionlocator.cli.cohort_file import CohortPatient, read_cohort
from lesionlocator.cli.track_models import TrackModels
from lesionlocator.cli.track_patient import run_tracking
from lesionlocator.errors import InputError, ModelError
from lesionlocator.results.course_files import CSV_NAME
from lesionlocator.results.discretion import reason_of
from lesionlocator.results.documents import write_document, write_rows
from lesionlocator.results.files import make_folder

if TYPE_CHECKING:
    from lesionlocator.cli.reporter import Reporter
    from lesionlocator.cli.track_options import TrackOptions

RECORD = "cohort.json"


def run_cohort(
    options: TrackOptions, cohort: Path, reporting: Callable[[], AbstractContextManager[Reporter]]
) -> None:
    """Track the lesions of all patients of a table, with the model loaded once.

    Parameters
    ----------
    options
        What holds for all patients.
    cohort
        The table; see :func:`lesionlocator.cli.cohort_file.read_cohort`.
    reporting
        Returns who is told of a patient.

    Raises
    ------
    LesionLocatorError
        Where the table or the model cannot be used, or the only patient failed.
    SomeCasesFailed
        Where some of several patients failed; each was reported, and the others are done.
    """
    patients, folder = read_cohort(cohort), make_folder(options.output)
    models = TrackModels(options)
    deidentify = options.outputs.dicom.deidentify
    called = {name: f"patient_{n}" if deidentify else name for n, name in enumerate(patients, start=1)}
    record: dict[str, dict[str, Any]] = {
        name: {"state": "waiting", "reason": None} for name in called.values()
    }
    problems: dict[str, Exception] = {}
    for number, (given, patient) in enumerate(patients.items(), start=1):
        name = called[given]
        console.say(f"patient {given} ({number} of {len(patients)}){f': {name}' if deidentify else ''}")
        try:
            if isinstance(patient, str):
                raise InputError(f"{cohort}: {patient}")  # told as what goes wrong later is
            with reporting() as reporter:
                run_tracking(_of_patient(options, patient, folder / name), reporter, models)
            record[name] = {"state": "ok", "reason": None}
        except ModelError:
            raise
        except Exception as problem:
            # Whatever it is, the results of the other patients must not be lost.
            problems[name] = problem
            record[name] = {"state": "failed", "reason": reason_of(problem, deidentify=deidentify)}
            if len(patients) > 1:
                console.report(problem, prefix=f"patient {given}: ")
        write_document(folder / RECORD, {"patients": record})
        _gather(folder, [done for done in record if record[done]["state"] != "waiting"])
    if problems and len(patients) == 1:
        raise next(iter(problems.values()))
    if problems:
        raise console.SomeCasesFailed(len(problems), len(patients), list(problems))


def _of_patient(options: TrackOptions, patient: CohortPatient, output: Path) -> TrackOptions:
    for path in (*patient.images, *patient.prompts):
        if output.is_dir() and path.parent.is_dir() and path.parent.samefile(output):
            raise InputError(f"{path}: lies where the results are to go; choose another -o")
    return replace(
        options,
        baseline=patient.images[0],
        followups=patient.images[1:],
        prompts=patient.prompts,
        dates=patient.dates,
        output=output,
    )


def _gather(folder: Path, patients: list[str]) -> None:
    """Write the timelines of all patients into one table."""
    rows: list[dict[str, Any]] = []
    columns: list[str] = []
    for name in patients:
        path = folder / name / CSV_NAME
        if path.is_file():
            with path.open(newline="", encoding="utf-8") as file:
                reader = csv.DictReader(file)
                rows += [{"patient": name, **row} for row in reader]
                columns = list(reader.fieldnames or columns)
    write_rows(folder / CSV_NAME, ["patient", *columns], rows)
