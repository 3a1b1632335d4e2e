"""What one fold without mirroring (--fast) costs in Dice, against all folds and mirrorings of a model.

usage: python benches/cost_of_fast.py [--model FOLDER] [--phantoms 6] [--images FOLDER --labels FOLDER]
       [--output FILE.json]

Lesions are those of synthetic patients that no training used, or, with --images, those of label maps of the
same names. Each is prompted with the box around its truth; both ways get the same prompts.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np

from lesionlocator.io import LabelMap, Scan, pair_cases, read_labelmap, read_scan
from lesionlocator.segmentation import load_model
from lesionlocator.training.evaluate import HELD_OUT_SEED, held_out_patient
from lesionlocator.training.validation import dice
from whole_body import parsed, save

LESIONS = 6


def phantoms(count: int) -> Iterator[tuple[Scan, LabelMap]]:
    """Yield synthetic patients with their truth."""
    for seed in range(HELD_OUT_SEED, HELD_OUT_SEED + count):
        patient = held_out_patient(seed, LESIONS)
        scan = Scan(f"phantom {seed}", patient.voxels, patient.geometry)
        yield scan, LabelMap(patient.labels, patient.geometry)


def cases(images: Path, labels: Path) -> Iterator[tuple[Scan, LabelMap]]:
    """Yield the scans of a folder with their label maps."""
    for case in pair_cases(images, labels)[0]:
        yield read_scan(case.image), read_labelmap(case.prompts)


def compared(model: Path | None, given: Iterator[tuple[Scan, LabelMap]]) -> dict[str, Any]:
    """Return the Dice of every lesion both ways, and the seconds that both took."""
    ways = {
        "all": load_model(model, device="cpu"),
        "fast": load_model(model, device="cpu", folds=[0], mirroring=False),
    }
    found: dict[str, list[float]] = {way: [] for way in ways}
    seconds = dict.fromkeys(ways, 0.0)
    for scan, truth in given:
        for way, loaded in ways.items():
            started = perf_counter()
            result = loaded.segment(scan, truth)
            seconds[way] += perf_counter() - started
            found[way] += dices(result.masks, truth.labels, result.lesions)
        print(f"{scan.name}: {len(found['all'])} lesions so far", flush=True)
    return {"dice": found, "seconds": seconds}


def dices(masks: Any, truth: np.ndarray, lesions: Any) -> list[float]:
    """Return the Dice of each lesion by ascending id; where all labels are 1, of the components' union."""
    if truth.max() == 1:
        union = np.zeros(truth.shape, bool)
        for mask in masks.values():
            union |= mask.full() > 0
        return [dice(union, truth == 1)]
    return [
        dice(masks[i].full() > 0, truth == i) if i in masks else 0.0 for i in sorted(lesions) if i in truth
    ]


def summary(dice_by_way: dict[str, list[float]]) -> dict[str, float]:
    """Return means, and how much lower the Dice is the fast way: mean, 95 % interval, worst."""
    lost = np.subtract(dice_by_way["all"], dice_by_way["fast"])
    rng = np.random.default_rng(0)
    means = rng.choice(lost, (2000, len(lost))).mean(axis=1)
    low, high = np.percentile(means, [2.5, 97.5])
    return {
        "lesions": len(lost),
        "dice_all": float(np.mean(dice_by_way["all"])),
        "dice_fast": float(np.mean(dice_by_way["fast"])),
        "lost": float(lost.mean()),
        "lost_low": float(low),
        "lost_high": float(high),
        "lost_most": float(lost.max()),
    }


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", type=Path)
    parser.add_argument("--phantoms", type=int, default=6)
    parser.add_argument("--images", type=Path)
    parser.add_argument("--labels", type=Path)
    options = parsed(parser)
    given = cases(options.images, options.labels) if options.images else phantoms(options.phantoms)
    found = compared(options.model, given)
    found["summary"] = summary(found["dice"])
    print(json.dumps(found["summary"], indent=1))
    print("seconds: " + ", ".join(f"{way} {value:.1f}" for way, value in found["seconds"].items()))
    save(options.output, found)


if __name__ == "__main__":
    main()
