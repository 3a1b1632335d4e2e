"""Measure 200 lesions of a whole-body label map, against scipy, scikit-image and numpy, and check the answer.

usage: python benches/bench_measure.py [--threads N] [--output FILE.json]

The peers measure a tenth of the lesions, and only what `lesionlocator measure` adds to `segment`: longest 3D
diameter, surface and percentiles; the ratio is of the time for each lesion. Reading is not timed.
"""

from __future__ import annotations

import argparse
import json
import platform
import time
from pathlib import Path

import numpy as np
import scipy
import skimage
from scipy.ndimage import find_objects
from scipy.spatial import ConvexHull
from scipy.spatial.distance import pdist
from skimage.measure import marching_cubes, mesh_surface_area

from lesionlocator import _core
from lesionlocator.geometry import Geometry
from lesionlocator.io import LabelMap, Scan
from lesionlocator.results.extended import PERCENTILES, measure_labels

SHAPE, SPACING = (600, 512, 512), (1.5, 0.8, 0.8)
LESIONS, PEER_LESIONS = 200, 20


def whole_body() -> tuple[Scan, LabelMap]:
    """Return noise, and ellipsoids of 6 to 60 mm with rough borders that do not overlap."""
    rng = np.random.default_rng(0)
    geometry = Geometry(SHAPE, SPACING)
    labels = np.zeros(SHAPE, np.uint8)
    label = 0
    while label < LESIONS:
        half = rng.uniform(3, 30) * rng.uniform(0.6, 1, 3) / SPACING
        centre = rng.uniform(half + 2, np.array(SHAPE) - half - 2)
        low, high = np.floor(centre - half).astype(int), np.ceil(centre + half).astype(int) + 1
        block = labels[tuple(slice(a, b) for a, b in zip(low, high, strict=True))]
        grid = np.meshgrid(*(np.arange(a, b) for a, b in zip(low, high, strict=True)), indexing="ij")
        away = sum(((axis - c) / h) ** 2 for axis, c, h in zip(grid, centre, half, strict=True))
        if not block.any():
            label += 1
            block[away + rng.normal(0, 0.02, block.shape) <= 1] = label
    voxels = rng.integers(-100, 200, SHAPE, dtype=np.int16)
    return Scan("body", voxels, geometry), LabelMap(labels, geometry)


def peers(scan: Scan, labelmap: LabelMap) -> dict[int, tuple[float, float, list[float]]]:
    """Measure the first lesions with libraries; scipy's hull leaves few pairs of voxels to compare."""
    found = {}
    for label, block in enumerate(find_objects(labelmap.labels, PEER_LESIONS), start=1):
        mask = labelmap.labels[block] == label
        points = np.argwhere(mask) * SPACING
        diameter = pdist(points[ConvexHull(points).vertices]).max()
        mesh = marching_cubes(np.pad(mask, 1).astype(np.float32), 0.5, spacing=SPACING, method="lorensen")
        values = np.percentile(scan.voxels[block][mask], PERCENTILES)
        found[label] = (float(diameter), mesh_surface_area(*mesh[:2]), values.tolist())
    return found


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--output", type=Path)
    options = parser.parse_args()
    _core.set_threads(options.threads)
    scan, labelmap = whole_body()
    seconds, processor, peer_seconds = [], [], []
    for _ in range(5):
        begin, busy = time.perf_counter(), time.process_time()
        ours = measure_labels(labelmap, scan)
        seconds.append(time.perf_counter() - begin)
        processor.append(time.process_time() - busy)
        begin = time.perf_counter()
        theirs = peers(scan, labelmap)
        peer_seconds.append(time.perf_counter() - begin)
    for label, (diameter, area, percentiles) in theirs.items():
        mine = ours[label]
        if not (
            np.isclose(mine.longest_diameter_3d.length_mm, diameter)
            and np.isclose(mine.surface_area_mm2, area, rtol=0.05)
            and np.allclose(mine.hu_percentiles, percentiles)
        ):
            raise SystemExit(f"lesion {label}: the answers differ")
    mine_s, its_s = float(np.median(seconds)), float(np.median(peer_seconds))
    ratio = its_s / PEER_LESIONS / (mine_s / LESIONS)
    print(f"{LESIONS} lesions of {SHAPE}: {mine_s:.3f} s; processor time {np.median(processor):.3f} s")
    print(f"{PEER_LESIONS} lesions by scipy, scikit-image and numpy: {its_s:.3f} s")
    print(f"{ratio:.1f} times as fast a lesion")
    if options.output:
        machine = {"processor": platform.processor() or platform.machine(), "threads": options.threads}
        versions = {"numpy": np.__version__, "scipy": scipy.__version__, "scikit-image": skimage.__version__}
        content = {"machine": machine, "versions": versions, "seconds": mine_s}
        content |= {"processor_seconds": float(np.median(processor)), "ratio": ratio}
        options.output.write_text(json.dumps(content, indent=1) + "\n")


if __name__ == "__main__":
    main()
