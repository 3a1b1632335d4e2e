"""A run of the segmentation command: many cases through one model, resumed where one was left."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextlib import nullcontext
from dataclasses import replace
from datetime import datetime, timezone
from time import perf_counter

from lesionlocator.cli import console
from lesionlocator.cli.case_run import CaseRun
from lesionlocator.cli.profile import PROFILE_FILE, profiled, stage_times
from lesionlocator.cli.read_ahead import PreparedCase, ReadAhead
from lesionlocator.cli.reporter import CaseOutcome, Reporter
from lesionlocator.cli.resume import EarlierRun
from lesionlocator.cli.segment_options import SegmentOptions
from lesionlocator.errors import DeviceError, InputError, ModelError, OutputError
from lesionlocator.inference.memory import is_out_of_memory
from lesionlocator.io import Case, UnpairedCase, pair_cases
from lesionlocator.model import segmentation_folder
from lesionlocator.results.discretion import reason_of
from lesionlocator.results.documents import read_document, write_table
from lesionlocator.results.files import CaseFiles, make_folder
from lesionlocator.results.provenance import RUN_FILE, CaseRecord, RunRecord
from lesionlocator.segmentation import SegmentationModel, load_model
from lesionlocator.threads import set_threads


def run_segmentation(options: SegmentOptions, reporter: Reporter) -> None:
    """Segment all cases.

    Raises
    ------
    LesionLocatorError
        Where nothing can be done, or the only case failed.
    SomeCasesFailed
        Where some of several cases failed; each was reported, and the others are done.
    """
    started = datetime.now(timezone.utc)
    # A missing model or fold is told before torch is imported, which takes seconds.
    engine = options.engine
    network = segmentation_folder(engine.model, options.kind.value)
    folds, channels = network.chosen(engine.folds), network.plans.channels
    cases, unpaired = pair_cases(options.images, options.prompts, channels=channels)
    options.outputs.dicom.check(case.image for case in cases)
    if options.outputs.dicom.deidentify:
        cases, unpaired = _numbered(cases, unpaired)
    if engine.one_fold:
        engine = replace(engine, folds=(min(folds),))
    with ReadAhead(
        options.kind,
        engine.step_size,
        engine.canonical,
        series=options.series,
        channels=channels,
        outputs=options.outputs.dicom,
    ) as ahead:
        if cases and not options.resume:
            ahead.start(cases[0])
        reporter.stage("loading torch and the model")
        if engine.threads is not None:
            set_threads(engine.threads)
        model = load_model(engine.model, **engine.loading)
        run = SegmentRun(options, model, cases, reporter, started=started, total=len(cases) + len(unpaired))
        try:
            for missing in unpaired:
                run.fail(missing.name, InputError(missing.reason))
            with profiled(options.output / PROFILE_FILE) if engine.profile else nullcontext():
                run.segment(ahead)
        except BaseException as problem:
            run.close(console.code_of(problem))
            raise
        run.close(console.ExitCode.OK)


class SegmentRun:
    """The state of a run: its record, what became of each case, and what an earlier run left.

    Parameters
    ----------
    options
        What the user asked for.
    model
        The model.
    cases
        The cases that can be tried.
    reporter
        Who is told.
    started
        When the run began.
    total
        Number of cases, those without a pair included.

    Raises
    ------
    InputError
        Where a run of other settings is to be resumed.
    OutputError
        Where nothing can be written.
    """

    def __init__(
        self,
        options: SegmentOptions,
        model: SegmentationModel,
        cases: Sequence[Case],
        reporter: Reporter,
        *,
        started: datetime,
        total: int,
    ) -> None:
        self._options = options
        self._model = model
        self._cases = cases
        self._reporter = reporter
        self._total = total
        self._outcomes: dict[str, CaseOutcome] = {}
        self._problems: dict[str, Exception] = {}
        self._folder = make_folder(options.output)
        self._keeps_records = options.outputs.records
        settings = options.settings(model) if self._keeps_records else {}
        self._record = RunRecord(self._folder / RUN_FILE, settings, options.environment(model), started)
        self._record.seconds["load"] = (datetime.now(timezone.utc) - started).total_seconds()
        self._earlier: EarlierRun | None = None
        if options.resume and self._keeps_records:
            self._earlier = EarlierRun(self._folder, settings, cases)
            self._record.cases.update(self._earlier.records)
        self._save_record()

    def segment(self, ahead: ReadAhead) -> None:
        """Do all cases that an earlier run has not done."""
        pending = [case for case in self._cases if not self._skip(case)]
        if pending:
            started = perf_counter()
            ensemble = self._model.ensemble(self._options.kind)
            self._record.seconds["load"] += perf_counter() - started
            self._record.environment["device"]["dtype"] = ensemble.precision
        self._reporter.run_started(self._total, self._options.facts(self._model))
        for case, future in ahead.cases(pending, self._model):
            self._segment_case(case, future)
        if self._problems and self._total == 1:
            raise next(iter(self._problems.values()))
        if self._problems:
            raise console.SomeCasesFailed(len(self._problems), self._total)

    def fail(self, name: str, problem: Exception, seconds: float = 0.0) -> None:
        """Keep and tell why a case has no results."""
        self._problems[name] = problem
        record = self._record.cases.setdefault(name, CaseRecord())
        deidentify = self._options.outputs.dicom.deidentify
        record.state, record.reason = "failed", reason_of(problem, deidentify=deidentify)
        self._outcomes[name] = CaseOutcome(name, "failed", {}, 0.0, seconds)
        self._reporter.case_failed(name, problem, is_only_case=self._total == 1)
        self._save_record()

    def close(self, exit_code: int) -> None:
        """Write what belongs to the run as a whole, and show all cases.

        A failure to write is only told where the run has failed already: the first reason counts.
        """
        try:
            if self._keeps_records:
                self._write_table()
                self._record.write(exit_code=exit_code)
        except OutputError as problem:
            if exit_code == console.ExitCode.OK:
                raise
            console.error(str(problem))
        if self._options.engine.profile:
            console.table(stage_times(self._record.total_seconds(datetime.now(timezone.utc))))
        outcomes = [outcome for _, outcome in sorted(self._outcomes.items())]
        self._reporter.run_done(outcomes, str(self._folder), exit_code)

    def _segment_case(self, case: Case, future: Future[PreparedCase]) -> None:
        started = perf_counter()
        record = self._record.cases[case.name] = CaseRecord()
        self._reporter.stage(f"{case.name}: reading and preparing")
        try:
            prepared = future.result()
            record.prompts_sha256 = prepared.prompts_sha256
            record.add_seconds(prepared.seconds)
            segmentation = CaseRun(
                prepared.work,
                CaseFiles(self._folder, case.name),
                record,
                outputs=self._options.outputs,
                reporter=self._reporter,
                save_record=self._save_record,
            ).run(self._is_done(case))
        except ModelError:
            raise
        except Exception as problem:
            # Whatever it is, the results of the other cases must not be lost.
            self.fail(case.name, _out_of_memory(problem) or problem, perf_counter() - started)
            return
        record.state = "ok"
        self._save_record()
        voxels = sum(mask.voxels for mask in segmentation.masks.values())
        volume = voxels * segmentation.scan.geometry.voxel_volume_ml
        outcome = CaseOutcome(case.name, "ok", record.lesions, volume, perf_counter() - started)
        self._outcomes[case.name] = outcome
        self._reporter.case_done(outcome)

    def _skip(self, case: Case) -> bool:
        """Whether an earlier run has done a case; its record and its files stay."""
        document = None
        if self._earlier is not None:
            document = self._earlier.document(case.name, self._options.outputs)
        if document is None:
            return False
        measured = [lesion["measurements"] for lesion in document["lesions"].values()]
        volume = sum(measurements["volume_ml"] for measurements in measured if measurements)
        lesions = self._record.cases[case.name].lesions
        outcome = self._outcomes[case.name] = CaseOutcome(case.name, "done before", lesions, volume, 0.0)
        self._reporter.case_skipped(outcome)
        return True

    def _is_done(self, case: Case) -> Callable[[int], bool]:
        """Return what says whether the mask of a lesion that an earlier run wrote is to be kept."""
        if not self._options.resume:
            return lambda _: False
        earlier = self._earlier
        if earlier is None:  # without records, a mask that is there counts
            return lambda _: True
        return lambda lesion_id: earlier.has_lesion(case.name, lesion_id)

    def _save_record(self) -> None:
        if self._keeps_records:
            self._record.write()

    def _write_table(self) -> None:
        done = sorted(name for name, outcome in self._outcomes.items() if outcome.state != "failed")
        documents = (read_document(CaseFiles(self._folder, name).document) for name in done)
        write_table(self._folder / "measurements.csv", documents)


def _numbered(
    cases: Sequence[Case], unpaired: Sequence[UnpairedCase]
) -> tuple[list[Case], list[UnpairedCase]]:
    """Return cases that are called by their places in the order of names, and tell which is which."""
    names = sorted({case.name for case in cases} | {case.name for case in unpaired})
    numbers = {name: f"case_{place}" for place, name in enumerate(names, start=1)}
    for name in names:
        console.say(f"{numbers[name]}: {name}")
    return (
        [replace(case, name=numbers[case.name]) for case in cases],
        [replace(case, name=numbers[case.name]) for case in unpaired],
    )


def _out_of_memory(problem: Exception) -> DeviceError | None:
    """Return what to tell where a problem is that memory ran out, for all that was done about it."""
    if not is_out_of_memory(problem):
        return None
    return DeviceError(
        f"out of memory: {str(problem).splitlines()[0] if str(problem) else 'no more is there'}"
    )
