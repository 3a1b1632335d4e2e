"""The built-in model follows the lesions of synthetic patients through deformed, shifted follow-ups.

benches/tracked_lesions.py measures the same on more patients, also with finer voxels.
"""

from __future__ import annotations

import pytest

import lesionlocator as ll
from lesionlocator.results.course_files import course_document
from lesionlocator.synthetic.course import make_coarse_course
from lesionlocator.synthetic.found import Sighting, sightings

SEEDS = (200, 201, 202)
"""Those with which no threshold was chosen."""


@pytest.fixture(scope="module")
def found() -> list[Sighting]:
    tracker = ll.load_tracker(mirroring=False, device="cpu")
    truths = map(make_coarse_course, SEEDS)
    return [
        one
        for truth in truths
        for one in sightings(truth, course_document(tracker.track(truth.scans, truth.labels[0]))["lesions"])
    ]


def test_lesions_that_are_there_are_found(found: list[Sighting]) -> None:
    there = [one for one in found if one.is_there]
    assert len(there) >= 20
    assert sum(one.is_right for one in there) >= 0.85 * len(there)  # of about 40


def test_a_gone_lesion_is_mostly_noticed_stays_gone_and_is_never_told_to_be_there(
    found: list[Sighting],
) -> None:
    gone = [one for one in found if not one.is_there]
    assert {one.timepoint for one in gone} == {1, 2}
    assert {one.status for one in gone} <= {"disappeared", "not_assessed"}
    assert sum(one.is_right for one in gone) >= len(gone) / 2
    assert all(later.is_right for first, later in zip(gone[::2], gone[1::2], strict=True) if first.is_right)


def test_a_course_has_one_lesion_gone_and_one_more() -> None:
    truth = make_coarse_course(4)
    first_gone, second_gone = truth.gone
    assert len(first_gone) == 1
    assert first_gone == second_gone
    assert truth.centroid_lps(1, next(iter(first_gone))) is None
    first, second, _ = (set(labels.labels.ravel().tolist()) for labels in truth.labels)
    assert first_gone <= first
    assert second - {0} - set(truth.label_of[0].values())
    assert truth.scans[0].geometry.difference(truth.scans[1].geometry) is not None


def test_chance_decides_which_lesion_goes() -> None:
    truths = [make_coarse_course(seed) for seed in range(4, 10)]
    sizes = [(truth.labels[0].labels == min(truth.gone[0])).sum() for truth in truths]
    largest = [max((truth.labels[0].labels == i).sum() for i in range(1, 9)) for truth in truths]
    assert sum(size < whole for size, whole in zip(sizes, largest, strict=True)) >= 3
