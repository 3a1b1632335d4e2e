"""A run of the tracking command: one patient, follow-up after follow-up, resumed where a run was left."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from time import perf_counter
from typing import Any

import numpy as np

from lesionlocator.cli import console
from lesionlocator.cli.reporter import CaseOutcome, Reporter
from lesionlocator.cli.track_baseline import Origin
from lesionlocator.cli.track_files import TrackFiles, checksum_of, earlier_cases
from lesionlocator.cli.track_methods import Carried, Method
from lesionlocator.cli.track_plan import Baseline, Plan
from lesionlocator.cli.track_table import course_table
from lesionlocator.errors import InputError, ModelError, OutputError
from lesionlocator.io import LabelMap, Scan, read_labelmap, read_scan
from lesionlocator.results.course import Examination, Tracked
from lesionlocator.results.course_files import write_course
from lesionlocator.results.files import CaseFiles, make_folder
from lesionlocator.results.findings import found_in, labelled_in, tracked_in
from lesionlocator.results.lesion import LesionMask
from lesionlocator.results.provenance import RUN_FILE, CaseRecord, RunRecord
from lesionlocator.results.segmentation import Segmentation
from lesionlocator.results.timeline import build_course


class TrackRun:
    """The state of a run: its record, where each lesion was last seen, and the examinations so far.

    Parameters
    ----------
    plan
        What is to be done.
    method
        The way of tracking.
    settings
        What decides the results, beside the inputs.
    environment
        What else the record of the run tells.
    reporter
        Who is told.
    started
        When the run began.

    Raises
    ------
    InputError
        Where a run of other settings is to be resumed.
    OutputError
        Where nothing can be written.
    """

    def __init__(
        self,
        plan: Plan,
        method: Method,
        *,
        settings: dict[str, Any],
        environment: dict[str, Any],
        reporter: Reporter,
        started: datetime,
    ) -> None:
        self._plan = plan
        self._method = method
        self._reporter = reporter
        self._folder = make_folder(plan.output)
        self._record = RunRecord(self._folder / RUN_FILE, settings, environment, started)
        self._earlier = earlier_cases(self._folder, settings) if plan.resume and plan.records else {}
        self._outcomes: list[CaseOutcome] = []
        self._problems: list[Exception] = []
        self._examinations: list[Examination] = []
        self._scans: dict[int, Origin] = {}
        self._known: dict[int, int] = {}
        self._save_record()

    def files(self, place: int) -> TrackFiles:
        """Return the files of the baseline (0) or of a follow-up (from 1)."""
        return TrackFiles(CaseFiles(self._folder, self._plan.names[place]))

    def earlier(self, place: int, checksum: str) -> CaseRecord | None:
        """Return what an earlier run has noted of a scan, where it had the same inputs."""
        record = self._earlier.get(self._plan.names[place])
        return record if record is not None and record.prompts_sha256 == checksum else None

    def keep(self, place: int, record: CaseRecord) -> None:
        """Note what became of a scan in the record of the run."""
        self._record.cases[self._plan.names[place]] = record
        self._save_record()

    def track(self, baseline: Baseline) -> None:
        """Do all follow-ups that an earlier run has not done.

        Raises
        ------
        LesionLocatorError
            Where the model cannot be used, or the only follow-up failed.
        SomeCasesFailed
            Where some of several follow-ups failed; each was reported, and the others are done.
        """
        self._begin(baseline)
        checksum = baseline.checksum
        for place, path in enumerate(self._plan.followups, start=1):
            name, started = self._plan.names[place], perf_counter()
            try:
                self._reporter.stage(f"{name}: reading")
                scan = read_scan(path, series=self._plan.series[place - 1])
                through = checksum_of([path], before=checksum)
                self._follow(place, scan, baseline, through)
            except ModelError:
                raise
            except Exception as problem:
                # Whatever it is, the results of the other follow-ups must not be lost.
                self._fail(place, problem, perf_counter() - started)
                through = checksum_of([], before=f"{checksum} failed")
            checksum = through if self._plan.from_previous else baseline.checksum
            self._write_course()
        total = len(self._plan.followups)
        if self._problems and total == 1:
            raise self._problems[0]
        if self._problems:
            raise console.SomeCasesFailed(len(self._problems), total)

    def close(self, exit_code: int) -> None:
        """Write the record of the run, and show its lesions by timepoint."""
        try:
            if self._plan.records:
                self._record.write(exit_code=exit_code)
        except OutputError as problem:
            if exit_code == console.ExitCode.OK:
                raise
            console.error(str(problem))
        self._reporter.run_done(self._outcomes, str(self._folder), exit_code)
        if self._plan.records and len(self._examinations) > 1:
            console.table(course_table(build_course(self._examinations)))

    def _begin(self, baseline: Baseline) -> None:
        scan = baseline.origin.scan
        self._scans[0] = baseline.origin
        self._known = dict.fromkeys(baseline.origin.masks, 0)
        self._reporter.run_started(len(self._plan.followups), self._facts())
        for lesion_id, lesion in baseline.refused.items():
            self._reporter.warning(scan.name, f"lesion {lesion_id}: {'; '.join(lesion.warnings)}")
        if self._plan.records:
            lesions = {i: Tracked(found_in(mask, scan)) for i, mask in baseline.origin.masks.items()}
            refused = {
                i: Tracked(assessed=False, warnings=lesion.warnings) for i, lesion in baseline.refused.items()
            }
            self._examinations = [Examination(scan.name, {**lesions, **refused}, self._plan.dates[0])]

    def _follow(self, place: int, scan: Scan, baseline: Baseline, checksum: str) -> None:
        started, files, name = perf_counter(), self.files(place), self._plan.names[place]
        labels = self._labels(place, scan)
        record = self.earlier(place, checksum)
        carried = None if record is None else files.restore(record, scan.geometry, is_followup=True)
        if self._plan.resume and not self._plan.records:
            record, carried = CaseRecord(), files.restore_masks(self._known, scan.geometry)
        if record is not None and carried is not None:
            state = "done before"
            self.keep(place, record)
        else:
            state = "ok"
            record = CaseRecord(prompts_sha256=checksum)
            self.keep(place, record)
            carried = self._carry(place, scan, baseline, record)
        lesions = {i: one.lesion for i, one in carried.items()}
        self._note(place, scan, carried, labels)
        volume = sum(lesion.found.voxels for lesion in lesions.values() if lesion.found is not None)
        outcome = CaseOutcome(
            name,
            state,
            {i: lesion.status.value for i, lesion in lesions.items()},
            volume * scan.geometry.voxel_volume_ml,
            perf_counter() - started,
        )
        self._outcomes.append(outcome)
        if state == "ok":
            self._reporter.case_done(outcome)
        else:
            self._reporter.case_skipped(outcome)

    def _carry(self, place: int, scan: Scan, baseline: Baseline, record: CaseRecord) -> dict[int, Carried]:
        """Track all lesions into a follow-up and write what was found."""
        files, name = self.files(place), self._plan.names[place]
        carried = {i: Carried(lesion) for i, lesion in baseline.refused.items()}
        self._reporter.case_started(name, len(carried) + len(self._known))
        notes = [
            f"is voxel by voxel {origin.scan.name}: the same scan under another name?"
            for origin in self._scans.values()
            if np.array_equal(origin.scan.voxels, scan.voxels)
        ]
        for one, more in self._pairs(scan, name, record):
            notes += [note for note in more if note not in notes]
            if one is not None:
                carried[one.lesion.lesion_id] = one
        ordered = {i: carried[i] for i in sorted(carried)}
        lesions = {i: one.lesion for i, one in ordered.items()}
        if not any(one.in_view for one in carried.values()):
            notes.append("shows the place of no lesion")
        for note in notes:
            self._reporter.warning(name, note)
        for one in ordered.values():
            if self._plan.records:
                files.write_lesion(one, scan.geometry)
            else:
                files.cases.write_mask(one.lesion, scan.geometry)
        files.remove_others(ordered.values())
        if self._plan.records:
            identity = self._method.identity
            segmentation = Segmentation(scan, self._method.kind, lesions, {}, tuple(notes), identity)
            files.cases.write_case(segmentation, labelmap=True)
        record.lesions = {i: lesion.status.value for i, lesion in lesions.items()}
        record.state = "ok"
        self._save_record()
        return ordered

    def _pairs(
        self, scan: Scan, name: str, record: CaseRecord
    ) -> Iterator[tuple[Carried | None, Sequence[str]]]:
        """Track from each scan on which lesions were last known; yield lesions and notes."""
        for place in sorted(set(self._known.values())):
            ids = [i for i, known in self._known.items() if known == place]
            self._reporter.stage(f"{name}: registering {self._plan.names[place]}")
            pair = self._method.pair(self._scans[place], scan, ids)
            for one in pair.run(lambda done: self._reporter.network_call(name, done)):
                record.add_seconds(one.lesion.seconds)
                self._reporter.lesion_done(name, one.lesion)
                yield one, ()
            record.add_seconds(pair.seconds)
            yield None, pair.notes

    def _note(self, place: int, scan: Scan, carried: Mapping[int, Carried], labels: LabelMap | None) -> None:
        """Keep what the next follow-ups and the timeline need."""
        if self._plan.from_previous:
            masks = {i: one.last_known for i, one in carried.items() if one.last_known is not None}
            self._move(place, scan, masks)
        if self._plan.records:
            tracked = {
                i: tracked_in(one.lesion, scan, in_view=one.in_view, expected=one.expected)
                for i, one in carried.items()
            }
            labelled = None if labels is None else labelled_in(labels, scan)
            self._examinations.append(Examination(scan.name, tracked, self._plan.dates[place], labelled))

    def _labels(self, place: int, scan: Scan) -> LabelMap | None:
        """Read the label map of a follow-up before any network runs."""
        path = self._plan.labels[place - 1]
        if path is None:
            return None
        labels = read_labelmap(path)
        difference = labels.geometry.difference(scan.geometry)
        if difference is not None:
            raise InputError(f"{path}: is not on the grid of {scan.path or scan.name}: {difference}")
        return labels

    def _move(self, place: int, scan: Scan, masks: Mapping[int, LesionMask | None]) -> None:
        known = {i: mask for i, mask in masks.items() if mask is not None and i in self._known}
        self._scans[place] = Origin(scan, known)
        self._known |= dict.fromkeys(known, place)
        for old in self._scans.keys() - set(self._known.values()):
            del self._scans[old]

    def _fail(self, place: int, problem: Exception, seconds: float) -> None:
        name = self._plan.names[place]
        self._problems.append(problem)
        self.keep(place, CaseRecord("failed", str(problem) or repr(problem)))
        self._outcomes.append(CaseOutcome(name, "failed", {}, 0.0, seconds))
        if self._plan.records:
            self._examinations.append(Examination(name, {}, self._plan.dates[place]))
        self._reporter.case_failed(name, problem, is_only_case=len(self._plan.followups) == 1)

    def _write_course(self) -> None:
        if self._plan.records:
            write_course(build_course(self._examinations), self._folder)

    def _save_record(self) -> None:
        if self._plan.records:
            self._record.write()

    def _facts(self) -> dict[str, str]:
        identity, device = self._method.identity, self._method.device
        folds = ", ".join(map(str, identity.folds))
        mirroring = "mirrored" if identity.mirroring else "not mirrored"
        return {
            "model": f"{identity.name}, folds {folds}, {mirroring}",
            "registration": self._method.name,
            "device": f"{device.device} ({device.reason})",
        }
