"""What is known of a patient's lesions at each timepoint: what goes into a timeline, and what comes out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING

from lesionlocator.errors import InputError
from lesionlocator.results.changes import Change, ChangeLimits
from lesionlocator.results.relations import Found, RelationLimits

if TYPE_CHECKING:
    from datetime import date

    from lesionlocator.results.lesion import LesionMask
    from lesionlocator.results.measurements import Measurements


class State(str, Enum):
    """What became of a lesion at a timepoint.

    ``present``: seen for the first time, at the place of a baseline prompt. ``grown``, ``shrunk``,
    ``stable``: there, and of another size than before or not. ``disappeared``: looked for and not found.
    ``reappeared``: there after it was not. ``merged``: one with another lesion, whose id is given. ``split``:
    a part of an earlier lesion, whose id is given. ``new``: not known before this follow-up.
    ``not_assessed``: not looked for, such as where the scan does not show its place, or never found so far.
    """

    PRESENT = "present"
    GROWN = "grown"
    SHRUNK = "shrunk"
    STABLE = "stable"
    DISAPPEARED = "disappeared"
    REAPPEARED = "reappeared"
    MERGED = "merged"
    SPLIT = "split"
    NEW = "new"
    NOT_ASSESSED = "not_assessed"


@dataclass(frozen=True)
class CourseOptions:
    """The thresholds of a timeline.

    Parameters
    ----------
    change
        From when on a lesion has grown or shrunk.
    relation
        From when on lesions count as one.
    piece_fraction
        Share of a lesion's volume from which on a part that is not connected to the rest (by 26 neighbours)
        counts as a piece of its own. The default, a tenth, leaves out crumbs at the border.

    Raises
    ------
    InputError
        Where the share is not above 0 and up to 1.
    """

    change: ChangeLimits = field(default_factory=ChangeLimits)
    relation: RelationLimits = field(default_factory=RelationLimits)
    piece_fraction: float = 0.1

    def __post_init__(self) -> None:
        if not 0 < self.piece_fraction <= 1:
            raise InputError(f"piece fraction is {self.piece_fraction}; legal: above 0 and up to 1")


@dataclass(frozen=True)
class Tracked:
    """What tracking says of one lesion in one scan.

    Parameters
    ----------
    found
        Mask and measurements; None where nothing was found.
    assessed
        Whether it was looked for at all.
    expected
        Where registration took it, if it did.
    warnings
        What the reader should know, such as ``lost_in_warp``.
    """

    found: Found | None = None
    assessed: bool = True
    expected: LesionMask | None = None
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class Examination:
    """One scan of a patient.

    Parameters
    ----------
    name
        What its files are named after.
    lesions
        What tracking says of each lesion, by id. In the baseline these are the prompts.
    date
        When it was made, if known.
    labelled
        The lesions of a label map of the scan, by label; None where there is no label map.
    """

    name: str
    lesions: Mapping[int, Tracked]
    date: date | None = None
    labelled: Mapping[int, Found] | None = None


@dataclass(frozen=True)
class LesionTimepoint:
    """One lesion at one timepoint.

    Parameters
    ----------
    state
        What became of it.
    measurements
        Of its mask; None where it was not found.
    related
        The lesion that it merged into or split from.
    label
        Which lesion of the label map it is.
    since_baseline, since_nadir
        Changes from the first size known, and from the smallest before this timepoint; None where there is
        no earlier or no present size. Timepoints without the lesion, or at which it had merged, do not count.
    doubling_days
        Volume doubling time since the last earlier size; None where a date is missing too.
    pieces
        In how many separate parts it lies; 0 where it was not found.
    warnings
        What the reader should know.
    """

    state: State
    measurements: Measurements | None = None
    related: int | None = None
    label: int | None = None
    since_baseline: Change | None = None
    since_nadir: Change | None = None
    doubling_days: float | None = None
    pieces: int = 0
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class LesionCourse:
    """One lesion through all timepoints; None at those before it was first seen."""

    lesion_id: int
    timepoints: tuple[LesionTimepoint | None, ...]


@dataclass(frozen=True)
class Course:
    """All lesions of a patient through all timepoints, baseline first.

    Parameters
    ----------
    names, dates
        Of each examination.
    lesions
        By lesion id, ascending.
    options
        The thresholds that hold.
    """

    names: tuple[str, ...]
    dates: tuple[date | None, ...]
    lesions: Mapping[int, LesionCourse]
    options: CourseOptions

    def _repr_html_(self) -> str:
        """Return what a notebook shows."""
        from lesionlocator.results.display import course_html

        return course_html(self)
