"""``lesionlocator track``: lesions of a baseline in, the same lesions in every follow-up out."""

from __future__ import annotations

import itertools
import sys
from datetime import date
from pathlib import Path

import click

from lesionlocator.cli.events import EventLog
from lesionlocator.cli.options import PATH, model_options, run_options, set_verbosity
from lesionlocator.cli.reporter import Reporter

_SEVERAL = ("--followup", "-p", "--prompts", "--dates", "--followup-labels", "--series")


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
@click.option("--baseline", type=PATH, required=True, help="The scan in which the lesions are known.")
@click.option(
    "--followup",
    "followups",
    type=PATH,
    required=True,
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
    required=True,
    multiple=True,
    metavar="PATH...",
    help="Lesions of the baseline: a label map, a mask for each, or boxes and points (.json, .csv).",
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
@model_options
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
    "--propose-only",
    is_flag=True,
    help="Only write where lesions are expected in each follow-up: proposed.json, to be edited.",
)
@click.option("--points", type=PATH, help="Segment at the points of such a file, without any registration.")
@click.option(
    "--as-published",
    is_flag=True,
    help="Mark padding in masks of single lesions as the published system does.",
)
@run_options
def track(
    *,
    baseline: Path,
    followups: tuple[Path, ...],
    series: tuple[str, ...],
    prompts: tuple[Path, ...],
    prompt_type: str,
    output: Path,
    model: Path | None,
    folds: tuple[int, ...] | None,
    disable_tta: bool,
    canonical: bool | None,
    dates: tuple[date, ...],
    followup_labels: tuple[Path, ...],
    chain: str,
    registration: str | None,
    points: Path | None,
    propose_only: bool,
    as_published: bool,
    device: str,
    threads: int | None,
    resume: bool,
    quiet: bool,
    verbose: bool,
    log_json: Path | None,
) -> None:
    """Find the lesions of a baseline in every follow-up, and say what became of them.

    Writes for each follow-up <followup>_lesion_<id>.nii.gz, <followup>_lesions.nii.gz and
    <followup>_lesions.json, and for the patient tracking.csv, tracking.json and run.json.
    """
    if propose_only and points is not None:
        raise click.UsageError("--propose-only and --points exclude each other")
    if points is not None and registration is not None:
        raise click.UsageError("--points and --registration exclude each other")
    _check_dates(dates, scans=1 + len(followups))
    if followup_labels and len(followup_labels) != len(followups):
        raise click.UsageError(
            f"--followup-labels has {len(followup_labels)} label maps for {len(followups)} follow-ups; "
            "legal: one for each, or none"
        )
    if len(series) not in (0, 1, 1 + len(followups)):
        raise click.UsageError(
            f"--series has {len(series)} values for {1 + len(followups)} scans; "
            "legal: one for all, or one for each"
        )
    for path in (baseline, *followups, *prompts, *followup_labels):
        if output.is_dir() and path.parent.is_dir() and path.parent.samefile(output):
            raise click.UsageError(f"-o is the folder of {path}: results could replace it")
    set_verbosity(quiet=quiet, verbose=verbose)
    from lesionlocator.cli.track_options import TrackOptions
    from lesionlocator.cli.track_patient import run_tracking

    options = TrackOptions(
        baseline=baseline,
        followups=followups,
        prompts=prompts,
        series=series,
        output=output,
        kind=prompt_type,
        dates=dates,
        followup_labels=followup_labels,
        model=model,
        folds=folds,
        mirroring=not disable_tta,
        device=device,
        threads=threads,
        registration=registration,
        points=points,
        propose_only=propose_only,
        from_previous=chain == "previous",
        as_published=as_published,
        canonical=canonical,
        records=True,
        resume=resume,
        command=tuple(sys.argv),
    )
    with EventLog(log_json) as log, Reporter(log) as reporter:
        run_tracking(options, reporter)


def _check_dates(dates: tuple[date, ...], *, scans: int) -> None:
    if dates and len(dates) != scans:
        raise click.UsageError(
            f"--dates has {len(dates)} dates for {scans} scans; legal: one for each, or none"
        )
    for earlier, later in itertools.pairwise(dates):
        if later < earlier:
            raise click.UsageError(
                f"--dates are out of order: {later} stands after {earlier}; legal: baseline first, "
                "then follow-ups in order"
            )
