"""Say how often tracking with the built-in model is right on synthetic patients it has never seen.

Each patient has two follow-ups and one lesion, chosen by chance, that is gone in both. The second follow-up
is tracked from the first. A lesion that is there counts as right where it is found within 10 mm, one that is
gone where it is told to have disappeared.

usage: gone_lesions.py [--seeds 200 213] [--output results/gone-lesions.json]
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path

import lesionlocator as ll
from lesionlocator.prompts.kinds import PromptKind
from lesionlocator.results.course_files import course_document
from lesionlocator.synthetic import make_patient
from lesionlocator.synthetic.course import SyntheticCourse, make_course
from lesionlocator.synthetic.found import Sighting, sightings

SHAPE, SPACING = (195, 98, 140), (4.0, 3.6, 3.0)
LESIONS, DIAMETERS_MM = 8, (8.0, 45.0)


def patient(seed: int) -> SyntheticCourse:
    """Return a patient with two follow-ups."""
    made = make_patient(seed, SHAPE, SPACING, lesions=LESIONS, middle_mm=-40.0, diameters_mm=DIAMETERS_MM)
    baseline = ll.Scan("baseline", made.voxels, made.geometry)
    return make_course(seed, baseline, ll.LabelMap(made.labels, made.geometry))


def shares(found: Sequence[Sighting]) -> dict[str, dict[str, int]]:
    """Return for each follow-up how many lesions there were, and of how many tracking was right."""
    told = {}
    for timepoint in sorted({one.timepoint for one in found}):
        for what, is_there in (("there", True), ("gone", False)):
            some = [one for one in found if one.timepoint == timepoint and one.is_there is is_there]
            told[f"followup {timepoint}, {what}"] = {
                "lesions": len(some),
                "right": sum(one.is_right for one in some),
                "told to be gone": sum(one.status == "disappeared" for one in some),
            }
    return told


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--seeds", type=int, nargs=2, default=(200, 213), help="first, and one past the last")
    parser.add_argument("--output", type=Path)
    arguments = parser.parse_args()
    tracker = ll.load_tracker(mirroring=False, device="cpu")
    found: list[Sighting] = []
    for seed in range(*arguments.seeds):
        truth = patient(seed)
        seen = sightings(truth, course_document(tracker.track(truth.scans, truth.labels[0]))["lesions"])
        wrong = [f"{one.lesion_id}@{one.timepoint} {one.status}" for one in seen if not one.is_right]
        print(
            f"seed {seed}: {len(seen)} lesions in both follow-ups; wrong: {', '.join(wrong) or 'none'}",
            flush=True,
        )
        found += seen
    told = {"seeds": list(arguments.seeds), "model": tracker.segmenter.identity(PromptKind.BOX).name}
    text = json.dumps(told | {"lesions": shares(found)}, indent=2)
    print(text)
    if arguments.output:
        arguments.output.write_text(text + "\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
