"""``lesionlocator segment``: scans and prompts in, masks and measurements out."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from lesionlocator.cli.events import EventLog
from lesionlocator.cli.options import (
    DICOM_SAVES,
    PATH,
    chosen_of,
    dicom_options,
    dicom_outputs,
    engine_options,
    model_options,
    run_options,
    set_verbosity,
)
from lesionlocator.cli.reporter import Reporter

_SAVES = ("per-lesion", "labelmap", *DICOM_SAVES)
_DEFAULT_SAVES = "per-lesion,labelmap"


def _step_size(_: click.Context, __: click.Parameter, value: float) -> float:
    if not 0 < value <= 1:  # this way round, NaN is refused too
        raise click.BadParameter(f"{value} is not above 0 and up to 1")
    return value


@click.command()
@click.option(
    "-i",
    "--image",
    "images",
    type=PATH,
    required=True,
    help="Scan, or a folder of scans; DICOM as folder, zip or file.",
)
@click.option("--series", metavar="UID|NUMBER", help="DICOM series.  [default: the only usable CT series]")
@click.option(
    "-p",
    "--prompts",
    type=PATH,
    required=True,
    help="Prompts (.json, .csv or a label map), or a folder of them, paired by name.",
)
@click.option("-t", "--prompt-type", type=click.Choice(["box", "point"]), default="box", show_default=True)
@click.option("-o", "--output", type=PATH, required=True, help="Folder for the results.")
@model_options
@engine_options
@click.option(
    "--step-size",
    type=float,
    callback=_step_size,
    default=0.5,
    show_default=True,
    help="Distance of tiles as a fraction of the patch, for prompts larger than a patch.",
)
@click.option(
    "--save",
    callback=chosen_of(_SAVES),
    default=_DEFAULT_SAVES,
    show_default=True,
    help=f"What to write, with commas: {', '.join(_SAVES)}.",
)
@dicom_options
@run_options
def segment(
    *,
    images: Path,
    series: str | None,
    prompts: Path,
    prompt_type: str,
    output: Path,
    model: Path | None,
    folds: tuple[int, ...] | None,
    disable_tta: bool,
    step_size: float,
    canonical: bool | None,
    device: str,
    threads: int | None,
    precision: str,
    fast: bool,
    compiled: bool,
    profile: bool,
    save: frozenset[str],
    seg_type: str,
    deidentify: bool,
    resume: bool,
    quiet: bool,
    verbose: bool,
    log_json: Path | None,
) -> None:
    """Segment the lesions that prompts point at.

    Writes for each case <case>_lesion_<id>.nii.gz, <case>_lesions.nii.gz and <case>_lesions.json, and for the
    run measurements.csv and run.json.
    """
    for option, path in (("-i", images), ("-p", prompts)):
        if path.is_dir() and output.is_dir() and path.samefile(output):
            raise click.UsageError(f"-o is the folder of {option}: results would be taken for inputs")
    if fast and folds is not None and len(folds) > 1:
        raise click.UsageError("--fast uses one fold; legal: -f with one number, or none")
    set_verbosity(quiet=quiet, verbose=verbose)
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
        mirroring=not (disable_tta or fast),
        one_fold=fast,
        precision=precision,
        compiled=compiled,
        profile=profile,
        step_size=step_size,
        canonical=canonical,
        device=device,
        threads=threads,
        series=series,
        outputs=Outputs(
            "per-lesion" in save,
            "labelmap" in save,
            records=True,
            dicom=dicom_outputs(save, seg_type=seg_type, deidentify=deidentify),
        ),
        resume=resume,
        command=tuple(sys.argv),
    )
    with EventLog(log_json) as log, Reporter(log) as reporter:
        run_segmentation(options, reporter)
