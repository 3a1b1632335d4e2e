"""Segment a whole-body scan through the command line, and show peak memory and the time of each stage.

usage: python benches/bench_segment.py [--model FOLDER] [--slices 600] [--lesions 10] [--output FILE.json]

The scan is int16, 512 x 512 in plane. One fold and no mirroring, so that the network is a minor part. Every
mask must lie within a patch of its box.
"""

from __future__ import annotations

import argparse
import json
import resource
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


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", type=Path)
    parser.add_argument("--slices", type=int, default=600)
    parser.add_argument("--lesions", type=int, default=10)
    parser.add_argument("--output", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        boxes = write_case(folder, options.slices, options.lesions)
        arguments = ["-i", folder / "body.nii.gz", "-p", folder / "body.json", "-o", folder / "out"]
        arguments += ["-f", "0", "--disable-tta", "--device", "cpu", "--quiet"]
        arguments += ["-m", options.model] if options.model else []
        begin = time.perf_counter()
        subprocess.run([sys.executable, "-c", COMMAND, "segment", *map(str, arguments)], check=True)
        wall = time.perf_counter() - begin
        peak_gib = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 2**20
        check(folder / "out", boxes)
        stages = json.loads((folder / "out" / "run.json").read_text())["seconds"]
    around = sum(stages[stage] for stage in ("prepare", "export", "write")) / options.lesions
    print(f"512 x 512 x {options.slices}, {options.lesions} boxes: {wall:.1f} s, peak {peak_gib:.2f} GiB")
    print(f"outside network and reading: {around:.3f} s a lesion; stages {stages}")
    if options.output:
        found = {
            "wall_s": wall,
            "peak_gib": peak_gib,
            "around_network_s_per_lesion": around,
            "stages": stages,
        }
        options.output.write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
