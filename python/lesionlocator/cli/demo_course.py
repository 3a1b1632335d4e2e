"""The second part of the demo: the patient comes back twice, and the lesions are tracked."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from rich.table import Table

from lesionlocator.cli import console

if TYPE_CHECKING:
    from lesionlocator.synthetic import SyntheticScan
    from lesionlocator.synthetic.course import SyntheticCourse
    from lesionlocator.synthetic.found import Sighting

FOLDER = "tracked"


def demo_course(patient: SyntheticScan, seed: int, name: str, output: Path, device: str) -> Path:
    """Make two follow-ups, track the lesions of the baseline with the built-in model, and compare.

    Parameters
    ----------
    patient, name
        The baseline, and what its files are called.
    seed
        Names the patient.
    output
        Folder for scans, truths and results; it holds scan and truth of the baseline.
    device
        As ``track --device`` takes it.

    Returns
    -------
    Path
        The folder of results.

    Raises
    ------
    LesionLocatorError
        Where a file cannot be written.
    """
    import lesionlocator as ll
    from lesionlocator.cli.track import track
    from lesionlocator.results.course_files import JSON_NAME
    from lesionlocator.results.documents import read_document
    from lesionlocator.synthetic.course import make_course
    from lesionlocator.synthetic.found import sightings

    console.say("Making two follow-ups: moved, deformed, lesions grown, shrunk, one gone, one new")
    baseline = ll.Scan(name, patient.voxels, patient.geometry)
    truth = make_course(seed, baseline, ll.LabelMap(patient.labels, patient.geometry))
    _write(truth, output)
    console.say("Tracking the lesions; each pair of scans is registered first")
    files = [str(output / f"{scan.name}.nii.gz") for scan in truth.scans]
    prompts, results = str(output / f"{name}_truth.nii.gz"), output / FOLDER
    arguments = [
        "--baseline",
        files[0],
        "--followup",
        *files[1:],
        "--prompts",
        prompts,
        "--output",
        str(results),
    ]
    track.main([*arguments, "--device", device, "--disable-tta"], standalone_mode=False)
    found = sightings(truth, read_document(results / JSON_NAME)["lesions"])
    console.table(_table(found))
    there = [sighting for sighting in found if sighting.is_there]
    gone = [sighting for sighting in found if not sighting.is_there]
    console.say(
        f"Found within 10 mm: {sum(one.is_right for one in there)} of {len(there)}; "
        f"noticed as gone: {sum(one.is_right for one in gone)} of {len(gone)}"
    )
    return results


def _write(truth: SyntheticCourse, output: Path) -> None:
    from lesionlocator.io import write_labelmap
    from lesionlocator.synthetic.files import write_image

    for scan, labels in zip(truth.scans[1:], truth.labels[1:], strict=True):
        write_image(scan.voxels, scan.geometry, output / f"{scan.name}.nii.gz")
        write_labelmap(output / f"{scan.name}_truth.nii.gz", labels.labels, labels.geometry)


def _table(found: list[Sighting]) -> Table:
    table = Table(title="Lesions tracked, and the truth")
    for name in ("lesion", "follow-up", "truth", "found to be", "distance"):
        table.add_column(name, justify="right" if name == "distance" else "left")
    for one in found:
        distance = "" if one.distance_mm is None else f"{one.distance_mm:.1f} mm"
        truth = "there" if one.is_there else "gone"
        state = one.status.replace("_", " ")
        table.add_row(str(one.lesion_id), str(one.timepoint), truth, state, distance)
    return table
