"""Synthetic patients: what makes them usable as truth."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from lesionlocator.io import read_labelmap, read_scan
from lesionlocator.synthetic import Scanner, SyntheticScan, build_anatomy, make_patient
from lesionlocator.synthetic.files import write_scan, write_truth
from lesionlocator.synthetic.tissue import Phase, Tissue, intensities

SHAPE, SPACING = (60, 100, 130), (3.0, 3.0, 3.0)


@pytest.fixture(scope="module")
def patient() -> SyntheticScan:
    return make_patient(11, SHAPE, SPACING, lesions=12, middle_mm=20.0, diameters_mm=(6.0, 40.0))


def test_the_same_seed_gives_the_same_patient(patient: SyntheticScan) -> None:
    again = make_patient(11, SHAPE, SPACING, lesions=12, middle_mm=20.0, diameters_mm=(6.0, 40.0))
    np.testing.assert_array_equal(patient.voxels, again.voxels)
    np.testing.assert_array_equal(patient.labels, again.labels)
    assert patient.lesions == again.lesions


def test_another_seed_gives_another_patient(patient: SyntheticScan) -> None:
    other = make_patient(12, SHAPE, SPACING, lesions=12, middle_mm=20.0, diameters_mm=(6.0, 40.0))
    assert np.mean(patient.voxels != other.voxels) > 0.5


@pytest.mark.parametrize("seed", [2, 3, 6])
def test_lesions_lost_in_the_noise_are_left_out_and_the_others_stay(
    monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    def drawn() -> list[tuple[float, str]]:
        patient = make_patient(seed, (30, 96, 128), (5.0, 3.0, 3.0), lesions=8, diameters_mm=(3.0, 8.0))
        return [(lesion.diameter_mm, lesion.kind.value) for lesion in patient.lesions]

    seen = drawn()
    monkeypatch.setattr(Scanner, "shows", lambda *_: True)
    stayed = [lesion for lesion in drawn() if lesion in seen]
    assert 0 < len(stayed) < len(seen)
    assert seen[: len(stayed)] == stayed


def test_labels_count_up_and_each_lesion_has_voxels(patient: SyntheticScan) -> None:
    assert np.unique(patient.labels).tolist() == list(range(13))
    assert [lesion.label for lesion in patient.lesions] == list(range(1, 13))


def test_a_lesion_is_about_as_large_as_its_diameter_says(patient: SyntheticScan) -> None:
    for lesion in patient.lesions:
        extent = np.ptp(np.argwhere(patient.labels == lesion.label), axis=0) * 3.0
        assert extent.max() <= 1.8 * lesion.diameter_mm + 3.0


def test_grid_and_types(patient: SyntheticScan) -> None:
    assert patient.voxels.dtype == np.int16
    assert patient.labels.dtype == np.uint8
    assert patient.voxels.shape == patient.labels.shape == patient.geometry.shape == SHAPE
    assert patient.geometry.spacing == SPACING
    np.testing.assert_allclose(patient.geometry.voxel_to_lps((29.5, 49.5, 64.5)), 0, atol=1e-9)


def test_intensities_are_those_of_a_body_in_air(patient: SyntheticScan) -> None:
    voxels = patient.voxels
    assert voxels.min() >= -1024
    assert voxels.max() <= 3071
    assert abs(np.median(voxels[:, :3, :3]) + 1000) < 20
    shares = {
        "air": np.mean(voxels < -950),
        "lung": np.mean((voxels > -930) & (voxels < -700)),
        "fat": np.mean((voxels > -150) & (voxels < -50)),
        "soft": np.mean((voxels > 0) & (voxels < 200)),
        "bone": np.mean(voxels > 300),
    }
    assert 0.2 < shares["air"] < 0.8
    assert shares["lung"] > 0.02
    assert shares["fat"] > 0.05
    assert shares["soft"] > 0.08
    assert 0.003 < shares["bone"] < 0.1


def test_the_head_is_up_the_back_behind_and_the_liver_right() -> None:
    anatomy = build_anatomy(5, (200, 90, 120), (4.5, 4.0, 4.0), middle_mm=0.0)
    where = {tissue: np.argwhere(anatomy.tissue == tissue).mean(axis=0) for tissue in Tissue if tissue.value}
    assert where[Tissue.BRAIN][0] > where[Tissue.LUNG][0] > where[Tissue.LIVER][0]
    assert where[Tissue.DISC][1] > where[Tissue.HEART][1]
    assert where[Tissue.LIVER][2] < where[Tissue.SPLEEN][2]


def test_every_tissue_occurs_in_a_whole_body() -> None:
    anatomy = build_anatomy(2, (200, 90, 120), (4.5, 4.0, 4.0), middle_mm=0.0)
    assert set(np.unique(anatomy.tissue)) >= {t for t in Tissue if t is not Tissue.COUCH}


def test_contrast_brightens_blood_before_the_liver() -> None:
    native, arterial, portal = (intensities(np.random.default_rng(0), phase)[0] for phase in Phase)
    assert arterial[Tissue.BLOOD] > portal[Tissue.BLOOD] > native[Tissue.BLOOD]
    assert portal[Tissue.LIVER] > arterial[Tissue.LIVER] > native[Tissue.LIVER]


def test_the_scanner_adds_noise_and_keeps_the_mean() -> None:
    rng, flat = np.random.default_rng(4), np.full((20, 30, 30), 40, dtype=np.float32)
    scan = Scanner.drawn(rng).scan(rng, flat)
    assert 3 < scan.std() < 27
    assert abs(scan.mean() - 40) < 2


def test_a_grid_of_air_has_no_lesions() -> None:
    patient = make_patient(1, (4, 4, 4), (1.0, 1.0, 1.0), lesions=3, middle_mm=900.0)
    assert patient.lesions == ()
    assert not patient.labels.any()


def test_files_read_back_as_they_were(patient: SyntheticScan, tmp_path: Path) -> None:
    write_scan(patient, tmp_path / "p.nii.gz")
    write_truth(patient, tmp_path / "t.nii.gz")
    scan, truth = read_scan(tmp_path / "p.nii.gz"), read_labelmap(tmp_path / "t.nii.gz")
    np.testing.assert_array_equal(scan.voxels, patient.voxels)
    np.testing.assert_array_equal(truth.labels, patient.labels)
    assert scan.geometry.difference(patient.geometry) is None
    assert truth.geometry.difference(patient.geometry) is None
