"""Registration of synthetic patients: shifted, turned, deformed, cut, and not the same patient at all."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from lesionlocator.errors import InputError
from lesionlocator.geometry import Box, Geometry, Orientation
from lesionlocator.io import Scan
from lesionlocator.synthetic import make_patient
from lesionlocator.tracking import coarse
from lesionlocator.tracking.classical import LEAST_SIMILARITY, register
from lesionlocator.tracking.coarse import coarse_scan

SHAPE, SPACING = (52, 40, 56), (8.0, 8.0, 8.0)


@pytest.fixture(scope="module")
def patient():
    return make_patient(5, SHAPE, SPACING, lesions=8, middle_mm=100.0, diameters_mm=(25.0, 60.0))


@pytest.fixture(scope="module")
def baseline(patient):
    return Scan("baseline", patient.voxels, patient.geometry)


@pytest.fixture(scope="module")
def followup(patient):
    """The patient turned by 3 degrees, bent by up to 12 mm, without its lowest 18 slices, and elsewhere."""
    rng = np.random.default_rng(1)
    places = np.indices(SHAPE).astype(float)
    y, x = places[1] - SHAPE[1] / 2, places[2] - SHAPE[2] / 2
    angle = np.deg2rad(3)
    places[1] = np.cos(angle) * y - np.sin(angle) * x + SHAPE[1] / 2
    places[2] = np.sin(angle) * y + np.cos(angle) * x + SHAPE[2] / 2
    for axis in range(3):
        bend = ndimage.gaussian_filter(rng.standard_normal(SHAPE), 8.0)
        places[axis] += 12.0 / 8.0 * bend / np.abs(bend).max()
    voxels = ndimage.map_coordinates(patient.voxels.astype(np.float32), places, order=1, mode="nearest")
    labels = ndimage.map_coordinates(patient.labels, places, order=0)[18:]
    voxels = np.rint(voxels + rng.normal(0, 15, SHAPE)).astype(np.int16)[18:]
    grid = Geometry(voxels.shape, SPACING, (33.0, -120.0, 900.0))
    return Scan("followup", np.ascontiguousarray(voxels), grid), labels


@pytest.fixture(scope="module")
def registration(baseline, followup):
    return register(baseline, followup[0])


def persisting(labels, followup_labels):
    """Lesions that the follow-up shows wholly."""
    cut = set(np.unique(followup_labels[0])) | {0}
    return [label for label in np.unique(followup_labels) if label not in cut and (labels == label).any()]


def test_lesions_are_found_within_5_mm(patient, followup, registration):
    scan, labels = followup
    errors = []
    for label in persisting(patient.labels, labels):
        here = patient.geometry.voxel_to_lps(np.argwhere(patient.labels == label).mean(axis=0))
        there = scan.geometry.voxel_to_lps(np.argwhere(labels == label).mean(axis=0))
        errors.append(np.linalg.norm(registration.map.to_followup(here) - there))
    assert len(errors) >= 3
    assert np.mean(errors) < 5.0


def test_a_warped_lesion_lies_on_itself(patient, followup, registration):
    scan, labels = followup
    overlaps = []
    for label in persisting(patient.labels, labels):
        (z0, y0, x0), (z1, y1, x1) = (
            f(np.argwhere(patient.labels == label)) for f in (lambda p: p.min(0), lambda p: p.max(0) + 1)
        )
        box = Box((int(z0), int(y0), int(x0)), (int(z1), int(y1), int(x1)))
        mask = (patient.labels[box.slices] == label).astype(np.uint8)
        block, warped = registration.map.warp_mask(mask, box, patient.geometry, scan.geometry)
        both = np.count_nonzero(warped & (labels[block.slices] == label))
        overlaps.append(2 * both / (warped.sum() + (labels == label).sum()))
    assert np.mean(overlaps) > 0.6


def test_the_same_patient_is_recognised(registration):
    assert registration.similarity > LEAST_SIMILARITY + 0.05
    assert registration.overlap > 0.9
    assert registration.warnings == ()


def part(scan, low, high):
    """Some slices of a scan, elsewhere on the table."""
    grid = Geometry((high - low, *scan.geometry.shape[1:]), SPACING, (7.0, 8.0, 9.0))
    return Scan(f"{scan.name} {low} to {high}", scan.voxels[low:high], grid)


def test_the_same_scans_give_the_same_map(baseline, followup):
    scans = part(baseline, 24, 40), part(followup[0], 6, 20)
    first, again = register(*scans), register(*scans)
    np.testing.assert_array_equal(again.map.displacement, first.map.displacement)
    assert (again.similarity, again.overlap) == (first.similarity, first.overlap)


def test_another_patient_is_told(baseline):
    other = make_patient(6, (16, *SHAPE[1:]), SPACING, lesions=2, middle_mm=100.0)
    found = register(part(baseline, 16, 36), Scan("other", other.voxels, other.geometry))
    assert found.similarity < LEAST_SIMILARITY - 0.05
    assert "they may be of different patients" in found.warnings[0]


def test_another_part_of_the_body_is_told(baseline):
    assert register(part(baseline, 0, 16), part(baseline, 36, 52)).warnings != ()


def test_a_scan_corresponds_to_itself(baseline):
    found = register(part(baseline, 20, 36), part(baseline, 20, 36))
    assert np.abs(found.map.displacement).max() < 0.1
    assert found.similarity == pytest.approx(1.0)


def test_a_single_slice_is_found_in_the_whole_and_the_whole_in_it(baseline):
    whole, slice_ = part(baseline, 20, 32), part(baseline, 25, 26)
    here, there = np.array([5.0, 20.0, 28.0]), np.array([0.0, 20.0, 28.0])
    for scans, places in (((whole, slice_), (there, here)), ((slice_, whole), (here, there))):
        followup_place, baseline_place = places
        found = register(*scans).map.to_baseline(scans[1].geometry.voxel_to_lps(followup_place))
        expected = scans[0].geometry.voxel_to_lps(baseline_place)
        assert np.linalg.norm(found - expected) < 8.0  # a voxel


def test_two_single_slices_correspond(baseline):
    slice_ = part(baseline, 25, 26)
    assert np.abs(register(slice_, slice_).map.displacement).max() < 0.1


def test_a_scan_of_air_is_refused(baseline):
    air = Scan("air", np.full((4, 5, 6), -1000, np.int16), Geometry((4, 5, 6), SPACING))
    with pytest.raises(InputError, match="air: shows no body: no voxel is above -600 HU"):
        register(baseline, air)


def test_a_coarse_scan_does_not_depend_on_how_the_file_is_stored(baseline):
    stored = baseline.oriented(Orientation((2, 0, 1), (True, False, True)))
    a, b = coarse_scan(baseline, 12.0), coarse_scan(stored, 12.0)
    np.testing.assert_allclose(a.origin, b.origin)
    np.testing.assert_allclose(a.values, b.values, atol=3e-3)  # an HU, as averages are rounded
    assert a.valid.all()
    assert b.valid.all()


@pytest.mark.parametrize("voxels", [1, 5000])
def test_a_coarse_scan_is_the_same_from_slabs_of_any_size(baseline, monkeypatch, voxels):
    whole = coarse_scan(baseline, 25.0)
    monkeypatch.setattr(coarse, "_SLAB_VOXELS", voxels)
    parts = coarse_scan(baseline, 25.0)
    np.testing.assert_array_equal(parts.values, whole.values)
    np.testing.assert_array_equal(parts.origin, whole.origin)


def test_a_coarse_scan_keeps_places(baseline):
    voxels = np.full(SHAPE, -1000, np.int16)
    voxels[20, 10, 30] = 250
    fine = coarse_scan(Scan("dot", voxels, baseline.geometry), 4.0)
    weights = fine.values.astype(float)
    place = [(weights * axis).sum() / weights.sum() for axis in np.indices(weights.shape)]
    middle = (fine.origin + 4.0 * np.array(place))[::-1]
    np.testing.assert_allclose(middle, baseline.geometry.voxel_to_lps((20, 10, 30)), atol=0.05)
