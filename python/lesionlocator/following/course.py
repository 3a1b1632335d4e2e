"""The course of a patient's lesions, with the masks that were found on the way."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from lesionlocator.errors import InputError
from lesionlocator.following.course_record import write_record
from lesionlocator.following.examinations import examined, examined_baseline
from lesionlocator.following.methods import Carried
from lesionlocator.following.places import KnownPlaces
from lesionlocator.following.timepoints import check_scans, study_dates
from lesionlocator.io.masks import write_mask_region
from lesionlocator.results.course import Course, CourseOptions
from lesionlocator.results.course_files import write_course
from lesionlocator.results.files import CaseFiles, make_folder
from lesionlocator.results.lesion import LesionMask, LesionResult, LesionStatus
from lesionlocator.results.segmentation import Segmentation
from lesionlocator.results.timeline import build_course

if TYPE_CHECKING:
    from datetime import date

    from lesionlocator.following.methods import Method
    from lesionlocator.following.origin import Origin
    from lesionlocator.io import LabelMap, Scan
    from lesionlocator.progress import Progress


T = TypeVar("T")

_SHOWS_NOTHING = "shows the place of no lesion"


@dataclass(frozen=True)
class PatientCourse(Course):
    """All lesions of a patient through all timepoints, baseline first, with their masks.

    Parameters
    ----------
    names, dates, lesions, options
        As of a :class:`lesionlocator.results.course.Course`.
    origin
        The baseline and its lesions.
    baseline
        What segmenting the baseline gave; None where its lesions were given as masks.
    followups
        The lesions of each follow-up, under the baseline's ids.
    expected
        Where each lesion was looked for in each follow-up, by id; a lesion that was not has no entry.
    """

    origin: Origin
    baseline: Segmentation | None
    followups: tuple[Segmentation, ...]
    expected: tuple[Mapping[int, LesionMask], ...]

    def save(self, folder: str | Path, *, per_lesion: bool = True, labelmap: bool = True) -> list[Path]:
        """Write the masks of all scans, ``tracking.csv``, ``tracking.json``, and ``run.json`` for the report.

        Lesions of the baseline that were not read from one label map are written too, one mask a lesion.

        Parameters
        ----------
        folder, per_lesion, labelmap
            As for :meth:`lesionlocator.results.segmentation.Segmentation.save`. With masks of single lesions
            also come ``<followup>_expected_<id>.nii.gz``: where each lesion was looked for.

        Returns
        -------
        list of Path
            The files.

        Raises
        ------
        OutputError
            Where a file cannot be written.
        """
        root = make_folder(folder)
        files = self.write_results(root, per_lesion=per_lesion, labelmap=labelmap)
        if self.baseline is None and self.labels_file is None:
            files += self._write_baseline(root)
        return [*files, write_record(self, root)]

    def write_results(self, root: Path, *, per_lesion: bool = True, labelmap: bool = True) -> list[Path]:
        """Write what :meth:`save` does but masks of a baseline that was given and ``run.json``."""
        scans = self.followups if self.baseline is None else (self.baseline, *self.followups)
        files = [path for scan in scans for path in scan.save(root, per_lesion=per_lesion, labelmap=labelmap)]
        for followup, places in zip(self.followups, self.expected if per_lesion else (), strict=per_lesion):
            own = CaseFiles.of(followup.scan, root)
            files += [own.write_expected(i, place, followup.scan.geometry) for i, place in places.items()]
        return files + write_course(self, root)

    @property
    def labels_file(self) -> Path | None:
        """The label map that the lesions of the baseline were read from, if there is one."""
        return self.origin.path

    def _write_baseline(self, root: Path) -> list[Path]:
        own, geometry = CaseFiles.of(self.origin.scan, root), self.origin.scan.geometry
        for lesion_id, mask in self.origin.masks.items():
            write_mask_region(own.mask(lesion_id), mask.region, mask.box, geometry)
        return [own.mask(lesion_id) for lesion_id in self.origin.masks]


def follow(
    method: Method,
    origin: Origin,
    followups: Sequence[Scan],
    *,
    baseline: Segmentation | None = None,
    dates: Sequence[date | None] | None = None,
    labels: Sequence[LabelMap | None] | None = None,
    from_previous: bool = True,
    options: CourseOptions | None = None,
    progress: Callable[[Progress], None] | None = None,
) -> PatientCourse:
    """Find the lesions of a baseline in its follow-ups.

    Parameters
    ----------
    method
        The way of tracking.
    origin
        The baseline and its lesions.
    followups
        The other scans, in order.
    baseline
        What segmenting the baseline gave, if its lesions were found that way.
    dates, labels, from_previous, options, progress
        As for :meth:`lesionlocator.Tracker.track`.

    Raises
    ------
    InputError
        Where a scan, the dates or the label maps cannot be used.
    """
    scans = (origin.scan, *followups)
    check_scans(scans)
    days = study_dates(scans) if dates is None else _one_each(dates, len(scans), "dates")
    maps = _one_each(labels, len(followups), "label maps of follow-ups")
    names = [origin.scan.name, *(scan.name for scan in followups)]
    for name in names:
        if names.count(name) > 1:
            raise InputError(
                f"{names.count(name)} scans are called {name!r}; legal: a name of its own for each"
            )
    refused = refused_in({} if baseline is None else baseline.lesions)
    places = KnownPlaces(origin, from_previous=from_previous)
    examinations, results = [examined_baseline(origin, refused, days[0])], []
    expected: list[Mapping[int, LesionMask]] = []
    for scan, day, label in zip(followups, days[1:], maps, strict=True):
        carried = {i: Carried(lesion) for i, lesion in refused.items()}
        told: list[str] = []
        for _, pair, ids in places.pairs(method, scan, places.lesion_ids):
            carried |= {one.lesion.lesion_id: one for one in pair.run(progress or _silent, ids)}
            told += pair.notes
        results.append(followup_result(method, scan, carried, notes_of(scan, places, carried, told)))
        expected.append({i: one.expected for i, one in carried.items() if one.expected is not None})
        examinations.append(examined(scan, carried, day, label))
        places.move(scan, carried)
    course = build_course(examinations, options)
    return PatientCourse(
        course.names,
        course.dates,
        course.lesions,
        course.options,
        origin,
        baseline,
        tuple(results),
        tuple(expected),
    )


def notes_of(
    scan: Scan, places: KnownPlaces, carried: Mapping[int, Carried], told: Iterable[str]
) -> tuple[str, ...]:
    """Return what the user should know of a follow-up.

    Parameters
    ----------
    scan
        The follow-up.
    places
        From where its lesions were tracked.
    carried
        What became of them.
    told
        The notes of the pairs of scans.
    """
    notes = [*places.repeated(scan), *told]
    if not any(one.in_view for one in carried.values()):
        notes.append(_SHOWS_NOTHING)
    return tuple(dict.fromkeys(notes))


def followup_result(
    method: Method, scan: Scan, carried: Mapping[int, Carried], notes: tuple[str, ...]
) -> Segmentation:
    """Return the lesions of a follow-up, by ascending id."""
    lesions = {i: carried[i].lesion for i in sorted(carried)}
    return Segmentation(scan, method.kind, lesions, {}, notes, method.identity)


def refused_in(lesions: Mapping[int, LesionResult]) -> dict[int, LesionResult]:
    """Return the lesions of a segmented baseline that cannot be tracked, as it does not show them."""
    return {
        i: LesionResult(
            i, LesionStatus.REFUSED, warnings=tuple(f"baseline: {text}" for text in lesion.warnings)
        )
        for i, lesion in lesions.items()
        if lesion.found is None
    }


def _one_each(values: Sequence[T | None] | None, count: int, what: str) -> Sequence[T | None]:
    if values is None:
        return [None] * count
    if len(values) != count:
        raise InputError(f"{len(values)} {what} are given for {count} scans; legal: one for each, or none")
    return values


def _silent(_: Progress) -> None:
    """Tell nobody."""
