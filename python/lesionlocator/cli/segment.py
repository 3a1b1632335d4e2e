"""``lesionlocator segment``: scans and prompts in, masks and measurements out."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from lesionlocator.cli import console
from lesionlocator.cli.events import EventLog
from lesionlocator.cli.reporter import Reporter

_PATH = click.Path(path_type=Path)
_SAVES = ("per-lesion", "labelmap")
_CANONICAL = {"auto": None, "stored": False, "canonical": True}


def _fold_numbers(_: click.Context, __: click.Parameter, values: tuple[str, ...]) -> tuple[int, ...] | None:
    parts = [part.strip() for value in values for part in value.split(",")]
    wrong = [part for part in parts if not part.isdecimal()]
    if wrong:
        raise click.BadParameter(f"{wrong[0]!r} is no fold number; legal: -f 0 -f 1, or -f 0,1")
    return tuple(dict.fromkeys(int(part) for part in parts)) or None


def _saves(_: click.Context, __: click.Parameter, value: str) -> frozenset[str]:
    chosen = frozenset(part.strip() for part in value.split(","))
    if not chosen <= set(_SAVES):
        raise click.BadParameter(f"{value!r} is unknown; legal: {', '.join(_SAVES)}, or both with a comma")
    return chosen


def _step_size(_: click.Context, __: click.Parameter, value: float) -> float:
    if not 0 < value <= 1:  # this way round, NaN is refused too
        raise click.BadParameter(f"{value} is not above 0 and up to 1")
    return value


@click.command()
@click.option("-i", "--image", "images", type=_PATH, required=True, help="Scan, or a folder of scans.")
@click.option(
    "-p",
    "--prompts",
    type=_PATH,
    required=True,
    help="Prompts (.json, .csv or a label map), or a folder of them, paired by name.",
)
@click.option("-t", "--prompt-type", type=click.Choice(["box", "point"]), default="box", show_default=True)
@click.option("-o", "--output", type=_PATH, required=True, help="Folder for the results.")
@click.option("-m", "--model", type=_PATH, help="Checkpoint folder.  [default: the built-in model]")
@click.option(
    "-f",
    "--folds",
    multiple=True,
    callback=_fold_numbers,
    help="-f 0 -f 1 or -f 0,1.  [default: all there are]",
)
@click.option("--disable-tta", is_flag=True, help="Do not average over mirrorings: up to 8 times faster.")
@click.option(
    "--step-size",
    type=float,
    callback=_step_size,
    default=0.5,
    show_default=True,
    help="Distance of tiles as a fraction of the patch, for prompts larger than a patch.",
)
@click.option(
    "--orientation",
    type=click.Choice(list(_CANONICAL)),
    default="auto",
    show_default=True,
    help="Axis order that the network sees; auto: what the model was trained for.",
)
@click.option("--device", default="auto", show_default=True, metavar="auto|cuda[:N]|mps|cpu")
@click.option("--threads", type=click.IntRange(min=1), help="Threads on the CPU.  [default: one a core]")
@click.option(
    "--save", callback=_saves, default=",".join(_SAVES), show_default=True, help="Which masks to write."
)
@click.option(
    "--resume/--overwrite",
    default=False,
    help="Do what an earlier run left, or start again.  [default: --overwrite]",
)
@click.option("--quiet", is_flag=True, help="Print errors only.")
@click.option("--verbose", is_flag=True, help="Print stages and decisions, and tracebacks of errors.")
@click.option("--log-json", type=_PATH, help="Also write events to this file, one JSON object a line.")
def segment(
    *,
    images: Path,
    prompts: Path,
    prompt_type: str,
    output: Path,
    model: Path | None,
    folds: tuple[int, ...] | None,
    disable_tta: bool,
    step_size: float,
    orientation: str,
    device: str,
    threads: int | None,
    save: frozenset[str],
    resume: bool,
    quiet: bool,
    verbose: bool,
    log_json: Path | None,
) -> None:
    """Segment the lesions that prompts point at.

    Writes for each case <case>_lesion_<id>.nii.gz, <case>_lesions.nii.gz and <case>_lesions.json, and for the
    run measurements.csv and run.json.
    """
    if quiet and verbose:
        raise click.UsageError("--quiet and --verbose exclude each other")
    for option, path in (("-i", images), ("-p", prompts)):
        if path.is_dir() and output.is_dir() and path.samefile(output):
            raise click.UsageError(f"-o is the folder of {option}: results would be taken for inputs")
    console.set_verbosity(
        console.Verbosity.QUIET if quiet else console.Verbosity(console.Verbosity.NORMAL + verbose)
    )
    from lesionlocator.cli.case_run import Outputs
    from lesionlocator.cli.segment_run import SegmentOptions, run_segmentation
    from lesionlocator.prompts.kinds import PromptKind

    options = SegmentOptions(
        images=images,
        prompts=prompts,
        output=output,
        kind=PromptKind(prompt_type),
        model=model,
        folds=folds,
        mirroring=not disable_tta,
        step_size=step_size,
        canonical=_CANONICAL[orientation],
        device=device,
        threads=threads,
        outputs=Outputs("per-lesion" in save, "labelmap" in save, records=True),
        resume=resume,
        command=tuple(sys.argv),
    )
    with EventLog(log_json) as log, Reporter(log) as reporter:
        run_segmentation(options, reporter)
