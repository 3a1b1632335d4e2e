"""One follow-up of a patient: its lesions tracked one by one, each written when it is done."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import TYPE_CHECKING

from lesionlocator.cli.case_run import contested
from lesionlocator.following.course import followup_result, notes_of
from lesionlocator.following.methods import Carried

if TYPE_CHECKING:
    from lesionlocator.cli.reporter import Reporter
    from lesionlocator.cli.track_files import TrackFiles
    from lesionlocator.cli.track_plan import Plan
    from lesionlocator.cli.track_unfinished import Unfinished
    from lesionlocator.following.methods import Method, PairRun
    from lesionlocator.following.places import KnownPlaces
    from lesionlocator.io import Scan
    from lesionlocator.results.lesion import LesionResult
    from lesionlocator.results.provenance import CaseRecord


class FollowUpRun:
    """The work on one follow-up.

    Parameters
    ----------
    scan, files, record
        The follow-up, where its results go, and what is kept of it in the record of the run.
    plan, method
        What is to be done, and the way of tracking.
    unfinished
        What is done of it already.
    reporter
        Who is told.
    save_record
        Called after every lesion that is written.
    """

    def __init__(
        self,
        scan: Scan,
        files: TrackFiles,
        record: CaseRecord,
        *,
        plan: Plan,
        method: Method,
        unfinished: Unfinished,
        reporter: Reporter,
        save_record: Callable[[], None],
    ) -> None:
        self._scan = scan
        self._files = files
        self._record = record
        self._plan = plan
        self._method = method
        self._unfinished = unfinished
        self._reporter = reporter
        self._save_record = save_record
        self._carried: dict[int, Carried] = {}

    def run(self, places: KnownPlaces, refused: Mapping[int, LesionResult]) -> dict[int, Carried]:
        """Track what is missing and write everything.

        Parameters
        ----------
        places
            Where the lesions were last known.
        refused
            Lesions that cannot be tracked.

        Raises
        ------
        LesionLocatorError
            Where the follow-up cannot be used, or a result cannot be written.
        """
        name = self._files.cases.case
        self._reporter.case_started(name, len(refused) + len(places.lesion_ids))
        self._carried = {i: Carried(lesion) for i, lesion in refused.items()}
        restored = self._restored(places.lesion_ids)
        for one in restored.values():
            self._keep(one)
        self._track(places, [i for i in places.lesion_ids if i not in self._carried])
        if self._plan.outputs.records:
            # What wins a contested voxel is decided by the logits, which no file holds.
            before = {i: one.lesion for i, one in restored.items()}
            self._track(places, contested(before, {i: one.lesion for i, one in self._carried.items()}))
        self._finish(self._notes(places))
        return self._carried

    def save_transforms(self, places: KnownPlaces) -> None:
        """Write the maps to earlier scans that are missing, where they are wanted."""
        for earlier, pair, _ in places.pairs(self._method, self._scan, places.lesion_ids):
            self._save_transform(pair, earlier.name)

    def lacks_transforms(self, places: KnownPlaces) -> bool:
        """Whether a map to an earlier scan is wanted and not there."""
        return self._plan.save_transform and not all(
            self._files.transform(name).is_file() for name in places.scan_names
        )

    def _restored(self, lesion_ids: Collection[int]) -> dict[int, Carried]:
        if not self._plan.resume:
            return {}
        grid = self._scan.geometry
        if self._plan.outputs.records:
            done = self._files.restore_lesions(self._unfinished, grid)
        else:
            done = self._files.restore_masks(lesion_ids, grid)
        return {i: one for i, one in done.items() if i in lesion_ids}

    def _track(self, places: KnownPlaces, lesion_ids: Collection[int]) -> None:
        """Track lesions from each scan on which they were last known, and write them."""
        name = self._files.cases.case
        for earlier, pair, ids in places.pairs(self._method, self._scan, lesion_ids):
            self._reporter.stage(f"{name}: registering {earlier.name}")
            self._save_transform(pair, earlier.name)
            for one in pair.run(lambda done: self._reporter.network_call(name, done), ids):
                self._record.add_seconds(one.lesion.seconds)
                self._write(one, earlier.name, pair.notes)
                self._keep(one)
            self._record.add_seconds(pair.seconds)
            known = self._unfinished.notes.setdefault(earlier.name, [])
            known += [note for note in pair.notes if note not in known]

    def _write(self, one: Carried, earlier: str, notes: Sequence[str]) -> None:
        """Write a lesion that is done, and what a later run must know to go on."""
        if not self._plan.outputs.per_lesion:
            return
        if self._plan.outputs.records:
            self._files.write_lesion(one, self._scan.geometry)
            self._unfinished.add(one.lesion, earlier, notes)
        else:
            self._files.cases.write_mask(one.lesion, self._scan.geometry)

    def _save_transform(self, pair: PairRun, earlier: str) -> None:
        path = self._files.transform(earlier)
        if not self._plan.save_transform or (self._plan.resume and path.is_file()):
            return
        field = pair.transform()
        if field is not None:
            field.write(path)

    def _keep(self, one: Carried) -> None:
        self._carried[one.lesion.lesion_id] = one
        self._record.lesions[one.lesion.lesion_id] = one.lesion.status.value
        self._save_record()
        self._reporter.lesion_done(self._files.cases.case, one.lesion)

    def _notes(self, places: KnownPlaces) -> tuple[str, ...]:
        told = [note for notes in self._unfinished.notes.values() for note in notes]
        notes = notes_of(self._scan, places, self._carried, told)
        for note in notes:
            self._reporter.warning(self._files.cases.case, note)
        return notes

    def _finish(self, notes: tuple[str, ...]) -> None:
        """Write what belongs to the follow-up as a whole, and remove what an earlier run has left."""
        self._carried = {i: self._carried[i] for i in sorted(self._carried)}
        self._files.remove_others(self._carried.values() if self._plan.outputs.per_lesion else ())
        if not self._plan.save_transform and not self._plan.resume:
            self._files.remove_transforms(self._plan.names)
        if self._plan.outputs.records:
            result = followup_result(self._method, self._scan, self._carried, notes)
            result = self._plan.outputs.dicom.told_results(result)
            self._files.cases.write_case(result, labelmap=self._plan.outputs.labelmap)
        self._record.lesions = {i: one.lesion.status.value for i, one in self._carried.items()}
        self._record.state = "ok"
        self._save_record()
        self._unfinished.remove()
