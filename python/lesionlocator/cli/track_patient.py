"""From what the user asked for to a run of tracking: checks, the model, and the lesions of the baseline."""

from __future__ import annotations

from contextlib import nullcontext
from datetime import datetime, timezone
from typing import TYPE_CHECKING

from lesionlocator.cli import console
from lesionlocator.cli.profile import PROFILE_FILE, profiled
from lesionlocator.cli.track_dicom import in_time
from lesionlocator.cli.track_models import TrackModels
from lesionlocator.cli.track_plan import Plan
from lesionlocator.cli.track_prompted import read_baseline
from lesionlocator.cli.track_propose import propose_all
from lesionlocator.cli.track_record import environment, settings_of
from lesionlocator.cli.track_run import TrackRun
from lesionlocator.errors import InputError
from lesionlocator.io import read_scan
from lesionlocator.threads import set_threads

if TYPE_CHECKING:
    from lesionlocator.cli.reporter import Reporter
    from lesionlocator.cli.track_options import TrackOptions


def run_tracking(options: TrackOptions, reporter: Reporter, models: TrackModels | None = None) -> None:
    """Track the lesions of a patient.

    Parameters
    ----------
    options
        What the user asked for.
    reporter
        Who is told.
    models
        The models that these options choose, where they are loaded already.

    Raises
    ------
    LesionLocatorError
        Where nothing can be done, or the only follow-up failed.
    SomeCasesFailed
        Where some of several follow-ups failed; each was reported, and the others are done.
    """
    started = datetime.now(timezone.utc)
    options = in_time(options, reporter)
    names = _checked_names(options)
    if options.outputs.dicom.deidentify:
        for name, path in zip(names, options.scans, strict=True):
            console.say(f"{name}: {path}")
    options.outputs.dicom.check(options.scans)
    models = models or TrackModels(options)
    if options.engine.threads is not None:
        set_threads(options.engine.threads)
    reporter.stage("loading torch and the model")
    method = models.method(names[1:])
    plan = Plan(
        options.followups,
        options.series_of_scans[1:],
        models.channels,
        names,
        options.dates or (None,) * len(names),
        options.followup_labels or (None,) * len(options.followups),
        options.from_previous,
        options.output,
        options.resume,
        options.save_transform,
        options.outputs,
        options.engine.profile,
    )
    reporter.stage(f"{names[0]}: reading")
    scan = options.outputs.dicom.told(
        read_scan(options.baseline, series=options.series_of_scans[0], channels=models.channels), names[0]
    )
    run = TrackRun(
        plan,
        method,
        settings=settings_of(options, method, models) if options.outputs.records else {},
        environment=environment(options, method),
        reporter=reporter,
        started=started,
    )
    try:
        baseline = read_baseline(options, scan, run, models, reporter)
        if options.propose_only:
            file = propose_all(baseline.origin, plan, method, options.output, reporter)
            console.say(f"proposed points: {file}")
        else:
            method.load()
            with profiled(options.output / PROFILE_FILE) if options.engine.profile else nullcontext():
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
    for path in (*options.scans, *options.prompts, *options.followup_labels):
        if not (path.is_file() or (path.is_dir() and path in options.scans)):
            raise InputError(f"{path}: no such file")
    series = options.series_of_scans
    for place, path in enumerate(options.followups, start=1):
        if path.samefile(options.baseline) and series[place] == series[0]:
            raise InputError(f"{path}: is baseline and follow-up {place}; a follow-up is another scan")
    names = options.names
    for name in names:
        if names.count(name) > 1:
            raise InputError(
                f"{name}: {names.count(name)} scans have this name, after which results are called; "
                "legal: a name of its own for each, or a --series of its own"
            )
    return names
