"""Which lesions of the baseline RECIST 1.1 measures: proposed by size, or as a reader lists them.

Sections are those of Eisenhauer et al., Eur J Cancer 2009;45:228-247.
"""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any

from lesionlocator.errors import InputError

LEAST_DIAMETER_MM = 10.0
"""A lesion is measurable from this longest diameter on."""
LEAST_SHORT_AXIS_MM = 15.0
"""A lymph node is measurable from this short axis on."""
NORMAL_NODE_MM = 10.0
"""A node of a smaller short axis is not pathological."""
MOST_TARGETS = 5
"""Targets of a patient."""
MOST_TARGETS_PER_ORGAN = 2
"""Targets of an organ."""
THIN_SLICE_MM = 5.0
"""Where slices are thicker, a lesion is measurable from twice their thickness on."""
_COLUMNS = ("lesion_id", "role", "organ", "node")
_YES = {"yes": True, "true": True, "1": True, "no": False, "false": False, "0": False, "": False}


class Role(str, Enum):
    """What a lesion of the baseline is for RECIST."""

    TARGET = "target"
    NON_TARGET = "non-target"
    IGNORED = "ignored"


@dataclass(frozen=True)
class Listed:
    """What a reader says of a lesion; no role leaves it to the proposal."""

    role: Role | None = None
    organ: str = ""
    is_node: bool = False


@dataclass(frozen=True)
class Assigned:
    """A lesion of the baseline, what it is for RECIST, and why."""

    lesion_id: int
    role: Role
    organ: str
    is_node: bool
    reason: str


def read_targets(path: Path) -> dict[int, Listed]:
    """Read a CSV with the columns ``lesion_id``, and as wanted ``role``, ``organ`` and ``node``.

    Raises
    ------
    InputError
        Where the file cannot be read, a column is unknown or missing, or a value is not legal.
    """
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file, restkey="more", restval="")
            rows, columns = list(reader), list(reader.fieldnames or ())
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{path}: cannot be read as CSV ({error})") from error
    if "lesion_id" not in columns or not set(columns) <= set(_COLUMNS):
        raise InputError(
            f"{path}: has the columns {', '.join(columns) or 'none'}; "
            f"legal: lesion_id, and any of {', '.join(_COLUMNS[1:])}"
        )
    listed: dict[int, Listed] = {}
    for line, row in enumerate(rows, start=2):
        lesion_id, lesion = _listed(row, f"{path}, line {line}")
        if lesion_id in listed:
            raise InputError(f"{path}, line {line}: lesion {lesion_id} is listed twice")
        listed[lesion_id] = lesion
    return listed


def assign(
    baseline: Mapping[int, Mapping[str, Any] | None],
    listed: Mapping[int, Listed],
    *,
    slice_thickness_mm: float | None = None,
) -> dict[int, Assigned]:
    """Return what each lesion of the baseline is.

    Where the reader names a target, the targets are the reader's and no others. Else they are proposed: the
    largest measurable ones.

    Parameters
    ----------
    baseline
        Measurements of each lesion of the baseline, by id; None where there are none.
    listed
        What a reader says, by lesion id.
    slice_thickness_mm
        Of the baseline; up to 5 mm where not known.

    Raises
    ------
    InputError
        Where a listed lesion is not in the baseline, or a reader's target cannot be one.
    """
    unknown = sorted(listed.keys() - baseline.keys())
    if unknown:
        raise InputError(
            f"targets: lesion {unknown[0]} is not in the baseline, which has "
            f"{', '.join(map(str, sorted(baseline)))}"
        )
    thickness = slice_thickness_mm or 0.0
    limit = max(LEAST_DIAMETER_MM, 2 * thickness if thickness > THIN_SLICE_MM else 0.0)
    chosen = {i for i, lesion in listed.items() if lesion.role is Role.TARGET}
    if chosen:
        _check_chosen(chosen, baseline, listed)
    counts: Counter[str] = Counter()
    assigned = {}
    for lesion_id in sorted(baseline, key=lambda i: (-_size(baseline[i], listed.get(i)), i)):
        lesion, size = listed.get(lesion_id, Listed()), _size(baseline[lesion_id], listed.get(lesion_id))
        least = LEAST_SHORT_AXIS_MM if lesion.is_node else limit
        role, reason = _role(lesion, size, least, counts, reader_chose=bool(chosen))
        if role is Role.TARGET:
            counts.update(["", lesion.organ] if lesion.organ else [""])
        assigned[lesion_id] = Assigned(lesion_id, role, lesion.organ, lesion.is_node, reason)
    return {i: assigned[i] for i in sorted(assigned)}


def diameter_name(is_node: bool) -> str:
    """Return which measurement counts: the short axis of a node, else the longest diameter."""
    return "perpendicular_diameter_mm" if is_node else "longest_diameter_mm"


def _role(
    lesion: Listed, size: float, least: float, counts: Counter[str], *, reader_chose: bool
) -> tuple[Role, str]:
    """Return a lesion's role and why; ``counts`` are the targets so far, in all ("") and of each organ."""
    name = "short axis" if lesion.is_node else "longest diameter"
    below = f"{name} {size:.1f} mm is below {least:g} mm [RECIST 1.1]"
    if lesion.role is not None:
        doubt = f"; {below}" if lesion.role is Role.TARGET and size < least else ""
        return lesion.role, f"as the reader says{doubt}"
    if lesion.is_node and size < NORMAL_NODE_MM:
        return Role.IGNORED, f"node of {size:.1f} mm short axis: below 10 mm is not pathological [RECIST 1.1]"
    if reader_chose:
        return Role.NON_TARGET, "the reader chose other targets"
    if size < least:
        return Role.NON_TARGET, below
    full = f"{MOST_TARGETS} larger targets" if counts[""] >= MOST_TARGETS else ""
    if lesion.organ and counts[lesion.organ] >= MOST_TARGETS_PER_ORGAN:
        full = f"{MOST_TARGETS_PER_ORGAN} larger targets in {lesion.organ}"
    if full:
        return Role.NON_TARGET, f"{full} [RECIST 1.1]"
    return Role.TARGET, f"{name} {size:.1f} mm, among the largest [RECIST 1.1]"


def _check_chosen(
    chosen: set[int], baseline: Mapping[int, Mapping[str, Any] | None], listed: Mapping[int, Listed]
) -> None:
    unseen = sorted(i for i in chosen if baseline[i] is None)
    if unseen:
        raise InputError(f"targets: lesion {unseen[0]} was not measured in the baseline")
    if len(chosen) > MOST_TARGETS:
        raise InputError(f"targets: {len(chosen)} targets; legal: at most {MOST_TARGETS} [RECIST 1.1]")
    for organ, count in Counter(listed[i].organ for i in chosen if listed[i].organ).items():
        if count > MOST_TARGETS_PER_ORGAN:
            raise InputError(
                f"targets: {count} targets in {organ}; legal: at most {MOST_TARGETS_PER_ORGAN} [RECIST 1.1]"
            )


def _size(measurements: Mapping[str, Any] | None, lesion: Listed | None) -> float:
    name = diameter_name(lesion is not None and lesion.is_node)
    return 0.0 if measurements is None else float(measurements[name])


def _listed(row: Mapping[str, str], where: str) -> tuple[int, Listed]:
    text = {name: (row.get(name) or "").strip() for name in _COLUMNS}
    if not text["lesion_id"].isdecimal():
        raise InputError(f"{where}: lesion_id is {text['lesion_id']!r}; legal: a whole number")
    roles = {"": None, **{role.value: role for role in Role}}
    if text["role"].lower() not in roles:
        raise InputError(
            f"{where}: role is {text['role']!r}; legal: {', '.join(filter(None, roles))}, or nothing"
        )
    if text["node"].lower() not in _YES:
        raise InputError(f"{where}: node is {text['node']!r}; legal: yes, no, or nothing")
    organ = " ".join(text["organ"].lower().split())
    return int(text["lesion_id"]), Listed(roles[text["role"].lower()], organ, _YES[text["node"].lower()])
