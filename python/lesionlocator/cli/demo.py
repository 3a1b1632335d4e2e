"""``lesionlocator demo``: segment and track the lesions of a synthetic patient and compare with the truth."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click
import numpy as np
from rich.progress import Progress as ProgressBar
from rich.table import Table

from lesionlocator.cli import console
from lesionlocator.cli.demo_course import demo_course
from lesionlocator.cli.report import has_extra, write_reports
from lesionlocator.errors import OutputError

if TYPE_CHECKING:
    from lesionlocator.progress import Progress
    from lesionlocator.prompts.kinds import PromptSet
    from lesionlocator.results.segmentation import Segmentation
    from lesionlocator.synthetic import SyntheticScan

_SHAPE = (260, 196, 280)
_SPACING_MM = (3.0, 1.8, 1.5)
_MIDDLE_MM = -40.0
_DIAMETERS_MM = (8.0, 45.0)
_LESIONS = 8
_CASE = "whole_body"


@click.command()
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    required=True,
    help="Folder for scan, prompts and masks.",
)
@click.option("--seed", default=7, show_default=True, help="Another number, another patient.")
@click.option(
    "--prompt-type",
    type=click.Choice(["box", "point"]),
    default="box",
    show_default=True,
    help="What points at the lesions.",
)
@click.option("--device", default="auto", show_default=True, help="auto, cuda, cuda:N, mps or cpu.")
def demo(*, output: Path, seed: int, prompt_type: str, device: str) -> None:
    """Segment the lesions of a synthetic whole-body CT with the built-in model, and compare with the truth.

    The prompts are roughly drawn boxes, or clicks beside the centre, as people make them. Then the patient
    comes back twice, and the lesions are tracked. It ends with a report, where its extra is installed.
    """
    import lesionlocator as ll
    from lesionlocator.synthetic import make_patient

    _make_folder(output)
    console.say(f"Making patient {seed}: {' x '.join(map(str, _SHAPE))} voxels")
    patient = make_patient(
        seed, _SHAPE, _SPACING_MM, lesions=_LESIONS, middle_mm=_MIDDLE_MM, diameters_mm=_DIAMETERS_MM
    )
    scan_file, prompt_file = _write(patient, _rough_prompts(patient, seed), output)
    model = ll.load_model(None, device=device)
    console.say(f"Segmenting {len(patient.lesions)} lesions on {model.device.device}: {model.device.reason}")
    with ProgressBar(console=console.stdout(), transient=True) as bar:
        task = bar.add_task("segmenting", total=None)

        def show(progress: Progress) -> None:
            bar.update(task, completed=progress.done, total=progress.total)

        result = model.segment(ll.read_scan(scan_file), prompt_file, prompt_type=prompt_type, progress=show)
    result.save(output / "masks")
    console.table(_table(patient, result, prompt_type))
    console.say(f"Scan:    {scan_file}")
    console.say(f"Truth:   {output / f'{_CASE}_truth.nii.gz'}")
    console.say(f"Prompts: {prompt_file}")
    console.say(f"Masks:   {output / 'masks'}")
    tracked = demo_course(patient, seed, _CASE, output, device)
    if has_extra():
        write_reports(tracked)
    else:
        console.say("Report:  needs pip install 'lesionlocator[report]'")


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"cannot make folder {folder}: {error.strerror}") from error


def _rough_prompts(patient: SyntheticScan, seed: int) -> PromptSet:
    from lesionlocator.prompts.kinds import LesionPrompt, PromptSet
    from lesionlocator.training.prompts import rough_box, rough_point

    rng = np.random.default_rng([seed, 8])
    prompts = []
    for lesion in patient.lesions:
        mask = patient.labels == lesion.label
        z, y, x = rough_point(rng, mask)
        prompts.append(LesionPrompt(lesion.label, rough_box(rng, mask), (float(z), float(y), float(x))))
    return PromptSet.of(prompts)


def _write(patient: SyntheticScan, prompts: PromptSet, folder: Path) -> tuple[Path, Path]:
    """Write scan, truth and prompts; return the files of scan and prompts."""
    from lesionlocator.prompts.published import write_published
    from lesionlocator.synthetic.files import write_scan, write_truth

    scan_file, prompt_file = folder / f"{_CASE}.nii.gz", folder / f"{_CASE}.json"
    write_scan(patient, scan_file)
    write_truth(patient, folder / f"{_CASE}_truth.nii.gz")
    write_published(prompts, prompt_file)
    return scan_file, prompt_file


def _table(patient: SyntheticScan, result: Segmentation, prompt_type: str) -> Table:
    from lesionlocator.training.validation import dice

    table = Table(title=f"Lesions found by {prompt_type}")
    for name in ("lesion", "kind", "in", "diameter", "true volume", "found volume", "Dice"):
        table.add_column(name, justify="left" if name in {"kind", "in"} else "right")
    milliliters = patient.geometry.voxel_volume_ml
    scores = []
    for lesion in patient.lesions:
        truth, mask = patient.labels == lesion.label, result.masks.get(lesion.label)
        found = 0 if mask is None else mask.voxels
        scores.append(0.0 if mask is None else dice(mask.full() > 0, truth))
        volumes = (f"{voxels * milliliters:.2f} ml" for voxels in (int(truth.sum()), found))
        diameter = f"{lesion.diameter_mm:.0f} mm"
        host = lesion.host.name.lower()
        table.add_row(str(lesion.label), lesion.kind.value, host, diameter, *volumes, f"{scores[-1]:.3f}")
    table.add_section()
    table.add_row("mean", "", "", "", "", "", f"{np.mean(scores):.3f}")
    return table
