"""Many synthetic patients, or follow-ups of real ones, as files with a manifest."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from lesionlocator.errors import InputError, OutputError
from lesionlocator.io import LabelMap, Scan, read_labelmap, read_scan, write_atomically, write_labelmap
from lesionlocator.synthetic.files import write_image, write_scan, write_truth
from lesionlocator.synthetic.followup import SyntheticFollowup, make_followup
from lesionlocator.synthetic.patient import SyntheticScan, make_patient

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lesionlocator.geometry import Geometry, Triple

MANIFEST = "manifest.json"
_SLICES_MM = (1.0, 1.5, 2.0, 3.0, 5.0)
_PIXELS_MM = (0.8, 1.0, 1.5)


@dataclass(frozen=True)
class PatientOptions:
    """What patients are like.

    Parameters
    ----------
    coverage_mm
        Field of view along z, y, x.
    spacing
        mm along z, y, x; drawn for each patient where None: slices of 1 to 5 mm, pixels of 0.8 to 1.5 mm.
    lesions
        How many lesions to place in each.
    diameters_mm
        Range of their longest diameters.

    Raises
    ------
    InputError
        Where a number is out of range.
    """

    coverage_mm: Triple = (300.0, 280.0, 400.0)
    spacing: Triple | None = None
    lesions: int = 8
    diameters_mm: tuple[float, float] = (3.0, 100.0)

    def __post_init__(self) -> None:
        numbers = (*self.coverage_mm, *(self.spacing or ()), *self.diameters_mm)
        if not all(np.isfinite(n) and n > 0 for n in numbers):
            raise InputError(f"coverage, spacing and diameters are {numbers} mm; legal: above 0")
        if self.diameters_mm[0] > self.diameters_mm[1]:
            raise InputError(f"diameters are {self.diameters_mm} mm; legal: the smaller one first")
        if not 0 <= self.lesions <= np.iinfo(np.uint8).max:
            raise InputError(f"lesions is {self.lesions}; legal: 0 to 255")

    def make(self, seed: int) -> SyntheticScan:
        """Return the scan of patient ``seed``."""
        rng = np.random.default_rng([seed, 12])
        pixel = float(rng.choice(_PIXELS_MM))
        spacing = self.spacing or (float(rng.choice(_SLICES_MM)), pixel, pixel)
        z, y, x = (max(round(mm / s), 1) for mm, s in zip(self.coverage_mm, spacing, strict=True))
        return make_patient(seed, (z, y, x), spacing, lesions=self.lesions, diameters_mm=self.diameters_mm)


def patient_jobs(
    folder: Path, seeds: Sequence[int], options: PatientOptions, *, followups: int
) -> list[Callable[[], list[dict[str, Any]]]]:
    """Return what makes and writes each patient, and ``followups`` of each; every job returns its entries."""

    def job(seed: int) -> list[dict[str, Any]]:
        patient = options.make(seed)
        name = f"patient_{seed:05d}"
        base = f"{name}_bl" if followups else name
        write_scan(patient, _image(folder, base))
        write_truth(patient, _labels(folder, base))
        entry = _entry(base, patient.geometry, patient.labels) | {"seed": seed}
        for described, lesion in zip(entry["lesions"], patient.lesions, strict=True):
            described |= {
                "kind": lesion.kind.value,
                "host": lesion.host.name.lower(),
                "diameter_mm": round(lesion.diameter_mm, 2),
            }
        scan = Scan(base, patient.voxels, patient.geometry)
        lesions = LabelMap(patient.labels, patient.geometry)
        made = [make_followup(1000 * seed + k, scan, lesions) for k in range(1, followups + 1)]
        later = [_written(folder, f"{name}_fu{k}", base, one) for k, one in enumerate(made, start=1)]
        return [entry, *later]

    return [lambda seed=seed: job(seed) for seed in seeds]  # type: ignore[misc]  # mypy knows no such default


def followup_jobs(
    folder: Path, image: Path, labels: Path, seeds: Sequence[int]
) -> list[Callable[[], list[dict[str, Any]]]]:
    """Return what writes a scan and its lesions, numbered anew, and makes and writes each of its follow-ups.

    Raises
    ------
    InputError
        Where the scan or its label map cannot be read.
    """
    scan, lesions = read_scan(image), read_labelmap(labels)
    name = scan.name.removesuffix("_0000")  # nnU-Net's name of the first channel
    base = f"{name}_bl"

    def job(number: int, seed: int) -> list[dict[str, Any]]:
        made = make_followup(seed, scan, lesions)
        entries = []
        if number == 1:
            write_image(scan.voxels, scan.geometry, _image(folder, base))
            write_labelmap(_labels(folder, base), made.baseline_labels, scan.geometry)
            entries.append(_entry(base, scan.geometry, made.baseline_labels))
        return [*entries, _written(folder, f"{name}_fu{number}", base, made) | {"seed": seed}]

    return [
        lambda number=number, seed=seed: job(number, seed)  # type: ignore[misc]  # as above
        for number, seed in enumerate(seeds, start=1)
    ]


def run_jobs(
    folder: Path,
    jobs: Sequence[Callable[[], list[dict[str, Any]]]],
    *,
    threads: int,
    command: str,
    done: Callable[[list[dict[str, Any]]], None] = lambda _entries: None,
) -> None:
    """Do the jobs on some threads, and write the manifest when all are done.

    Raises
    ------
    OutputError
        Where a file cannot be written.
    """
    for name in ("imagesTr", "labelsTr"):
        try:
            (folder / name).mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise OutputError(f"cannot make folder {folder / name}: {error.strerror}") from error
    entries: list[dict[str, Any]] = []
    with _pool(threads) as pool:
        for future in as_completed([pool.submit(job) for job in jobs]):
            entries += future.result()
            done(future.result())
    entries.sort(key=lambda entry: entry["case"])
    dataset = {
        "channel_names": {"0": "CT"},
        "labels": {"background": 0, "lesion": 1},
        "numTraining": len(entries),
        "file_ending": ".nii.gz",
    }
    for name, content in (("dataset.json", dataset), (MANIFEST, {"command": command, "cases": entries})):
        with write_atomically(folder / name) as partial:
            partial.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


@contextmanager
def _pool(threads: int) -> Iterator[ThreadPoolExecutor]:
    """Give a pool that drops what has not begun as soon as something goes wrong."""
    pool = ThreadPoolExecutor(threads)
    try:
        yield pool
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _written(folder: Path, name: str, baseline: str, made: SyntheticFollowup) -> dict[str, Any]:
    write_scan(made, _image(folder, name))
    write_truth(made, _labels(folder, name))
    return _entry(name, made.geometry, made.labels) | {
        "baseline": baseline,
        "changes": [
            {"fate": c.fate.value, "baseline": c.baseline, "followup": c.followup, "given": c.given}
            for c in made.changes
        ],
    }


def _entry(name: str, geometry: Geometry, labels: NDArray[np.uint8] | NDArray[np.uint16]) -> dict[str, Any]:
    voxels = np.bincount(labels.ravel())
    return {
        "case": name,
        "image": f"imagesTr/{name}_0000.nii.gz",
        "labels": f"labelsTr/{name}.nii.gz",
        "spacing": list(geometry.spacing),
        "lesions": [
            {"label": label, "volume_ml": round(int(n) * geometry.voxel_volume_ml, 4)}
            for label, n in enumerate(voxels)
            if label and n
        ],
    }


def _image(folder: Path, name: str) -> Path:
    return folder / "imagesTr" / f"{name}_0000.nii.gz"


def _labels(folder: Path, name: str) -> Path:
    return folder / "labelsTr" / f"{name}.nii.gz"
