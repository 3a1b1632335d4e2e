"""Segment a whole-body scan through the command line, and hold its peak memory to what is allowed.

usage: python benches/bench_segment.py [--model FOLDER] [--slices 1000] [--lesions 20] [--output FILE.json]

The scan is int16, 512 x 512 in plane. One fold and no mirroring, so that the network is a minor part. Every
mask must lie within a patch of its box. Allowed is what importing torch takes, 1.3 times the scan as stored,
and 300 MiB.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from lesionlocator.geometry import Box, Geometry
from lesionlocator.io import read_labelmap

SPACING = (1.5, 0.98, 0.98)
COMMAND = "from lesionlocator.cli.main import main; main()"
MIB = 1 << 20
SCANS_ALLOWED, MIB_ALLOWED = 1.3, 300


def write_case(folder: Path, slices: int, lesions: int) -> dict[int, Box]:
    """Write a noisy body with bright balls as .nii.gz, and a box around each ball."""
    import SimpleITK as sitk

    rng = np.random.default_rng(0)
    shape = (slices, 512, 512)
    voxels = rng.integers(-60, 60, shape, dtype=np.int16)
    y, x = np.ogrid[:512, :512]
    voxels[:, ((y - 256) / 170) ** 2 + ((x - 256) / 220) ** 2 > 1] = -1000
    boxes, radius = {}, 12
    ball = np.sum(np.square(np.indices([2 * radius + 1] * 3) - radius), axis=0) <= radius**2
    for lesion in range(1, lesions + 1):
        z = radius + lesion * (slices - 4 * radius) // (lesions + 1)
        start = (z, int(rng.integers(180, 300)), int(rng.integers(180, 300)))
        boxes[lesion] = Box(start, tuple(a + 2 * radius + 1 for a in start))
        voxels[boxes[lesion].slices][ball] += 150
    image = sitk.GetImageFromArray(voxels)
    image.SetSpacing(Geometry(shape, SPACING).spacing[::-1])
    sitk.WriteImage(image, str(folder / "body.nii.gz"))
    prompts = {
        str(i): {"box": [n for pair in zip(box.start, box.stop, strict=True) for n in pair]}
        for i, box in boxes.items()
    }
    (folder / "body.json").write_text(json.dumps(prompts))
    return boxes


def check(folder: Path, boxes: dict[int, Box]) -> None:
    for lesion, box in boxes.items():
        found = np.argwhere(read_labelmap(folder / f"body_lesion_{lesion}.nii.gz").labels)
        center = (np.array(box.start) + box.stop) / 2
        if len(found) and np.abs(found - center).max() > 200:
            raise SystemExit(f"lesion {lesion}: voxels far from its box")


def peak_mib(*arguments: object) -> float:
    """Run Python to its end and return the most memory that it had resident."""
    process = subprocess.Popen([sys.executable, *map(str, arguments)])
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{arguments}: exit code {process.returncode}")
    unit = 1 if sys.platform == "darwin" else 1024
    return usage.ru_maxrss * unit / MIB


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", type=Path)
    parser.add_argument("--slices", type=int, default=1000)
    parser.add_argument("--lesions", type=int, default=20)
    parser.add_argument("--output", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        boxes = write_case(folder, options.slices, options.lesions)
        arguments = ["-i", folder / "body.nii.gz", "-p", folder / "body.json", "-o", folder / "out"]
        arguments += ["-f", "0", "--disable-tta", "--device", "cpu", "--quiet"]
        arguments += ["-m", options.model] if options.model else []
        begin = time.perf_counter()
        peak = peak_mib("-c", COMMAND, "segment", *arguments)
        wall = time.perf_counter() - begin
        check(folder / "out", boxes)
        stages = json.loads((folder / "out" / "run.json").read_text())["seconds"]
    around = sum(stages[stage] for stage in ("prepare", "export", "write")) / options.lesions
    stored = 2 * options.slices * 512 * 512 / MIB
    allowed = peak_mib("-c", "import torch") + SCANS_ALLOWED * stored + MIB_ALLOWED
    found = {
        "scan": f"512 x 512 x {options.slices} int16 ({stored:.0f} MiB), {options.lesions} boxes",
        "wall_s": wall,
        "peak_mib": peak,
        "allowed_mib": allowed,
        "around_network_s_per_lesion": around,
        "stages": stages,
    }
    print(f"{found['scan']}: {wall:.1f} s, peak {peak:.0f} MiB of {allowed:.0f} MiB allowed")
    print(f"outside network and reading: {around:.3f} s a lesion; stages {stages}")
    if options.output:
        options.output.write_text(json.dumps(found, indent=1) + "\n")
    return 0 if peak <= allowed else 1


if __name__ == "__main__":
    raise SystemExit(main())
