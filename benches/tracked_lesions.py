"""Say how often tracking with the built-in model is right on synthetic patients, and how well masks agree.

Each patient has two follow-ups, deformed, shifted and scanned on other grids, and one lesion, chosen by
chance, that is gone in both. The second follow-up is tracked from the first. A lesion that is there counts as
retrieved where the centroid of its mask lies within 10 mm of that of the truth, one that is gone as noticed
where it is told to have disappeared. Seeds from 9 000 000 on are those of no training.

usage: tracked_lesions.py [--first-seed 9200000] [--patients 20] [--spacing-mm 3 1.7 1.4]
                          [--processes 1] [--output results/tracked_lesions.json]
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import cache, partial
from multiprocessing import get_context
from pathlib import Path
from statistics import fmean, median
from time import perf_counter
from typing import Any

import numpy as np
import torch

import lesionlocator as ll
from lesionlocator.following.course import PatientCourse
from lesionlocator.geometry import Triple
from lesionlocator.prompts.kinds import PromptKind
from lesionlocator.results.course_files import course_document
from lesionlocator.results.lesion import LesionMask
from lesionlocator.synthetic.course import SyntheticCourse, make_trunk_course
from lesionlocator.synthetic.found import Sighting, sightings
from whole_body import save


@cache
def tracker() -> ll.Tracker:
    """Return the tracker of this process."""
    return ll.load_tracker(device="cpu")


def dice(truth: SyntheticCourse, one: Sighting, found: LesionMask | None) -> float:
    """Return the agreement of a lesion's mask with the truth; 0 where there is no mask."""
    if found is None:
        return 0.0
    label = truth.label_of[one.timepoint - 1][one.lesion_id]
    there = truth.labels[one.timepoint].labels == label
    common = np.count_nonzero(there[found.box.slices] & (found.region > 0))
    return float(2 * common / (np.count_nonzero(there) + found.voxels))


def off_mm(truth: SyntheticCourse, one: Sighting, expected: LesionMask | None) -> float | None:
    """Return how far from its centroid registration expected a lesion; None where it is not known."""
    place = truth.centroid_lps(one.timepoint, one.lesion_id)
    if expected is None or place is None:
        return None
    centre = np.argwhere(expected.region).mean(axis=0) + expected.box.start
    return float(np.linalg.norm(truth.scans[one.timepoint].geometry.voxel_to_lps(centre) - place))


def facts(seed: int, truth: SyntheticCourse, course: PatientCourse, one: Sighting) -> dict[str, Any]:
    """Return what became of one lesion in one follow-up, and why."""
    lesion = course.followups[one.timepoint - 1].lesions[one.lesion_id]
    told = {
        "seed": seed,
        "lesion": one.lesion_id,
        "followup": one.timepoint,
        "there": one.is_there,
        "right": one.is_right,
        "status": one.status,
        "distance_mm": one.distance_mm,
        "expected_off_mm": off_mm(truth, one, course.expected[one.timepoint - 1].get(one.lesion_id)),
        "warnings": list(lesion.warnings),
    }
    return told | ({"dice": dice(truth, one, lesion.found)} if one.is_there else {})


def patient_facts(seed: int, spacing: Triple) -> list[dict[str, Any]]:
    """Return what became of the lesions of a patient in both follow-ups."""
    started, truth = perf_counter(), make_trunk_course(seed, spacing)
    course = tracker().track(truth.scans, truth.labels[0])
    told = [facts(seed, truth, course, one) for one in sightings(truth, course_document(course)["lesions"])]
    print(f"seed {seed}: {len(told)} sightings in {perf_counter() - started:.0f} s", flush=True)
    return told


def summary(found: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return how many lesions were retrieved and noticed, and the Dice of those retrieved."""
    there, gone = ([one for one in found if one["there"] is is_there] for is_there in (True, False))
    retrieved = [one for one in there if one["right"]]
    agreement = [one["dice"] for one in retrieved]
    return {
        "there": len(there),
        "retrieved_within_10_mm": len(retrieved),
        "told_to_be_gone": sum(one["status"] == "disappeared" for one in there),
        "not_assessed": sum(one["status"] == "not_assessed" for one in there),
        "dice_of_retrieved": {"mean": fmean(agreement), "median": median(agreement)} if agreement else None,
        "dice_of_all_mean": fmean(one["dice"] for one in there) if there else None,
        "gone": len(gone),
        "gone_noticed": sum(one["right"] for one in gone),
    }


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--first-seed", type=int, default=9_200_000)
    parser.add_argument("--patients", type=int, default=20)
    parser.add_argument(
        "--spacing-mm", type=float, nargs=3, default=(3.0, 1.7, 1.4), help="of the baseline, z, y, x"
    )
    parser.add_argument("--processes", type=int, default=1, help="that share patients and CPUs")
    parser.add_argument("--output", type=Path, help="a JSON file")
    arguments = parser.parse_args()
    z, y, x = arguments.spacing_mm
    spacing = (z, y, x)
    seeds = range(arguments.first_seed, arguments.first_seed + arguments.patients)
    threads = max(1, (os.cpu_count() or 1) // arguments.processes)
    found: list[dict[str, Any]] = []
    with ProcessPoolExecutor(
        arguments.processes, get_context("spawn"), torch.set_num_threads, (threads,)
    ) as pool:
        for told in pool.map(partial(patient_facts, spacing=spacing), seeds):
            found += told
    identity = tracker().segmenter.identity(PromptKind.BOX)
    result = {
        "seeds": [seeds.start, seeds.stop],
        "spacing_mm": list(spacing),
        "model": {"name": identity.name, "sha256": identity.checksum, "mirroring": identity.mirroring},
        "registration": tracker().registration,
        "all": summary(found),
        **{f"followup_{k}": summary([one for one in found if one["followup"] == k]) for k in (1, 2)},
        "wrong": [one for one in found if not one["right"]],
    }
    for name in ("all", "followup_1", "followup_2"):
        print(f"{name}: {result[name]}")
    save(arguments.output, result)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
