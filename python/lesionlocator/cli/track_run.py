"""A run of the tracking command: one patient, follow-up after follow-up, resumed where a run was left."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import datetime, timezone
from time import perf_counter
from typing import Any

from lesionlocator.cli import console
from lesionlocator.cli.profile import stage_times
from lesionlocator.cli.reporter import CaseOutcome, Reporter
from lesionlocator.cli.track_files import TrackFiles, checksum_of, earlier_cases
from lesionlocator.cli.track_followup import FollowUpRun
from lesionlocator.cli.track_plan import Baseline, Plan
from lesionlocator.cli.track_table import course_table
from lesionlocator.cli.track_unfinished import Unfinished
from lesionlocator.dicom.outputs import write_dicom
from lesionlocator.dicom.sources import series_root
from lesionlocator.errors import InputError, ModelError, OutputError
from lesionlocator.following.examinations import examined, examined_baseline
from lesionlocator.following.methods import Carried, Method
from lesionlocator.following.places import KnownPlaces
from lesionlocator.io import LabelMap, Scan, read_labelmap
from lesionlocator.results.course import Examination
from lesionlocator.results.course_files import write_course
from lesionlocator.results.discretion import reason_of
from lesionlocator.results.files import CaseFiles, make_folder
from lesionlocator.results.lesion import LesionMask
from lesionlocator.results.provenance import RUN_FILE, CaseRecord, RunRecord
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
        self._earlier = earlier_cases(self._folder, settings) if plan.resume and plan.outputs.records else {}
        self._outcomes: list[CaseOutcome] = []
        self._problems: dict[str, Exception] = {}
        self._examinations: list[Examination] = []
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
        places = self._begin(baseline)
        checksum = baseline.checksum
        for place, path in enumerate(self._plan.followups, start=1):
            name, started = self._plan.names[place], perf_counter()
            try:
                self._reporter.stage(f"{name}: reading")
                scan = self._plan.read(place)
                through = checksum_of([path], before=checksum)
                self._follow(place, scan, baseline, places, through)
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
            raise next(iter(self._problems.values()))
        if self._problems:
            raise console.SomeCasesFailed(len(self._problems), total, list(self._problems))

    def close(self, exit_code: int) -> None:
        """Write the record of the run, and show its lesions by timepoint."""
        try:
            if self._plan.outputs.records:
                self._record.write(exit_code=exit_code)
        except OutputError as problem:
            if exit_code == console.ExitCode.OK:
                raise
            console.error(str(problem))
        if self._plan.profile:
            console.table(stage_times(self._record.total_seconds(datetime.now(timezone.utc))))
        self._reporter.run_done(self._outcomes, str(self._folder), exit_code)
        if self._plan.outputs.records and len(self._examinations) > 1:
            console.table(course_table(build_course(self._examinations)))

    def _write_dicom(self, scan: Scan, masks: Mapping[int, LesionMask], baseline: Baseline) -> None:
        if not self._plan.outputs.dicom.kinds:
            return
        name = self._plan.outputs.dicom.told_model(self._method.identity).name
        root = series_root(baseline.origin.scan.source)
        write_dicom(scan, masks, self._folder, self._plan.outputs.dicom, algorithm=name, root=root)

    def _begin(self, baseline: Baseline) -> KnownPlaces:
        scan = baseline.origin.scan
        self._write_dicom(scan, baseline.origin.masks, baseline)
        self._reporter.run_started(len(self._plan.followups), self._facts())
        for lesion_id, lesion in baseline.refused.items():
            self._reporter.warning(scan.name, f"lesion {lesion_id}: {'; '.join(lesion.warnings)}")
        if self._plan.outputs.records:
            self._examinations = [examined_baseline(baseline.origin, baseline.refused, self._plan.dates[0])]
        return KnownPlaces(baseline.origin, from_previous=self._plan.from_previous)

    def _follow(self, place: int, scan: Scan, baseline: Baseline, places: KnownPlaces, inputs: str) -> None:
        started, files, name = perf_counter(), self.files(place), self._plan.names[place]
        labels = self._labels(place, scan)
        record = self.earlier(place, inputs)
        is_known = record is not None
        carried = None if record is None else self._restored(files, record, scan)
        if record is None or carried is None:
            record = CaseRecord(prompts_sha256=inputs)
        self.keep(place, record)
        run = self._followup(scan, files, record, inputs, is_known=is_known)
        if carried is None:
            carried = run.run(places, baseline.refused)
        elif run.lacks_transforms(places):
            run.save_transforms(places)
        if self._plan.outputs.records:
            day = self._plan.dates[place]
            self._examinations.append(examined(scan, carried, day, labels))
        places.move(scan, carried)
        lesions = {i: one.lesion for i, one in carried.items()}
        found = {i: lesion.found for i, lesion in lesions.items() if lesion.found is not None}
        self._write_dicom(scan, found, baseline)
        volume = sum(lesion.found.voxels for lesion in lesions.values() if lesion.found is not None)
        outcome = CaseOutcome(
            name,
            "done before" if record.is_earlier else "ok",
            {i: lesion.status.value for i, lesion in lesions.items()},
            volume * scan.geometry.voxel_volume_ml,
            perf_counter() - started,
        )
        self._outcomes.append(outcome)
        if record.is_earlier:
            self._reporter.case_skipped(outcome)
        else:
            self._reporter.case_done(outcome)

    def _restored(self, files: TrackFiles, record: CaseRecord, scan: Scan) -> dict[int, Carried] | None:
        """Read the lesions of a follow-up that an earlier run has finished."""
        wanted = self._plan.outputs.labelmap
        return files.restore(record, scan.geometry, is_followup=True, labelmap=wanted)

    def _followup(
        self, scan: Scan, files: TrackFiles, record: CaseRecord, inputs: str, *, is_known: bool
    ) -> FollowUpRun:
        """Return the work on a follow-up, from where an earlier run with the same inputs has left it."""
        path, settings = files.unfinished, json.dumps(self._record.settings, sort_keys=True)
        state = hashlib.sha256(f"{inputs} {settings}".encode()).hexdigest()
        return FollowUpRun(
            scan,
            files,
            record,
            plan=self._plan,
            method=self._method,
            unfinished=Unfinished.read(path, state) if is_known else Unfinished(path, state),
            reporter=self._reporter,
            save_record=self._save_record,
        )

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

    def _fail(self, place: int, problem: Exception, seconds: float) -> None:
        name = self._plan.names[place]
        self._problems[name] = problem
        # What is known of lesions that are done stays, so that a later run goes on from there.
        record = self._record.cases.get(name, CaseRecord())
        reason = reason_of(problem, deidentify=self._plan.outputs.dicom.deidentify)
        record.state, record.reason, record.is_earlier = "failed", reason, False
        self.keep(place, record)
        self._outcomes.append(CaseOutcome(name, "failed", {}, 0.0, seconds))
        if self._plan.outputs.records:
            self._examinations.append(Examination(name, {}, self._plan.dates[place]))
        self._reporter.case_failed(name, problem, is_only_case=len(self._plan.followups) == 1)

    def _write_course(self) -> None:
        if self._plan.outputs.records:
            write_course(build_course(self._examinations), self._folder)

    def _save_record(self) -> None:
        if self._plan.outputs.records:
            self._record.write()

    def _facts(self) -> dict[str, str]:
        identity, device = self._plan.outputs.dicom.told_model(self._method.identity), self._method.device
        folds = ", ".join(map(str, identity.folds))
        mirroring = "mirrored" if identity.mirroring else "not mirrored"
        return {
            "model": f"{identity.name}, folds {folds}, {mirroring}",
            "registration": self._method.name,
            "device": f"{device.device} ({device.reason})",
        }
