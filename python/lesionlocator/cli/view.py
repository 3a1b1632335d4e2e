"""``lesionlocator view``: the window to point at lesions and verify follow-ups."""

from __future__ import annotations

from pathlib import Path

import click

from lesionlocator.cli import console
from lesionlocator.cli.engine_options import EngineOptions, engine_options
from lesionlocator.cli.options import DICOM_SAVES, PATH, SERIES, chosen_of, dicom_outputs
from lesionlocator.cli.visualize import chosen_models


@click.command()
@click.argument("scan", type=PATH, required=False)
@SERIES
@click.option(
    "-p", "--prompts", type=PATH, multiple=True, help="Its lesions: a label map, or a mask for each."
)
@click.option("--followup", "followups", type=PATH, multiple=True, help="A scan after it; may be repeated.")
@click.option("-o", "--output", type=PATH, help="Folder for the results.")
@click.option(
    "--save",
    callback=chosen_of(DICOM_SAVES),
    default="",
    help=f"What to save as DICOM too, with commas: {', '.join(DICOM_SAVES)}.",
)
@click.option(
    "--registration",
    type=click.Choice(["learned", "classical"]),
    help="How scans are brought together.  [default: learned where the model has it]",
)
@engine_options
def view(
    *,
    scan: Path | None,
    series: str | None,
    prompts: tuple[Path, ...],
    followups: tuple[Path, ...],
    output: Path | None,
    save: frozenset[str],
    registration: str | None,
    engine: EngineOptions,
) -> None:
    """Open SCAN in a window: click a point or draw a box, and the mask appears.

    With follow-ups: see where the lesions are expected there, move or strike them, then segment.
    """
    if scan is None and (prompts or followups or series):
        raise click.UsageError("--prompts, --followup and --series need SCAN")
    if engine.profile:
        raise click.UsageError("--profile is for segment and track")
    from lesionlocator.viewer.extra import check_extra

    check_extra()
    from lesionlocator.threads import set_threads
    from lesionlocator.viewer.launch import view as open_viewer
    from lesionlocator.viewer.models import Models
    from lesionlocator.viewer.opening import Shown

    if engine.threads is not None:
        set_threads(engine.threads)
    choice = chosen_models(engine, registration)
    dicom = dicom_outputs(save, seg_type="binary", deidentify=False)
    dicom.check([*(() if scan is None else (scan,)), *followups])
    scans = [] if scan is None else [Shown(scan, series, prompts)]
    console.say("close the window to end")
    shown = [Shown(path) for path in followups]
    open_viewer(scans, shown, models=Models(choice), output=output, dicom=dicom)
