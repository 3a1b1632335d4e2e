"""``lesionlocator synth``: synthetic patients, and synthetic follow-ups of any scan, as files."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from rich.progress import Progress as ProgressBar

from lesionlocator.cli import console

if TYPE_CHECKING:
    from collections.abc import Callable

_PATH = click.Path(path_type=Path)


@click.command()
@click.option("-o", "--output", type=_PATH, required=True, help="Folder for images, labels and manifest.")
@click.option("-n", "--count", type=click.IntRange(min=1), default=1, show_default=True, help="How many.")
@click.option("-i", "--image", type=_PATH, help="Make follow-ups of this scan, instead of patients.")
@click.option("-l", "--labels", type=_PATH, help="The lesions of --image: a label map, one label a lesion.")
@click.option(
    "--followups", type=click.IntRange(min=0), default=0, show_default=True, help="Of each patient."
)
@click.option(
    "--seed",
    type=click.IntRange(min=0),
    default=0,
    show_default=True,
    help="Of the first; the others follow.",
)
@click.option("--lesions", type=click.IntRange(0, 255), default=8, show_default=True, help="Of each patient.")
@click.option(
    "--diameters-mm",
    type=(float, float),
    default=(3.0, 100.0),
    show_default=True,
    help="Smallest and largest longest diameter.",
)
@click.option("--spacing", type=(float, float, float), help="mm, z y x.  [default: drawn for each patient]")
@click.option(
    "--coverage-mm",
    type=(float, float, float),
    default=(300.0, 280.0, 400.0),
    show_default=True,
    help="Field of view, z y x.",
)
@click.option("--threads", type=click.IntRange(min=1), help="Patients at a time.  [default: one a core]")
@click.option("--quiet", is_flag=True, help="Print errors only.")
def synth(
    *,
    output: Path,
    count: int,
    image: Path | None,
    labels: Path | None,
    followups: int,
    seed: int,
    lesions: int,
    diameters_mm: tuple[float, float],
    spacing: tuple[float, float, float] | None,
    coverage_mm: tuple[float, float, float],
    threads: int | None,
    quiet: bool,
) -> None:
    """Make synthetic patients, or synthetic follow-ups of a scan whose lesions are known.

    Writes the nnU-Net raw layout: imagesTr/<case>_0000.nii.gz, labelsTr/<case>.nii.gz (one label a lesion),
    dataset.json, and manifest.json, which tells of every lesion what it is and what became of it.
    The same options give the same files.
    """
    from lesionlocator.synthetic.cohort import PatientOptions, followup_jobs, patient_jobs, run_jobs

    if (image is None) != (labels is None):
        raise click.UsageError("--image and --labels belong together")
    if image is not None and followups:
        raise click.UsageError("--followups is for patients; of a scan, --count says how many")
    if quiet:
        console.set_verbosity(console.Verbosity.QUIET)
    seeds = range(seed, seed + count)
    if image is not None and labels is not None:
        jobs = followup_jobs(output, image, labels, seeds)
        command = (
            f"lesionlocator synth --image {image.name} --labels {labels.name} --count {count} --seed {seed}"
        )
    else:
        options = PatientOptions(coverage_mm, spacing, lesions, diameters_mm)
        jobs = patient_jobs(output, seeds, options, followups=followups)
        grid = f" --spacing {' '.join(map(str, spacing))}" if spacing else ""
        command = (
            f"lesionlocator synth --count {count} --seed {seed} --followups {followups} --lesions {lesions} "
            f"--diameters-mm {diameters_mm[0]} {diameters_mm[1]} "
            f"--coverage-mm {' '.join(map(str, coverage_mm))}{grid}"
        )
    with ProgressBar(console=console.stdout(), transient=True, disable=not console.is_interactive()) as bar:
        run_jobs(
            output,
            jobs,
            threads=threads or os.cpu_count() or 1,
            command=command,
            done=_teller(bar, len(jobs)),
        )
    console.say(f"Manifest: {output / 'manifest.json'}")


def _teller(bar: ProgressBar, total: int) -> Callable[[list[dict[str, Any]]], None]:
    task = bar.add_task("making", total=total)

    def tell(entries: list[dict[str, Any]]) -> None:
        bar.advance(task)
        for entry in entries:
            console.say(f"{entry['case']}: {len(entry['lesions'])} lesions")

    return tell
