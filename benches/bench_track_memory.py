"""Track a whole-body patient through the command line, and hold its peak memory to what is allowed.

usage: python benches/bench_track_memory.py [--slices 1000] [--lesions 20] [--output FILE.json]

Two scans of int16, 512 x 512 in plane, registered classically and by the full-size registration network.
Allowed is what importing torch takes, 1.3 times both scans as stored, and 300 MiB; for the learned one, also
what one call of its registration network takes. With the built-in model, every lesion must be found within
10 mm; the network with random weights must answer for every lesion.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from bench_tracking import write_model
from whole_body import COMMAND, MIB, MIB_ALLOWED, SCANS_ALLOWED, finished, parsed, peak_mib_of, save
from whole_patient import CUT, SIZE, SPACING, write_patient

FOUND_MM = 10
REGISTER_ONCE = """
import numpy as np
from lesionlocator.longitudinal import load_tracking_model
from lesionlocator.tracking.cube import CUBE
member = load_tracking_model({folder!r}, device="cpu", mirroring=False).ensemble.members[0]
member.register(np.zeros(CUBE, np.float32), np.zeros(CUBE, np.float32))
"""


def track(folder: Path, name: str, *options: object) -> dict[str, Any]:
    """Track through the command line in a process of its own; return what its record tells."""
    out, begin = folder / name, time.perf_counter()
    files = ["--baseline", folder / "bl.nii.gz", "--followup", folder / "fu.nii.gz"]
    prompts = ["-p", folder / "bl_lesions.nii.gz", "-o", out, "--disable-tta"]
    finished("-c", COMMAND, "track", *files, *prompts, "--device", "cpu", "--quiet", *options)
    wall = time.perf_counter() - begin
    record = json.loads((out / "run.json").read_text())
    return {"wall_s": wall, "peak_mib": record["peak_memory_mib"], "stages": record["seconds"]}


def farthest_mm(tracking: Path, places: dict[int, tuple[float, float, float]]) -> float:
    """Return how far from its place the worst lesion was found; infinite where one was not found."""
    lesions = json.loads(tracking.read_text())["lesions"]
    found = [lesions[str(i)][1]["measurements"] for i in places]
    if not all(found):
        return float("inf")
    away = np.array([one["centroid_voxel"] for one in found]) - list(places.values())
    return float(np.linalg.norm(away * SPACING, axis=1).max())


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--slices", type=int, default=1000)
    parser.add_argument("--lesions", type=int, default=20)
    options = parsed(parser)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        places = write_patient(folder, options.slices, options.lesions)
        write_model(folder / "model")
        network = peak_mib_of(REGISTER_ONCE.format(folder=str(folder / "model")))
        runs = {
            "classical": track(folder, "classical", "--registration", "classical"),
            "learned": track(folder, "learned", "-m", folder / "model"),
        }
        worst = farthest_mm(folder / "classical" / "tracking.json", places)
        answered = json.loads((folder / "learned" / "tracking.json").read_text())["lesions"]
    stored = 2 * (2 * options.slices - CUT) * SIZE * SIZE / MIB
    torch = peak_mib_of("import torch")
    allowed = torch + SCANS_ALLOWED * stored + MIB_ALLOWED
    runs["classical"] |= {"allowed_mib": allowed, "farthest_mm": worst}
    runs["learned"] |= {"allowed_mib": allowed + network - torch, "register_once_mib": network}
    for kind, run in runs.items():
        print(f"{kind}: {run['wall_s']:.1f} s, peak {run['peak_mib']:.0f} of {run['allowed_mib']:.0f} MiB")
    print(f"classical: every lesion within {worst:.1f} mm")
    save(options.output, {"scans": f"{stored:.0f} MiB, {options.lesions} lesions", **runs})
    right = worst <= FOUND_MM and set(map(int, answered)) == set(places)
    return 0 if right and all(run["peak_mib"] <= run["allowed_mib"] for run in runs.values()) else 1


if __name__ == "__main__":
    raise SystemExit(main())
