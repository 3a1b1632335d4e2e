"""A whole body with lesions, the command that segments it, and what that takes."""

from __future__ import annotations

import json
import os
import platform
import resource
import subprocess
import sys
import time
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import SimpleITK

from lesionlocator.geometry import Box
from lesionlocator.io import read_labelmap

COMMAND = "from lesionlocator.cli.main import main; main()"
MIB = 1 << 20
SCANS_ALLOWED, MIB_ALLOWED = 1.3, 300
"""Memory that a run may take besides torch: so many times its scans as stored, and so many MiB."""
_RADIUS = 12
_FAR = 200
"""Voxels from the middle of a box that no mask of a small patch reaches."""


@dataclass(frozen=True)
class Run:
    """Seconds, seconds that processors worked, most MiB resident at once, and seconds of each stage of a run.

    Where other processes hold the machine, what processors worked is nearer to what a run takes alone.
    """

    wall_s: float
    processor_s: float
    peak_mib: float
    stages: dict[str, float]


def write_case(
    folder: Path, slices: int, lesions: int, spacing: tuple[float, float, float], suffix: str = ".nii.gz"
) -> dict[int, Box]:
    """Write a noisy body of 512 x 512 voxels a slice with bright balls, and a box around each ball."""
    rng = np.random.default_rng(0)
    voxels = rng.integers(-60, 60, (slices, 512, 512), dtype=np.int16)
    y, x = np.ogrid[:512, :512]
    voxels[:, ((y - 256) / 170) ** 2 + ((x - 256) / 220) ** 2 > 1] = -1000
    boxes, size = {}, 2 * _RADIUS + 1
    ball = np.sum(np.square(np.indices([size] * 3) - _RADIUS), axis=0) <= _RADIUS**2
    for lesion in range(1, lesions + 1):
        z = _RADIUS + lesion * (slices - 4 * _RADIUS) // (lesions + 1)
        start = (z, int(rng.integers(180, 300)), int(rng.integers(180, 300)))
        boxes[lesion] = Box(start, tuple(a + size for a in start))
        voxels[boxes[lesion].slices][ball] += 150
    image = SimpleITK.GetImageFromArray(voxels)
    image.SetSpacing(spacing[::-1])
    SimpleITK.WriteImage(image, str(folder / f"body{suffix}"))
    prompts = {
        str(i): {"box": [n for pair in zip(box.start, box.stop, strict=True) for n in pair]}
        for i, box in boxes.items()
    }
    (folder / "body.json").write_text(json.dumps(prompts))
    return boxes


def segment(folder: Path, boxes: dict[int, Box], image: str, *options: object) -> Run:
    """Run the command on an image of a folder in a process of its own, and check its masks."""
    out = folder / "out"
    arguments = ["-i", folder / image, "-p", folder / "body.json", "-o", out, "-f", "0", "--disable-tta"]
    begin = time.perf_counter()
    usage = finished("-c", COMMAND, "segment", *arguments, "--device", "cpu", "--quiet", *options)
    wall = time.perf_counter() - begin
    _check(out, boxes)
    record = json.loads((out / "run.json").read_text())
    return Run(
        wall,
        usage.ru_utime + usage.ru_stime,
        record["peak_memory_mib"],
        record["seconds"],
    )


def finished(*arguments: object, quiet: bool = False) -> resource.struct_rusage:
    """Run Python to its end and return what it used."""
    output = subprocess.DEVNULL if quiet else None
    process = subprocess.Popen([sys.executable, *map(str, arguments)], stdout=output)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{arguments}: exit code {process.returncode}")
    return usage


def peak_mib_of(code: str) -> float:
    """Return the most memory that a process of its own has resident which runs some Python."""
    own = "from lesionlocator.results.provenance import peak_memory_mib"
    told = f"{code}\n{own}\nprint(peak_memory_mib())"
    done = subprocess.run([sys.executable, "-c", told], capture_output=True, text=True, check=True)
    return float(done.stdout)


def parsed(parser: Any) -> Any:
    """Return the options of a benchmark, with a file for what it finds."""
    parser.add_argument("--output", type=Path, help="a JSON file")
    return parser.parse_args()


def save(path: Path | None, found: dict[str, Any]) -> None:
    """Write what was found, with the machine, how busy it is, and versions; nowhere without a path."""
    if path is None:
        return
    where = {
        "machine": platform.machine(),
        "cores": os.cpu_count(),
        "load": os.getloadavg()[0],
        "python": platform.python_version(),
        "torch": version("torch"),
    }
    path.write_text(json.dumps({**found, "where": where}, indent=1) + "\n")


def _check(out: Path, boxes: dict[int, Box]) -> None:
    """Refuse masks that are empty, or that reach far from their boxes."""
    for lesion, box in boxes.items():
        found = np.argwhere(read_labelmap(out / f"body_lesion_{lesion}.nii.gz").labels)
        center = (np.array(box.start) + box.stop) / 2
        if len(found) == 0 or np.abs(found - center).max() > _FAR:
            raise SystemExit(f"lesion {lesion}: {len(found)} voxels, or voxels far from its box")
