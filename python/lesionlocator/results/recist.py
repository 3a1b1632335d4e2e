"""RECIST 1.1 from the course of a patient's lesions: sums of diameters, categories, and why.

Rules are those of Eisenhauer et al., Eur J Cancer 2009;45:228-247. What only a reader can tell,
such as unequivocal progression of non-target lesions, is left to the reader and said.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

from lesionlocator.results.recist_targets import NORMAL_NODE_MM, Assigned, Role, diameter_name

PROGRESSION = 0.20
"""Increase of the sum over its nadir from which on it is progression."""
PROGRESSION_MM = 5.0
"""Least absolute increase over the nadir that is progression."""
RESPONSE = 0.30
"""Decrease of the sum below the baseline from which on it is partial response."""
TOO_SMALL_MM = 5.0
"""Stands for a lesion that is there and too small to measure."""
_ROUNDING = 1e-9
_GONE, _MISSING, _MERGED, _SPLIT, _NEW = "disappeared", "not_assessed", "merged", "split", "new"

Entry = Mapping[str, Any]
Entries = Mapping[int, Sequence[Entry | None]]


class Category(str, Enum):
    """A response: complete, partial, stable, progressive, neither complete nor progressive, not evaluable."""

    CR = "CR"
    PR = "PR"
    SD = "SD"
    PD = "PD"
    NON_CR_NON_PD = "Non-CR/Non-PD"
    NE = "NE"


@dataclass(frozen=True)
class Timepoint:
    """RECIST at one timepoint.

    Parameters
    ----------
    diameters
        What each target adds to the sum, in mm, by lesion id; None where it was not assessed.
    sum_mm
        Of the targets that were assessed; None where there is no target.
    change_from_baseline, change_from_nadir
        Of the sum, as fractions; None at the baseline, where a target is missing, or the earlier sum is 0.
    target, non_target
        Responses of both kinds of lesions; None at the baseline, or where there are none.
    new_lesions
        Ids of lesions that the baseline did not have and that are there.
    category
        The patient's response; None at the baseline.
    reasons
        Why, each with its source.
    """

    diameters: Mapping[int, float | None]
    sum_mm: float | None
    change_from_baseline: float | None = None
    change_from_nadir: float | None = None
    target: Category | None = None
    non_target: Category | None = None
    new_lesions: tuple[int, ...] = ()
    category: Category | None = None
    reasons: tuple[str, ...] = ()


def evaluate(lesions: Entries, roles: Mapping[int, Assigned]) -> tuple[Timepoint, ...]:
    """Return RECIST at each timepoint, baseline first.

    Parameters
    ----------
    lesions
        Entries of ``tracking.json`` for each lesion and timepoint, by lesion id.
    roles
        What each lesion of the baseline is.
    """
    targets = {i: lesion for i, lesion in roles.items() if lesion.role is Role.TARGET}
    others = {i: lesion for i, lesion in roles.items() if lesion.role is Role.NON_TARGET}
    found: list[Timepoint] = []
    sums: list[float] = []
    for place in range(len(next(iter(lesions.values()), ()))):
        notes: list[str] = []
        diameters = dict(_diameters(lesions, targets, place, notes))
        known = [diameter for diameter in diameters.values() if diameter is not None]
        total = sum(known) if targets else None
        if place == 0:
            found.append(Timepoint(diameters, total, reasons=tuple(notes)))
        else:
            found.append(
                _followup(lesions, (targets, others), place, diameters=diameters, sums=sums, notes=notes)
            )
        if total is not None and len(known) == len(targets):
            sums.append(total)
    return tuple(found)


def target_response(
    total: float, sums: Sequence[float], *, is_complete: bool, all_gone: bool
) -> tuple[Category, str]:
    """Return the response of the targets and why.

    Parameters
    ----------
    total
        Sum of the diameters of the targets that were assessed, in mm.
    sums
        Sums at earlier timepoints at which all were assessed, the baseline's first.
    is_complete
        Whether all targets were assessed.
    all_gone
        Whether none is left: nodes are gone from below 10 mm short axis on.
    """
    nadir = min(sums)
    grown = total - nadir
    if is_complete and all_gone:
        return Category.CR, "all targets have disappeared, nodes are below 10 mm short axis [RECIST 1.1]"
    if grown >= PROGRESSION_MM - _ROUNDING and grown >= PROGRESSION * nadir - _ROUNDING:
        known = "" if is_complete else "targets are missing; those that are known alone have a "
        return (
            Category.PD,
            f"{known}sum {_signed(grown, nadir)} and {grown:.1f} mm above the nadir of {nadir:.1f} mm; "
            f"progression from +20 % and 5 mm on [RECIST 1.1]",
        )
    if not is_complete:
        return Category.NE, "not all targets were assessed [RECIST 1.1]"
    lost = sums[0] - total
    if lost >= RESPONSE * sums[0] - _ROUNDING:
        return (
            Category.PR,
            f"sum {_signed(-lost, sums[0])} from baseline; response from -30 % on [RECIST 1.1]",
        )
    return (
        Category.SD,
        f"sum {_signed(-lost, sums[0])} from baseline and {_signed(grown, nadir)} from nadir: "
        "neither response nor progression [RECIST 1.1]",
    )


def overall(target: Category | None, non_target: Category | None, *, has_new: bool) -> Category:
    """Return the patient's response at a timepoint: its tables 1 and 2."""
    if has_new or Category.PD in (target, non_target):
        return Category.PD
    if target is None:
        return Category.NE if non_target is None else non_target
    if target is Category.CR and non_target not in (None, Category.CR):
        return Category.PR
    return target


def _followup(
    lesions: Entries,
    both: tuple[Mapping[int, Assigned], Mapping[int, Assigned]],
    place: int,
    *,
    diameters: Mapping[int, float | None],
    sums: Sequence[float],
    notes: list[str],
) -> Timepoint:
    targets, others = both
    known = [diameter for diameter in diameters.values() if diameter is not None]
    is_complete, total = len(known) == len(targets), sum(known)
    target = None
    if targets and sums:
        gone = all(_is_gone(diameters[i], lesion.is_node) for i, lesion in targets.items())
        target, why = target_response(total, sums, is_complete=is_complete, all_gone=gone)
        notes.insert(0, f"targets {target.value}: {why}")
    non_target = _non_target(lesions, others, place, notes)
    new = tuple(i for i in sorted(lesions) if _is_new(lesions[i], place))
    if new:
        notes.append(
            f"new lesions: {', '.join(map(str, new))}: progression, once a reader confirms [RECIST 1.1]"
        )
    category = overall(target, non_target, has_new=bool(new))
    if target is Category.CR and category is Category.PR:
        notes.append("non-target lesions are left or not assessed: PR at most [RECIST 1.1]")
    comparable = bool(targets and sums and is_complete)
    return Timepoint(
        diameters,
        total if targets else None,
        _relative(total, sums[0]) if comparable else None,
        _relative(total, min(sums)) if comparable else None,
        target,
        non_target,
        new,
        category,
        tuple(notes),
    )


def _diameters(
    lesions: Entries, targets: Mapping[int, Assigned], place: int, notes: list[str]
) -> Iterator[tuple[int, float | None]]:
    """Yield what each target adds to the sum, and note what is not simply its diameter."""
    counted: set[int] = set()
    for lesion_id, target in targets.items():
        entry = lesions[lesion_id][place]
        if entry is None or entry["status"] == _MISSING:
            notes.append(f"target {lesion_id} was not assessed")
            yield lesion_id, None
            continue
        name = diameter_name(target.is_node)
        diameter = 0.0 if entry["status"] in (_GONE, _MERGED) else _measured(entry, name)
        into = entry["related_lesion_id"]
        if entry["status"] == _MERGED:
            notes.append(f"target {lesion_id} coalesced with lesion {into}: measured as one [RECIST 1.1]")
            if into not in targets and into not in counted:
                counted.add(into)
                diameter = _measured(lesions[into][place], name)
        elif entry["status"] != _GONE and not _measured(entry, name, default=0.0):
            notes.append(f"target {lesion_id} is too small to measure: 5 mm [RECIST 1.1]")
        if entry["status"] == "reappeared":
            notes.append(
                f"target {lesion_id} was gone and is there again: a reader judges whether it progressed"
            )
        for fragment in _fragments(lesions, lesion_id, place):
            notes.append(f"target {lesion_id} split: lesion {fragment} is added to the sum [RECIST 1.1]")
            diameter += _measured(lesions[fragment][place], name)
        yield lesion_id, diameter


def _measured(entry: Entry | None, name: str, default: float = TOO_SMALL_MM) -> float:
    if entry is None or entry["measurements"] is None:
        return 0.0
    return float(entry["measurements"][name]) or default


def _fragments(lesions: Entries, lesion_id: int, place: int) -> list[int]:
    """Return the lesions that are there and once split from a lesion."""
    return [
        i
        for i, entries in sorted(lesions.items())
        if (first := next((entry for entry in entries if entry is not None), None)) is not None
        and first["status"] == _SPLIT
        and first["related_lesion_id"] == lesion_id
        and (now := entries[place]) is not None
        and now["measurements"] is not None
        and now["status"] != _MERGED
    ]


def _non_target(
    lesions: Entries, others: Mapping[int, Assigned], place: int, notes: list[str]
) -> Category | None:
    if not others:
        return None
    missing, left = [], []
    for lesion_id, lesion in others.items():
        entry = lesions[lesion_id][place]
        if entry is None or entry["status"] == _MISSING:
            missing.append(lesion_id)
        elif not _is_gone(_measured(entry, diameter_name(lesion.is_node)), lesion.is_node):
            left.append(lesion_id)
            if entry["status"] == "grown":
                notes.append(
                    f"non-target {lesion_id} has grown: a reader judges if it is progression [RECIST 1.1]"
                )
    if left:
        return Category.NON_CR_NON_PD
    if missing:
        notes.append(f"non-target lesions were not assessed: {', '.join(map(str, missing))} [RECIST 1.1]")
        return Category.NE
    return Category.CR


def _is_gone(diameter: float | None, is_node: bool) -> bool:
    return diameter is not None and (diameter < NORMAL_NODE_MM if is_node else diameter == 0)


def _is_new(entries: Sequence[Entry | None], place: int) -> bool:
    first = next((entry for entry in entries[: place + 1] if entry is not None), None)
    now = entries[place]
    return first is not None and first["status"] == _NEW and now is not None and bool(now["measurements"])


def _relative(now: float, before: float) -> float | None:
    return round(now / before - 1, 12) if before > 0 else None


def _signed(change: float, of: float) -> str:
    return f"{100 * change / of:+.1f} %" if of > 0 else f"{change:+.1f} mm"
