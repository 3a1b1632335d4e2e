"""The table of a cohort: a row for each scan of each patient."""

from __future__ import annotations

import csv
import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from lesionlocator.errors import InputError

COLUMNS = ("patient", "timepoint", "date", "image", "prompts")
_LEGAL_NAME = "a name that can be a folder's, without / and \\"


@dataclass(frozen=True)
class CohortPatient:
    """The scans of one patient, in order.

    Parameters
    ----------
    images
        The baseline, and at least one follow-up.
    prompts
        The lesions of the baseline.
    dates
        Of each scan; empty where they are not known.
    """

    images: tuple[Path, ...]
    prompts: tuple[Path, ...]
    dates: tuple[date, ...]


def read_cohort(path: Path) -> dict[str, CohortPatient | str]:
    """Read a CSV with the columns ``patient``, ``timepoint``, ``date``, ``image`` and ``prompts``.

    Timepoints are numbers; a patient's smallest is the baseline, and its row names the prompts, several files
    apart by ``;``. Dates (YYYY-MM-DD) stand in all rows of a patient or in none. Paths that are not absolute
    start in the folder of the table.

    Returns
    -------
    dict
        Each patient, in the order of the table, or why its rows cannot be used.

    Raises
    ------
    InputError
        Where the file cannot be read, lacks a column, or names no patient.
    """
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file, strict=True)
            names = [name.strip() for name in reader.fieldnames or ()]
            reader.fieldnames = names
            rows = [(reader.line_num, row) for row in reader]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{path}: cannot be read as CSV ({error})") from error
    missing = [name for name in COLUMNS if name not in names]
    if missing:
        raise InputError(
            f"{path}: has no column {', '.join(missing)}; there are: {', '.join(names) or 'none'}; "
            f"legal: {', '.join(COLUMNS)}"
        )
    patients: dict[str, list[tuple[int, Mapping[str, str]]]] = {}
    for line, row in rows:
        if None in row or None in row.values():
            raise InputError(f"{path}: line {line} has not as many fields as the header")
        cells = {name: row[name].strip() for name in COLUMNS}
        patients.setdefault(cells["patient"], []).append((line, cells))
    if not patients:
        raise InputError(f"{path}: names no patient")
    return {name: _patient(name, lines, path.parent) for name, lines in patients.items()}


def _patient(name: str, lines: Sequence[tuple[int, Mapping[str, str]]], folder: Path) -> CohortPatient | str:
    """Return the scans of a patient, or why they cannot be used."""
    try:
        return _checked(name, lines, folder)
    except InputError as error:
        return str(error)


def _checked(name: str, lines: Sequence[tuple[int, Mapping[str, str]]], folder: Path) -> CohortPatient:
    if not name or name in {".", ".."} or any(sign in name for sign in "/\\\0"):
        raise InputError(f"line {lines[0][0]}: patient is {name!r}; legal: {_LEGAL_NAME}")
    order = sorted((_timepoint(row["timepoint"], line), line, row) for line, row in lines)
    for (earlier, first, _), (later, second, _) in itertools.pairwise(order):
        if earlier == later:
            raise InputError(f"lines {first} and {second}: timepoint {earlier:g} occurs twice")
    if len(order) < 2:
        raise InputError(f"line {order[0][1]}: only one scan; legal: a baseline and at least one follow-up")
    (_, line, baseline), *later_rows = order
    prompts = tuple(folder / text.strip() for text in baseline["prompts"].split(";") if text.strip())
    if not prompts:
        raise InputError(f"line {line}: the first timepoint has no prompts")
    for _, number, row in later_rows:
        if row["prompts"]:
            raise InputError(f"line {number}: has prompts; legal in the row of the first timepoint only")
    for _, number, row in order:
        if not row["image"]:
            raise InputError(f"line {number}: has no image")
    images = tuple(folder / row["image"] for _, _, row in order)
    return CohortPatient(images, prompts, _dates([(number, row["date"]) for _, number, row in order]))


def _timepoint(text: str, line: int) -> float:
    try:
        value = float(text)
    except ValueError:
        value = float("nan")
    if not abs(value) < float("inf"):
        raise InputError(f"line {line}: timepoint is {text!r}; legal: a number")
    return value


def _dates(texts: Sequence[tuple[int, str]]) -> tuple[date, ...]:
    given = [line for line, text in texts if text]
    if not given:
        return ()
    days = []
    for line, text in texts:
        try:
            days.append(date.fromisoformat(text))
        except ValueError:
            raise InputError(
                f"line {line}: date is {text!r}; legal: such as 2024-03-31, in all rows of a patient or none"
            ) from None
    for (line, _), (earlier, later) in zip(texts[1:], itertools.pairwise(days), strict=True):
        if later < earlier:
            raise InputError(f"line {line}: {later} is before {earlier} of the timepoint before")
    return tuple(days)
