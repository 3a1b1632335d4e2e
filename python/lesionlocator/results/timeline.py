"""What became of each lesion of a patient from scan to scan."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from lesionlocator.errors import InputError
from lesionlocator.prompts.components import component_regions
from lesionlocator.prompts.kinds import LARGEST_ID
from lesionlocator.results.changes import Size, change, doubling_days, trend
from lesionlocator.results.course import (
    Course,
    CourseOptions,
    Examination,
    LesionCourse,
    LesionTimepoint,
    State,
    Tracked,
)
from lesionlocator.results.relations import Found, Labelled, common_voxels, explain_labels, merged_into

if TYPE_CHECKING:
    from datetime import date

_BORDER = "touches the border of the scan: the lesion may go on, and changes may be wrong"


def build_course(examinations: Sequence[Examination], options: CourseOptions | None = None) -> Course:
    """Put together what became of each lesion.

    A lesion of a label map that no track explains gets the next free id. The course of the first timepoints
    is the same whether or not later ones are given, so lesions found this way can be tracked from there on.

    Parameters
    ----------
    examinations
        The baseline first, then the follow-ups in order.
    options
        The thresholds.

    Raises
    ------
    InputError
        Where there is no examination, dates are out of order, the baseline has a label map of its own, or all
        lesion ids are in use.
    """
    options = options or CourseOptions()
    _check(examinations)
    histories: dict[int, _History] = {}
    for place, examination in enumerate(examinations):
        for lesion_id in examination.lesions:
            histories.setdefault(lesion_id, _History(lesion_id, place))
        relations = _relations(examination, histories, options)
        for lesion_id, history in histories.items():
            tracked = examination.lesions.get(lesion_id, Tracked(assessed=False))
            history.add(_timepoint(history, tracked, relations, examination.date, options), examination.date)
        for lesion_id, timepoint in _untracked(examination, relations, histories, options):
            history = histories[lesion_id] = _History(lesion_id, place)
            history.add(timepoint, examination.date)
    return Course(
        tuple(examination.name for examination in examinations),
        tuple(examination.date for examination in examinations),
        {i: histories[i].course() for i in sorted(histories)},
        options,
    )


@dataclass(frozen=True)
class _Relations:
    labelled: Labelled
    merged: Mapping[int, int]

    def label(self, lesion_id: int) -> int | None:
        return self.labelled.label_of.get(lesion_id)


@dataclass
class _History:
    """What is known of a lesion up to now: ``first`` is the place of the examination that brought it up."""

    lesion_id: int
    first: int
    timepoints: list[LesionTimepoint] = field(default_factory=list)
    sizes: list[tuple[Size, date | None]] = field(default_factory=list)

    def add(self, timepoint: LesionTimepoint, when: date | None) -> None:
        self.timepoints.append(timepoint)
        if timepoint.measurements is not None and timepoint.state is not State.MERGED:
            self.sizes.append((_size(timepoint), when))

    @property
    def is_lost(self) -> bool:
        """Whether it was not found when it was last looked for."""
        assessed = [point.state for point in self.timepoints if point.state is not State.NOT_ASSESSED]
        return assessed[-1:] == [State.DISAPPEARED]

    @property
    def last_volume(self) -> float:
        return self.sizes[-1][0].volume_ml if self.sizes else 0.0

    def course(self) -> LesionCourse:
        return LesionCourse(self.lesion_id, (*itertools.repeat(None, self.first), *self.timepoints))


def _check(examinations: Sequence[Examination]) -> None:
    if not examinations:
        raise InputError("there is no examination; a timeline needs at least the baseline")
    if examinations[0].labelled is not None:
        raise InputError(f"{examinations[0].name}: a baseline has no label map beside its prompts")
    dated = [(examination.date, examination.name) for examination in examinations if examination.date]
    for (earlier, first), (later, second) in itertools.pairwise(dated):
        if later < earlier:
            raise InputError(
                f"dates are out of order: {second} is of {later}, before {first} of {earlier}; "
                "legal: baseline first, then follow-ups in order"
            )


def _relations(
    examination: Examination, histories: Mapping[int, _History], options: CourseOptions
) -> _Relations:
    found = {i: tracked.found for i, tracked in sorted(examination.lesions.items()) if tracked.found}
    expected = {i: tracked.expected for i, tracked in examination.lesions.items() if tracked.expected}
    labelled = Labelled()
    if examination.labelled is not None:
        labelled = explain_labels(found, expected, examination.labelled, options.relation)
    volumes = {i: history.last_volume for i, history in histories.items()}
    seen = {i: lesion for i, lesion in found.items() if histories[i].timepoints}
    return _Relations(labelled, merged_into(seen, volumes, labelled.label_of, options.relation))


def _timepoint(
    history: _History, tracked: Tracked, relations: _Relations, when: date | None, options: CourseOptions
) -> LesionTimepoint:
    """Return what became of a lesion that tracking knows."""
    if tracked.found is None:
        gone = tracked.assessed and history.sizes
        return LesionTimepoint(State.DISAPPEARED if gone else State.NOT_ASSESSED, warnings=tracked.warnings)
    seen = _seen(tracked.found, options)
    host = relations.merged.get(history.lesion_id)
    guests = [i for i, into in relations.merged.items() if into == history.lesion_id]
    warnings = (*tracked.warnings, *seen.warnings)
    if guests:
        warnings += (f"holds what was lesion {', '.join(map(str, guests))} too",)
    seen = replace(seen, label=relations.label(history.lesion_id), warnings=warnings)
    if host is not None:
        return replace(seen, state=State.MERGED, related=host)
    if not history.sizes:
        return replace(seen, state=State.NEW if history.first else State.PRESENT)
    return _compared(history, seen, when, options)


def _compared(
    history: _History, seen: LesionTimepoint, when: date | None, options: CourseOptions
) -> LesionTimepoint:
    """Fill in how a lesion that is there compares with what it was."""
    now, (last, last_date) = _size(seen), history.sizes[-1]
    baseline = history.sizes[0][0]
    nadir = min((size for size, _ in history.sizes), key=lambda size: size.volume_ml)
    shortest = min(size.longest_diameter_mm for size, _ in history.sizes)
    since_nadir = change(Size(nadir.volume_ml, shortest), now)
    state = State(trend(baseline, nadir, now, options.change).value)
    return replace(
        seen,
        state=State.REAPPEARED if history.is_lost else state,
        since_baseline=change(baseline, now),
        since_nadir=since_nadir,
        doubling_days=doubling_days(last, now, last_date, when) if last_date and when else None,
    )


def _untracked(
    examination: Examination,
    relations: _Relations,
    histories: Mapping[int, _History],
    options: CourseOptions,
) -> list[tuple[int, LesionTimepoint]]:
    """Return the lesions of the label map that have no track, under new ids, by ascending label."""
    labelled, parents = examination.labelled or {}, relations.labelled.split_from
    labels = sorted({*parents, *relations.labelled.unexplained})
    timepoints = []
    for lesion_id, label in zip(_free_ids(histories, len(labels)), labels, strict=True):
        seen = replace(_seen(labelled[label], options), label=label)
        if label in parents:
            point = replace(seen, state=State.SPLIT, related=parents[label])
        else:
            missed = _missed(labelled[label], examination.lesions, options)
            point = replace(seen, state=State.NEW, warnings=(*seen.warnings, *missed))
        timepoints.append((lesion_id, point))
    return timepoints


def _missed(label: Found, lesions: Mapping[int, Tracked], options: CourseOptions) -> list[str]:
    """Say where a label lies in the place of a lesion that tracking did not find there."""
    return [
        f"lies where lesion {lesion_id} was expected, which tracking did not find"
        for lesion_id, tracked in sorted(lesions.items())
        if tracked.found is None
        and tracked.expected is not None
        and common_voxels(label.mask, tracked.expected) >= options.relation.shared * label.measurements.voxels
    ]


def _free_ids(used: Mapping[int, object], count: int) -> list[int]:
    """Return ids above all that are in use; where there are no more, the lowest free ones."""
    largest = max(used, default=0)
    candidates = itertools.chain(range(largest + 1, LARGEST_ID + 1), range(1, largest))
    free = list(itertools.islice((i for i in candidates if i not in used), count))
    if len(free) < count:
        raise InputError(f"{count} lesions are new, but only {len(free)} ids from 1 to {LARGEST_ID} are free")
    return free


def _seen(found: Found, options: CourseOptions) -> LesionTimepoint:
    """Return what holds for a lesion wherever it is there."""
    sizes = [region.voxels for region in component_regions(found.mask.region)]
    pieces = sum(size >= options.piece_fraction * sum(sizes) for size in sizes)
    warnings = (_BORDER,) if found.measurements.touches_border else ()
    return LesionTimepoint(State.PRESENT, found.measurements, pieces=max(pieces, 1), warnings=warnings)


def _size(timepoint: LesionTimepoint) -> Size:
    if timepoint.measurements is None:
        raise ValueError("a lesion that was not found has no size")
    return Size(timepoint.measurements.volume_ml, timepoint.measurements.longest_diameter.length_mm)
