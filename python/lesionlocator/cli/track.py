"""``lesionlocator track``: lesions of a baseline in, the same lesions in every follow-up out."""

from __future__ import annotations

import sys
from datetime import date
from pathlib import Path

import click

from lesionlocator.cli.engine_options import EngineOptions, engine_options
from lesionlocator.cli.events import EventLog
from lesionlocator.cli.options import (
    PATH,
    check_deidentify,
    dicom_outputs,
    run_options,
    save_options,
    set_verbosity,
)
from lesionlocator.cli.reporter import Reporter
from lesionlocator.cli.track_checks import (
    check_choices,
    check_dates,
    check_labels,
    check_output,
    check_series,
)
from lesionlocator.cli.visualize import HELP, show_patient, visualizing

_SEVERAL = ("--followup", "-p", "--prompts", "--dates", "--followup-labels", "--series", "--points")


class _SeveralValues(click.Command):
    """A command some of whose options take all values up to the next option."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        return super().parse_args(ctx, _repeated(args))


def _repeated(args: list[str]) -> list[str]:
    """Return arguments in which such an option stands before each of its values."""
    spelled: list[str] = []
    option, values = None, 0
    for arg in args:
        if arg.startswith("-") and len(arg) > 1:
            name, equals, _ = arg.partition("=")
            option, values = (name if name in _SEVERAL else None), len(equals)
        elif option is not None:
            if values:
                spelled.append(option)
            values += 1
        spelled.append(arg)
    return spelled


def _days(_: click.Context, __: click.Parameter, values: tuple[str, ...]) -> tuple[date, ...]:
    days = []
    for value in values:
        try:
            days.append(date.fromisoformat(value))
        except ValueError:
            raise click.BadParameter(f"{value!r} is no date; legal: such as 2024-03-31") from None
    return tuple(days)


@click.command(cls=_SeveralValues)
@click.option("--baseline", type=PATH, help="The scan in which the lesions are known.")
@click.option(
    "--followup",
    "followups",
    type=PATH,
    multiple=True,
    metavar="PATH...",
    help="The scans after it, in order; DICOM is put in order by study date.",
)
@click.option(
    "--series",
    multiple=True,
    metavar="UID|NUMBER...",
    help="DICOM series: one for all scans, or one for each.  [default: the only usable CT series]",
)
@click.option(
    "-p",
    "--prompts",
    type=PATH,
    multiple=True,
    metavar="PATH...",
    help="Lesions of the baseline: a label map, a mask for each, or boxes and points (.json, .csv).",
)
@click.option(
    "--cohort",
    type=PATH,
    help="Many patients instead: a CSV with the columns patient, timepoint, date, image and prompts.",
)
@click.option(
    "-t",
    "--prompt-type",
    type=click.Choice(["prev_mask", "box", "point"]),
    default="prev_mask",
    show_default=True,
    help="What the prompts are; with box and point, the baseline is segmented first.",
)
@click.option("-o", "--output", type=PATH, required=True, help="Folder for the results.")
@engine_options
@click.option(
    "--dates",
    multiple=True,
    callback=_days,
    metavar="DATE...",
    help="Of baseline and follow-ups: YYYY-MM-DD.",
)
@click.option(
    "--followup-labels",
    type=PATH,
    multiple=True,
    metavar="PATH...",
    help="A label map of all lesions of each follow-up: those that no track explains are new.",
)
@click.option(
    "--chain",
    type=click.Choice(["previous", "baseline"]),
    default="previous",
    show_default=True,
    help="Track each follow-up from where a lesion was last found, or from the baseline.",
)
@click.option(
    "--registration",
    type=click.Choice(["learned", "classical"]),
    help="How scans are brought together.  [default: learned where the model has it]",
)
@click.option(
    "--save-transform",
    is_flag=True,
    help="Also write the map between each follow-up and the scan it is tracked from, as displacement field.",
)
@click.option(
    "--propose-only",
    is_flag=True,
    help="Only write where lesions are expected in each follow-up: proposed.json, to be edited.",
)
@click.option(
    "--points",
    type=PATH,
    multiple=True,
    metavar="FILE...",
    help="Segment at the points of such a file, or at boxes or points of a prompt file for each follow-up.",
)
@click.option(
    "--as-published",
    is_flag=True,
    help="Mark padding in masks of single lesions as the published system does.",
)
@save_options
@click.option("--visualize", is_flag=True, help=HELP)
@run_options
def track(
    *,
    baseline: Path | None,
    followups: tuple[Path, ...],
    series: tuple[str, ...],
    prompts: tuple[Path, ...],
    cohort: Path | None,
    prompt_type: str,
    output: Path,
    engine: EngineOptions,
    dates: tuple[date, ...],
    followup_labels: tuple[Path, ...],
    chain: str,
    registration: str | None,
    points: tuple[Path, ...],
    save_transform: bool,
    propose_only: bool,
    as_published: bool,
    save: frozenset[str],
    seg_type: str,
    deidentify: bool,
    visualize: bool,
    resume: bool,
    quiet: bool,
    verbose: bool,
    log_json: Path | None,
) -> None:
    """Find the lesions of a baseline in every follow-up, and say what became of them.

    Writes for each follow-up <followup>_lesion_<id>.nii.gz, <followup>_lesions.nii.gz and
    <followup>_lesions.json, and for the patient tracking.csv, tracking.json and run.json.
    """
    check_choices(propose_only, points, registration, save_transform=save_transform)
    if cohort is None:
        if baseline is None or not followups or not prompts:
            raise click.UsageError("--baseline, --followup and --prompts are needed, or --cohort")
        check_dates(dates, scans=1 + len(followups))
        check_labels(followup_labels, followups)
        check_series(series, scans=1 + len(followups))
        check_output(output, (baseline, *followups, *prompts, *followup_labels))
    else:
        if baseline or followups or prompts or dates or followup_labels or series or points:
            raise click.UsageError(
                "--cohort excludes --baseline, --followup, --prompts, --dates, --followup-labels, --series "
                "and --points"
            )
        if visualize:
            raise click.UsageError("--visualize opens the scans of one patient; it excludes --cohort")
        check_output(output, (cohort,))
    check_deidentify(deidentify, visualize=visualize, profile=engine.profile)
    set_verbosity(quiet=quiet, verbose=verbose)
    from lesionlocator.cli.case_run import Outputs
    from lesionlocator.cli.track_cohort import run_cohort
    from lesionlocator.cli.track_options import TrackOptions
    from lesionlocator.cli.track_patient import run_tracking

    options = TrackOptions(
        baseline=baseline or Path(),
        followups=followups,
        prompts=prompts,
        series=series,
        output=output,
        kind=prompt_type,
        dates=dates,
        followup_labels=followup_labels,
        engine=engine,
        registration=registration,
        points=points,
        propose_only=propose_only,
        from_previous=chain == "previous",
        as_published=as_published,
        save_transform=save_transform,
        outputs=Outputs.chosen(save, dicom_outputs(save, seg_type=seg_type, deidentify=deidentify)),
        resume=resume,
        command=tuple(sys.argv),
    )
    with (
        visualizing(visualize, lambda: show_patient(options)),
        EventLog(log_json, deidentify=deidentify) as log,
    ):
        if cohort is not None:
            run_cohort(options, cohort, lambda: Reporter(log))
        else:
            with Reporter(log) as reporter:
                run_tracking(options, reporter)
