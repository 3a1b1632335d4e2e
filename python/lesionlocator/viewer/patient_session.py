"""A baseline with its follow-ups: where lesions are expected, what a person made of that, and the masks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from lesionlocator.errors import InputError, PromptError
from lesionlocator.following.course import PatientCourse, follow
from lesionlocator.following.origin import Origin
from lesionlocator.following.points import Points
from lesionlocator.following.proposals import Proposal, propose
from lesionlocator.following.timepoints import check_same_patient
from lesionlocator.progress import Progress
from lesionlocator.prompts.kinds import PromptSet, check
from lesionlocator.prompts.longitudinal import Pair, followup_prompts
from lesionlocator.results.segmentation import Segmentation
from lesionlocator.viewer.link import Link

if TYPE_CHECKING:
    from lesionlocator.geometry import Point
    from lesionlocator.io import Scan
    from lesionlocator.results.lesion import LesionMask
    from lesionlocator.viewer.jobs import OnProgress
    from lesionlocator.viewer.models import Models
    from lesionlocator.viewer.scan_session import ScanSession


@dataclass(eq=False)
class FollowUp:
    """A later scan.

    Parameters
    ----------
    scan, series
        The scan, and the DICOM series that was asked for, if one was.
    proposal
        Where its lesions are expected; None before registration.
    link
        Where places of the baseline lie in it.
    verified
        Points that a person has moved, by lesion id; None for a lesion that is struck.
    masks
        The lesions that are known in it, by id.
    """

    scan: Scan
    series: str | None = None
    proposal: Proposal | None = None
    link: Link = field(default_factory=Link)
    verified: dict[int, Point | None] = field(default_factory=dict)
    masks: dict[int, LesionMask] = field(default_factory=dict)

    @property
    def points(self) -> dict[int, Point]:
        """Where lesions will be segmented, by id."""
        if self.proposal is None:
            return {}
        accepted = followup_prompts(self.proposal.followed(self.verified))
        return {one.lesion_id: one.point for one in accepted if one.point is not None}

    @property
    def struck(self) -> list[int]:
        """The lesions that will not be segmented, although they are expected."""
        return [i for i, point in self.verified.items() if point is None]

    def move(self, lesion_id: int, point: Point) -> None:
        """Move the point of a lesion, in voxels of the scan as stored; one that is struck comes back.

        Raises
        ------
        InputError
            Where there is no such lesion, or the point lies outside the scan.
        """
        self._check(lesion_id)
        problem = check(point, self.scan.geometry.shape)
        if problem is not None:
            raise PromptError(f"lesion {lesion_id}: {problem}")
        self.verified[lesion_id] = point

    def strike(self, lesion_id: int) -> None:
        """Do not segment a lesion here.

        Raises
        ------
        InputError
            Where there is no such lesion.
        """
        self._check(lesion_id)
        self.verified[lesion_id] = None

    def restore(self, lesion_id: int) -> None:
        """Take a lesion as registration proposed it.

        Raises
        ------
        InputError
            Where there is no such lesion.
        """
        self._check(lesion_id)
        self.verified.pop(lesion_id, None)

    def _check(self, lesion_id: int) -> None:
        known = {} if self.proposal is None else self.proposal.points
        if lesion_id not in known:
            raise InputError(f"{self.scan.name}: lesion {lesion_id} has no proposed position")


@dataclass(frozen=True, eq=False)
class FollowedPatient:
    """What segmenting the follow-ups gave, and from what.

    Parameters
    ----------
    course
        The lesions through all scans.
    baseline
        Those of the baseline.
    prompts
        The files that the baseline's lesions were read from; empty where a person has made or changed them.
    proposals, pairs
        What registration proposed in each follow-up, and what a person made of it.
    series
        The DICOM series that was asked for of baseline and follow-ups.
    """

    course: PatientCourse
    baseline: Segmentation
    prompts: tuple[Path, ...]
    proposals: tuple[Proposal, ...]
    pairs: tuple[Pair, ...]
    series: tuple[str | None, ...]


class PatientSession:
    """The work on one patient.

    Parameters
    ----------
    baseline
        The first scan.
    models
        What registers and segments.
    prompts
        The files that the baseline's lesions were read from, if they were.
    """

    def __init__(self, baseline: ScanSession, models: Models, *, prompts: Sequence[Path] = ()) -> None:
        self.baseline = baseline
        self.followups: list[FollowUp] = []
        self._models = models
        self._prompts = tuple(prompts)
        self._proposed_version: int | None = None

    def add(self, scan: Scan, *, series: str | None = None) -> FollowUp:
        """Add a follow-up; where all scans have study dates, it goes to its place in time.

        Raises
        ------
        InputError
            Where it has the name of another scan, is of another patient, or was made before the baseline.
        """
        first = self.baseline.scan
        others = [first, *(one.scan for one in self.followups)]
        if scan.name in {other.name for other in others}:
            raise InputError(f"{scan.name}: two scans have this name; legal: a name of its own for each")
        sources = [(other.path or Path(other.name), other.source) for other in (*others, scan)]
        check_same_patient([(path, () if source is None else source.patient) for path, source in sources])
        days = [None if source is None else source.study_date for _, source in sources]
        if days[0] is not None and days[-1] is not None and days[-1] < days[0]:
            raise InputError(f"{scan.name}: was made before the baseline {first.name}")
        added = FollowUp(scan, series)
        self.followups.append(added)
        if all(day is not None for day in days):
            self.followups.sort(key=lambda one: _day(one.scan))
        return added

    def propose(self, progress: OnProgress) -> list[tuple[FollowUp, Proposal, Link]]:
        """Register all follow-ups; nothing of the session changes, so that it may run in a thread.

        Parameters
        ----------
        progress
            Told after each registration.

        Raises
        ------
        LesionLocatorError
            Where no lesion is accepted, or a scan cannot be used.
        """
        origin, method = self._origin(), self._models.tracker.method(canonical=self._models.choice.canonical)
        found = []
        for number, followup in enumerate(self.followups, start=1):
            pair = method.pair(origin, followup.scan)
            proposal = propose(origin, followup.scan.name, pair)
            found.append((followup, proposal, Link(pair.transform())))
            progress(Progress(number, len(self.followups), 0))
        return found

    def proposed(self, found: Sequence[tuple[FollowUp, Proposal, Link]]) -> None:
        """Take over what :meth:`propose` gave; what was moved or struck before counts no more."""
        for followup, proposal, link in found:
            followup.proposal, followup.link, followup.verified = proposal, link, {}
        self._proposed_version = self.baseline.lesions.version

    def segment(self, progress: OnProgress) -> FollowedPatient:
        """Segment the follow-ups at their points; nothing of the session changes.

        Raises
        ------
        LesionLocatorError
            Where positions are not proposed yet, or for other lesions than are accepted now, or the model
            cannot be used.
        """
        proposals = [one.proposal for one in self.followups if one.proposal is not None]
        if not proposals or len(proposals) < len(self.followups):
            raise InputError("no positions are proposed yet in every follow-up: propose them first")
        if self._proposed_version != self.baseline.lesions.version:
            raise InputError("the baseline's lesions have changed since: propose positions again")
        origin, scans = self._origin(), [one.scan for one in self.followups]
        pairs = [
            proposal.followed(one.verified) for one, proposal in zip(self.followups, proposals, strict=True)
        ]
        points = {scan.name: followup_prompts(pair) for scan, pair in zip(scans, pairs, strict=True)}
        days = [None if scan.source is None else scan.source.study_date for scan in (origin.scan, *scans)]
        course = follow(
            self._points(points),
            origin,
            scans,
            dates=days,
            progress=progress,
        )
        is_as_read = self.baseline.lesions.version == 0
        return FollowedPatient(
            course,
            self.baseline.segmentation(),
            self._prompts if is_as_read else (),
            tuple(proposals),
            tuple(pairs),
            (self.baseline.series, *(one.series for one in self.followups)),
        )

    def _points(self, points: dict[str, PromptSet]) -> Points:
        choice = self._models.choice
        return Points(self._models.segmenter, points, canonical=choice.canonical, step_size=choice.step_size)

    def _origin(self) -> Origin:
        if not self.followups:
            raise InputError("there is no follow-up: open one first")
        return Origin(self.baseline.scan, self.baseline.segmentation().masks)


def _day(scan: Scan) -> str:
    day = None if scan.source is None else scan.source.study_date
    return "" if day is None else day.isoformat()
