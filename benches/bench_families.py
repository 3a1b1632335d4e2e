"""Segment one scan with a small network of both resampling families, and hold the time of the whole command.

usage: python benches/bench_families.py [--slices 300] [--lesions 6] [--runs 3] [--threads 2]
       [--output FILE.json]

The scan is int16, 512 x 512 in plane, at 1.5 x 0.8 x 0.8 mm; the model's grid is finer, 1.0 x 0.8 x 0.8 mm.
One fold with random weights, no mirroring. Allowed are 4.0 s and 1.5 GiB from the start of the process to
its end, for the best of the runs.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path

import torch
from safetensors.torch import save_file

from lesionlocator.model import Plans, build_network
from random_models import SIZES, network_plans
from whole_body import Run, parsed, save, segment, write_case

SPACING = (1.5, 0.8, 0.8)
SECONDS_ALLOWED, MIB_ALLOWED = 4.0, 1.5 * 1024


def write_model(folder: Path, *, cubic: bool) -> Path:
    """Write a segmentation model of a small network with random weights."""
    plans = network_plans(SIZES["small"], cubic=cubic)
    torch.manual_seed(0)
    network = build_network(Plans.parse(plans, "plans").architecture, "plans")
    trained = folder / "LesionLocatorSeg" / "bbox_optimized"
    (trained / "fold_0").mkdir(parents=True)
    (trained / "plans.json").write_text(json.dumps(plans))
    save_file(network.state_dict(), trained / "fold_0" / "checkpoint_final.safetensors")
    return folder


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--slices", type=int, default=300)
    parser.add_argument("--lesions", type=int, default=6)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    options = parsed(parser)
    threads = ("--threads", options.threads)
    best: dict[str, Run] = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        boxes = write_case(folder, options.slices, options.lesions, SPACING)
        for family in ("linear", "cubic"):
            model = write_model(folder / family, cubic=family == "cubic")
            runs = [segment(folder, boxes, "body.nii.gz", "-m", model, *threads) for _ in range(options.runs)]
            best[family] = min(runs, key=lambda run: run.wall_s)
    for family, run in best.items():
        stages = ", ".join(f"{stage} {seconds:.2f}" for stage, seconds in run.stages.items())
        took = f"{run.wall_s:.2f} s, {run.processor_s:.2f} s of processors, peak {run.peak_mib:.0f} MiB"
        print(f"{family}: {took}; {stages}")
    save(options.output, {family: vars(run) for family, run in best.items()})
    held = all(run.wall_s <= SECONDS_ALLOWED and run.peak_mib <= MIB_ALLOWED for run in best.values())
    return 0 if held else 1


if __name__ == "__main__":
    raise SystemExit(main())
