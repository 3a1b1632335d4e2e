"""Register two whole-body scans of one patient without a network, and say how far off the map is.

A synthetic body is scanned as 512 x 512 x 1000 voxels of int16, and again as 512 x 512 x 960 of another size
that show less of it. Between both it has been turned and deformed by a map that is known, and lies elsewhere
on the table: as much as in other synthetic follow-ups, by 5 mm in the mean, and twice as much. Registration
is to take less than 60 s on two cores, and, of the first, to be off by less than 4 mm in the mean of places
within the body. Run it on a quiet machine.

usage: bench_classical.py [--seed 9300000] [--tiny] [--output results/classical_registration.json]
"""

from __future__ import annotations

import argparse
import json
from dataclasses import dataclass
from time import perf_counter, process_time
from typing import TYPE_CHECKING, Any

import numpy as np
import SimpleITK
from scipy import ndimage

import lesionlocator as ll
from lesionlocator.results.provenance import peak_memory_mib
from lesionlocator.synthetic import make_patient
from lesionlocator.synthetic.warp import Warp, anatomy_nodes
from lesionlocator.tracking.classical import register
from whole_body import parsed, save

if TYPE_CHECKING:
    from numpy.typing import NDArray

SECONDS, MEAN_MM = 60.0, 4.0
_BODY = (334, 250, 250), (3.0, 2.0, 2.0)
"""Voxels and mm of the body of which scans are made."""
_BASELINE = (1000, 512, 512), (1.0, 0.977, 0.977)
_FOLLOWUP = (960, 512, 512), (0.9, 0.85, 0.85)
_CENTRE_MM = (40.0, 12.0, -15.0)
"""How far the middle of the follow-up lies from that of the baseline within the body, z, y, x."""
_TABLE_MM = (85.0, -40.0, 310.0)
"""How far the origin of the follow-up's world lies elsewhere, x, y, z."""
_TIMES = {"usual": 1, "twice": 2}
"""How much more the body is turned and deformed than in other synthetic follow-ups."""
_NOISE_HU = 12.0
_SLAB = 16
_BODY_HU = -200
_PLACES = 20_000


@dataclass(frozen=True)
class Scanned:
    """A scan, and how its voxels look at the body."""

    scan: ll.Scan
    warp: Warp

    def in_body(self, voxels: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return where voxels of the scan, (n, 3), lie in voxels of the body."""
        nodes, last = self.warp.nodes, np.array(self.warp.shape) - 1
        place = (voxels / last * (np.array(nodes.shape[1:]) - 1)).T
        moved = [ndimage.map_coordinates(axis, place, order=1, mode="nearest") for axis in nodes]
        return self.warp.start + self.warp.step * voxels + np.stack(moved, axis=-1)


def scanned(name: str, seed: int, body: ll.Scan, grid: Any, *, times: int = 0) -> Scanned:
    """Scan a body as it was, or elsewhere, turned and deformed."""
    shape, spacing = grid
    centre, table = (_CENTRE_MM, _TABLE_MM) if times else (np.zeros(3), np.zeros(3))
    step = np.divide(spacing, body.geometry.spacing)
    middle = (np.array(body.voxels.shape) - 1) / 2 + np.divide(centre, body.geometry.spacing)
    start = middle - step * (np.array(shape) - 1) / 2
    nodes = np.zeros((3, 1, 1, 1), np.float32)
    if times:
        drawn = np.random.default_rng([seed, 1])
        nodes = np.float32(times) * anatomy_nodes(drawn, shape, spacing, body.geometry.spacing)
    warp = Warp(tuple(start.tolist()), tuple(step.tolist()), nodes, shape)
    voxels = np.empty(shape, np.int16)
    for first in range(0, shape[0], _SLAB):
        stop = min(first + _SLAB, shape[0])
        slab = warp.image(body.voxels, first=first, stop=stop, outside=-1024.0)
        white = np.random.default_rng([seed, 2, first]).standard_normal(slab.shape, dtype=np.float32)
        voxels[first:stop] = np.rint(slab + np.float32(_NOISE_HU) * white)
    origin = body.geometry.voxel_to_lps(start) + np.array(table)
    return Scanned(ll.Scan(name, voxels, ll.Geometry(shape, spacing, tuple(origin.tolist()))), warp)


def places(
    seed: int, baseline: Scanned, followup: Scanned
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return places within the body that both scans show: LPS mm in the follow-up, and in the baseline."""
    shape = np.array(followup.warp.shape)
    voxels = np.random.default_rng([seed, 3]).integers(0, shape, (_PLACES, 3))
    voxels = voxels[followup.scan.voxels[tuple(voxels.T)] > _BODY_HU].astype(np.float64)
    there = (followup.in_body(voxels) - baseline.warp.start) / baseline.warp.step
    shown = np.all((there >= 0) & (there <= np.array(baseline.warp.shape) - 1), axis=1)
    truth = baseline.scan.geometry.voxel_to_lps(there[shown])
    return followup.scan.geometry.voxel_to_lps(voxels[shown]), truth


def told(vectors: NDArray[np.float64]) -> dict[str, float]:
    """Return how long vectors are, in mm."""
    length = np.linalg.norm(vectors, axis=1)
    return {
        "mean": float(length.mean()),
        "median": float(np.median(length)),
        "95th_percentile": float(np.quantile(length, 0.95)),
        "largest": float(length.max()),
    }


def registered(seed: int, baseline: Scanned, followup: Scanned) -> dict[str, Any]:
    """Register two scans; return how long it took, and how far off places are."""
    started, worked = perf_counter(), process_time()
    registration = register(baseline.scan, followup.scan)
    wall, processor = perf_counter() - started, process_time() - worked
    here, truth = places(seed, baseline, followup)
    apart, left = truth - here, truth - registration.map.to_baseline(here)
    return {
        "wall_s": wall,
        "processor_s": processor,
        "similarity": registration.similarity,
        "overlap": registration.overlap,
        "places": len(here),
        "off_mm": {
            "as_stored": told(apart),
            "after_the_best_shift": told(apart - apart.mean(axis=0)),
            "after_registration": told(left),
        },
    }


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--seed", type=int, default=9_300_000)
    parser.add_argument("--tiny", action="store_true", help="try the script on coarse scans")
    options = parsed(parser)
    coarser = 8 if options.tiny else 1
    grids = [
        (tuple(n // coarser for n in shape), tuple(mm * coarser for mm in spacing))
        for shape, spacing in (_BASELINE, _FOLLOWUP)
    ]
    made = make_patient(options.seed, *_BODY, lesions=0, middle_mm=-40.0)
    body = ll.Scan("body", made.voxels, made.geometry)
    baseline = scanned("baseline", options.seed, body, grids[0])
    found: dict[str, Any] = {
        "baseline": {"voxels_zyx": grids[0][0], "spacing_mm_zyx": grids[0][1]},
        "followup": {"voxels_zyx": grids[1][0], "spacing_mm_zyx": grids[1][1]},
        "simpleitk": SimpleITK.Version.VersionString(),
        "threads": SimpleITK.ProcessObject.GetGlobalDefaultNumberOfThreads(),
    }
    for name, times in _TIMES.items():
        followup = scanned("followup", options.seed + 1, body, grids[1], times=times)
        found[name] = registered(options.seed, baseline, followup)
        print(json.dumps({name: found[name]}, indent=1), flush=True)
    found["peak_mib"] = peak_memory_mib()
    save(options.output, found)
    seconds = max(found[name]["wall_s"] for name in _TIMES)
    off = found["usual"]["off_mm"]["after_registration"]["mean"]
    print(f"{seconds:.1f} of {SECONDS:.0f} s; off by {off:.1f} of {MEAN_MM:.1f} mm in the mean")
    return 0 if seconds < SECONDS and off < MEAN_MM else 1


if __name__ == "__main__":
    raise SystemExit(main())
