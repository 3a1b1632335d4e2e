"""``lesionlocator segment``: scans and prompts in, masks and measurements out."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from lesionlocator.cli.engine_options import EngineOptions, engine_options
from lesionlocator.cli.events import EventLog
from lesionlocator.cli.options import (
    PATH,
    SERIES,
    check_deidentify,
    dicom_outputs,
    run_options,
    save_options,
    set_verbosity,
)
from lesionlocator.cli.reporter import Reporter
from lesionlocator.cli.visualize import HELP, show_cases, visualizing


@click.command()
@click.option(
    "-i",
    "--image",
    "images",
    type=PATH,
    required=True,
    help="Scan, or a folder of scans; DICOM as folder, zip or file.",
)
@SERIES
@click.option(
    "-p",
    "--prompts",
    type=PATH,
    required=True,
    help="Prompts (.json, .csv or a label map), or a folder of them, paired by name.",
)
@click.option(
    "-t", "--prompt-type", type=click.Choice(["box", "point", "prev_mask"]), default="box", show_default=True
)
@click.option("-o", "--output", type=PATH, required=True, help="Folder for the results.")
@engine_options
@save_options
@click.option("--visualize", is_flag=True, help=HELP)
@run_options
def segment(
    *,
    images: Path,
    series: str | None,
    prompts: Path,
    prompt_type: str,
    output: Path,
    engine: EngineOptions,
    save: frozenset[str],
    seg_type: str,
    deidentify: bool,
    visualize: bool,
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
    if visualize and not save & {"per-lesion", "labelmap"}:
        raise click.UsageError("--visualize shows masks; legal with --save per-lesion or labelmap")
    check_deidentify(deidentify, visualize=visualize, profile=engine.profile)
    set_verbosity(quiet=quiet, verbose=verbose)
    from lesionlocator.cli.case_run import Outputs
    from lesionlocator.cli.segment_options import SegmentOptions
    from lesionlocator.cli.segment_run import run_segmentation
    from lesionlocator.prompts.kinds import kind_named

    options = SegmentOptions(
        images=images,
        prompts=prompts,
        output=output,
        kind=kind_named(prompt_type),
        engine=engine,
        series=series,
        outputs=Outputs.chosen(save, dicom_outputs(save, seg_type=seg_type, deidentify=deidentify)),
        resume=resume,
        command=tuple(sys.argv),
    )
    with (
        visualizing(visualize, lambda: show_cases(options)),
        EventLog(log_json, deidentify=deidentify) as log,
        Reporter(log) as reporter,
    ):
        run_segmentation(options, reporter)
