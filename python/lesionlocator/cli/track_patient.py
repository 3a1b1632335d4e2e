"""From what the user asked for to a run of tracking: checks, the model, and the lesions of the baseline."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timezone
from pathlib import Path
from typing import Any

from lesionlocator.cli import console
from lesionlocator.cli.reporter import Reporter
from lesionlocator.cli.track_baseline import Origin, read_origin
from lesionlocator.cli.track_classical import Classical
from lesionlocator.cli.track_files import TrackFiles, checksum_of
from lesionlocator.cli.track_methods import Learned, Method
from lesionlocator.cli.track_points import Points, propose, read_points
from lesionlocator.cli.track_run import Baseline, Plan, TrackRun, environment
from lesionlocator.errors import InputError, ModelError
from lesionlocator.io import Scan, read_scan
from lesionlocator.io.files import case_name
from lesionlocator.longitudinal import load_tracker
from lesionlocator.model import segmentation_folder, tracking_folder
from lesionlocator.prompts.kinds import PromptKind
from lesionlocator.results.lesion import LesionResult, LesionStatus
from lesionlocator.results.provenance import CaseRecord
from lesionlocator.results.segmentation import Segmentation
from lesionlocator.segmentation import SegmentationModel, load_model
from lesionlocator.threads import set_threads


@dataclass(frozen=True)
class TrackOptions:
    """What the user asked for.

    Parameters
    ----------
    baseline, followups, prompts, output
        Files of scans and prompts, and the folder for the results.
    kind
        How the prompts point at lesions: ``prev_mask``, ``box`` or ``point``.
    dates
        Of baseline and follow-ups; empty where they are not known.
    followup_labels
        Label maps of the follow-ups; empty where there are none.
    model
        A checkpoint folder; None for the built-in model.
    folds
        Fold numbers; None for all.
    mirroring
        Whether to average over mirrorings.
    device
        As :func:`lesionlocator.load_tracker` takes it.
    threads
        Number of threads; None for the libraries' own choice.
    registration
        ``learned``, ``classical``, or None for learned where the model has it.
    points
        A tracking file with accepted points, which are segmented; None to find lesions by registration.
    propose_only
        Whether to write where lesions are expected, and nothing else.
    from_previous
        Whether each follow-up is tracked from where a lesion was last found, or from the baseline.
    as_published
        As for :meth:`lesionlocator.Tracker.track_pair`.
    canonical
        As for :meth:`lesionlocator.Tracker.track_pair`.
    records
        Whether to write more than the masks of the follow-ups.
    resume
        Whether to keep what an earlier run has done.
    command
        The command line.
    """

    baseline: Path
    followups: tuple[Path, ...]
    prompts: tuple[Path, ...]
    output: Path
    kind: str
    dates: tuple[date, ...]
    followup_labels: tuple[Path, ...]
    model: Path | None
    folds: tuple[int, ...] | None
    mirroring: bool
    device: str
    threads: int | None
    registration: str | None
    points: Path | None
    propose_only: bool
    from_previous: bool
    as_published: bool
    canonical: bool | None
    records: bool
    resume: bool
    command: tuple[str, ...]


def run_tracking(options: TrackOptions, reporter: Reporter) -> None:
    """Track the lesions of a patient.

    Raises
    ------
    LesionLocatorError
        Where nothing can be done, or the only follow-up failed.
    SomeCasesFailed
        Where some of several follow-ups failed; each was reported, and the others are done.
    """
    started = datetime.now(timezone.utc)
    names = _checked_names(options)
    _check_model(options)
    if options.threads is not None:
        set_threads(options.threads)
    reporter.stage("loading torch and the model")
    method = _method(options, names[1:])
    plan = Plan(
        options.followups,
        names,
        options.dates or (None,) * len(names),
        options.followup_labels or (None,) * len(options.followups),
        options.from_previous,
        options.output,
        options.resume,
        options.records,
    )
    reporter.stage(f"{names[0]}: reading")
    scan = read_scan(options.baseline)
    run = TrackRun(
        plan,
        method,
        settings=_settings(options, method) if options.records else {},
        environment=environment(method, options.command, _told(options)),
        reporter=reporter,
        started=started,
    )
    try:
        baseline = _baseline(options, scan, run, reporter)
        if options.propose_only:
            file = propose(baseline.origin, options.followups, method, options.output, reporter)
            console.say(f"proposed points: {file}")
        else:
            method.load()
            run.track(baseline)
    except BaseException as problem:
        run.close(console.code_of(problem))
        raise
    run.close(console.ExitCode.OK)


def _checked_names(options: TrackOptions) -> tuple[str, ...]:
    """Return what results are named after, baseline first.

    Raises
    ------
    InputError
        Where a file is missing or given twice, or two scans have one name.
    """
    scans = (options.baseline, *options.followups)
    for path in (*scans, *options.prompts, *options.followup_labels):
        if not path.is_file():
            raise InputError(f"{path}: no such file")
    for place, path in enumerate(options.followups, start=1):
        if path.samefile(options.baseline):
            raise InputError(f"{path}: is baseline and follow-up {place}; a follow-up is another scan")
    names = tuple(case_name(path) for path in scans)
    for name in names:
        if names.count(name) > 1:
            raise InputError(
                f"{name}: {names.count(name)} scans have this name, after which results are called; "
                "legal: a name of its own for each"
            )
    return names


def _check_model(options: TrackOptions) -> None:
    """Tell of a missing model or fold before torch is imported, which takes seconds."""
    if options.points is not None:
        segmentation_folder(options.model, PromptKind.POINT.value).chosen(options.folds)
    elif _is_learned(options) and options.model is not None:
        tracking_folder(options.model).chosen(options.folds)
    else:
        segmentation_folder(options.model, PromptKind.BOX.value).chosen(options.folds)
    if options.kind != "prev_mask":
        segmentation_folder(options.model, options.kind).chosen(options.folds)


def _is_learned(options: TrackOptions) -> bool:
    """Whether the tracking networks are used.

    Raises
    ------
    ModelError
        Where they are asked for and there is no model that has them.
    """
    if options.registration is not None:
        if options.registration == "learned" and options.model is None:
            raise ModelError(
                "the built-in model has no learned registration; give a checkpoint with -m, or use "
                "--registration classical"
            )
        return options.registration == "learned"
    if options.model is None:
        return False
    try:
        tracking_folder(options.model)
    except ModelError:
        segmentation_folder(options.model, PromptKind.BOX.value)  # which must be there then
        return False
    return True


def _method(options: TrackOptions, followups: Sequence[str]) -> Method:
    if options.points is not None:
        return Points(_segmenter(options), read_points(options.points, followups))
    if _is_learned(options) and options.model is not None:
        tracker = load_tracker(
            options.model, device=options.device, folds=options.folds, mirroring=options.mirroring
        )
        return Learned(tracker, as_published=options.as_published, canonical=options.canonical)
    return Classical(_segmenter(options))


def _segmenter(options: TrackOptions) -> SegmentationModel:
    return load_model(options.model, device=options.device, folds=options.folds, mirroring=options.mirroring)


def _baseline(options: TrackOptions, scan: Scan, run: TrackRun, reporter: Reporter) -> Baseline:
    """Return the lesions of the baseline: as given, or segmented where boxes or points are given."""
    points = [] if options.points is None else [options.points]
    checksum = checksum_of([options.baseline, *options.prompts, *points])
    if options.kind == "prev_mask":
        return Baseline(read_origin(options.prompts, scan), {}, checksum)
    if len(options.prompts) > 1:
        raise InputError(f"{len(options.prompts)} prompt files are given; legal with -t {options.kind}: one")
    lesions = _segmented(options, scan, run, reporter, checksum)
    masks = {i: lesion.found for i, lesion in lesions.items() if lesion.found is not None}
    if not masks:
        raise InputError(f"{options.prompts[0]}: no prompt led to a lesion in {scan.name}")
    refused = {
        i: LesionResult(
            i, LesionStatus.REFUSED, warnings=tuple(f"baseline: {text}" for text in lesion.warnings)
        )
        for i, lesion in lesions.items()
        if lesion.found is None
    }
    return Baseline(Origin(scan, masks), refused, checksum)


def _segmented(
    options: TrackOptions, scan: Scan, run: TrackRun, reporter: Reporter, checksum: str
) -> dict[int, LesionResult]:
    """Segment the baseline, or read again what an earlier run has segmented."""
    files = run.files(0)
    earlier = run.earlier(0, checksum)
    restored = None if earlier is None else files.restore(earlier, scan.geometry, is_followup=False)
    if earlier is not None and restored is not None:
        run.keep(0, earlier)
        return {i: one.lesion for i, one in restored.items()}
    model = _segmenter(options)
    work = model.prepare(scan, options.prompts[0], prompt_type=options.kind, canonical=options.canonical)
    for text, reason in work.refused_entries.items():
        reporter.warning(scan.name, f"entry {text!r} refused: {reason}")
    for note in work.notes:
        reporter.warning(scan.name, note)
    reporter.case_started(scan.name, len(work.lesion_ids))
    record = CaseRecord(prompts_sha256=checksum)
    lesions = {}
    for lesion in work.run(lambda done: reporter.network_call(scan.name, done)):
        lesions[lesion.lesion_id] = lesion
        record.add_seconds(lesion.seconds)
        reporter.lesion_done(scan.name, lesion)
    ordered = {i: lesions[i] for i in sorted(lesions)}
    if options.records:
        _write_baseline(files, work.result(ordered))
        record.lesions = {i: lesion.status.value for i, lesion in ordered.items()}
        record.state = "ok"
        run.keep(0, record)
    return ordered


def _write_baseline(files: TrackFiles, segmentation: Segmentation) -> None:
    for lesion in segmentation.lesions.values():
        files.cases.write_mask(lesion, segmentation.scan.geometry)
    files.cases.remove_masks_except(
        i for i, lesion in segmentation.lesions.items() if lesion.status is not LesionStatus.REFUSED
    )
    files.cases.write_case(segmentation, labelmap=True)


def _settings(options: TrackOptions, method: Method) -> dict[str, Any]:
    settings: dict[str, Any] = {
        "model": method.identity.as_dict(),
        "prompt_type": options.kind,
        "registration": method.name,
        "chain": "previous" if options.from_previous else "baseline",
        "as_published": options.as_published,
    }
    if options.kind != "prev_mask":
        settings["baseline_model"] = _segmenter(options).identity(PromptKind(options.kind)).as_dict()
    return settings


def _told(options: TrackOptions) -> dict[str, Any]:
    def texts(paths: Sequence[Path]) -> list[str]:
        return [str(path) for path in paths]

    return {
        "baseline": str(options.baseline),
        "followups": texts(options.followups),
        "prompts": texts(options.prompts),
        "output": str(options.output),
        "followup_labels": texts(options.followup_labels),
        "dates": [day.isoformat() for day in options.dates],
        "resume": options.resume,
    }
