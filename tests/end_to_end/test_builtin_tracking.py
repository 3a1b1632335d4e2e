"""The built-in model follows the lesions of a synthetic patient through a deformed, shifted follow-up."""

from __future__ import annotations

import pytest

import lesionlocator as ll
from lesionlocator.synthetic import make_patient
from lesionlocator.synthetic.course import SyntheticCourse, make_course
from lesionlocator.synthetic.found import Sighting, sightings

SEEDS = (1, 5)


def patient(seed: int) -> SyntheticCourse:
    made = make_patient(
        seed, (110, 88, 126), (4.0, 4.0, 3.5), lesions=6, middle_mm=0.0, diameters_mm=(16.0, 45.0)
    )
    baseline = ll.Scan("baseline", made.voxels, made.geometry)
    return make_course(seed, baseline, ll.LabelMap(made.labels, made.geometry), followups=1)


@pytest.fixture(scope="module")
def found() -> list[Sighting]:
    tracker = ll.load_tracker(mirroring=False, device="cpu")
    truths = map(patient, SEEDS)
    return [one for truth in truths for one in sightings(truth, tracker.track(truth.scans, truth.labels[0]))]


def test_lesions_that_are_there_are_found(found: list[Sighting]) -> None:
    there = [one for one in found if one.is_there]
    assert len(there) >= 9
    assert sum(one.is_right for one in there) >= 0.95 * len(there)


def test_the_lesion_that_is_gone_is_noticed(found: list[Sighting]) -> None:
    gone = [one for one in found if not one.is_there]
    assert len(gone) == len(SEEDS)
    assert all(one.is_right for one in gone)


def test_a_course_has_one_lesion_gone_and_one_more() -> None:
    truth = patient(4)
    (gone,) = truth.gone
    assert len(gone) == 1
    assert truth.centroid_lps(1, next(iter(gone))) is None
    first, second = (set(labels.labels.ravel().tolist()) for labels in truth.labels)
    assert gone <= first
    assert second - {0} - set(truth.label_of[0].values())
    assert truth.scans[0].geometry.difference(truth.scans[1].geometry) is not None
