"""DICOM objects as prompts: what our own and what others write points at the lesions it was made of."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import highdicom
import numpy as np
import pydicom
import pytest
from pydicom.sr.codedict import codes

from dicom_cases import NAME, NUMBER, balls, oblique, phantom, write_multiframe, write_series
from lesionlocator.dicom.outputs import DicomKind, DicomOutputs, write_dicom
from lesionlocator.errors import InputError
from lesionlocator.following.origin import read_origin
from lesionlocator.geometry import Box, Geometry
from lesionlocator.io import Scan, read_scan
from lesionlocator.prompts.entries import PromptFile
from lesionlocator.prompts.files import read_prompts
from lesionlocator.results.measurements import measure

SHAPE = (8, 16, 20)
MASKS = balls(SHAPE, {7: ((3, 8, 8), 3), 2: ((4, 9, 10), 3), 300: ((6, 3, 15), 1)})


@pytest.fixture(params=["series", "multiframe"])
def scan(tmp_path: Path, request: pytest.FixtureRequest) -> Scan:
    if request.param == "multiframe":
        return read_scan(write_multiframe(tmp_path / "in" / "ct.dcm", phantom(SHAPE), oblique(SHAPE)))
    return read_scan(write_series(tmp_path / "in", phantom(SHAPE), oblique(SHAPE)))


def read(path: Path, scan: Scan) -> PromptFile:
    content = read_prompts(path, scan.geometry, source=scan.source)
    assert isinstance(content, PromptFile)
    return content


def written(scan: Scan, folder: Path, kind: DicomKind, *, labelmap: bool = False) -> Path:
    masks = {i: mask for i, mask in MASKS.items() if i != 2 or not labelmap}
    wanted = DicomOutputs(frozenset({kind}), labelmap=labelmap)
    return write_dicom(scan, masks, folder, wanted, algorithm="model")[-1]


@pytest.mark.parametrize("kind", ["binary", "labelmap", "rtstruct"])
def test_boxes_and_centres_are_those_of_the_masks(tmp_path: Path, scan: Scan, kind: str) -> None:
    chosen = DicomKind.RTSTRUCT if kind == "rtstruct" else DicomKind.SEG
    prompts = read(written(scan, tmp_path, chosen, labelmap=kind == "labelmap"), scan).prompts
    assert prompts.ids == ((7, 300) if kind == "labelmap" else (2, 7, 300))
    for prompt in prompts:
        found = measure(MASKS[prompt.lesion_id], scan)
        assert found is not None
        assert prompt.box == found.box
        assert prompt.point == pytest.approx(found.centroid_voxel, abs=1e-3)


@pytest.mark.parametrize("kind", ["binary", "labelmap"])
def test_segments_are_masks_of_a_baseline(tmp_path: Path, scan: Scan, kind: str) -> None:
    origin = read_origin([written(scan, tmp_path, DicomKind.SEG, labelmap=kind == "labelmap")], scan)
    assert sorted(origin.masks) == ([7, 300] if kind == "labelmap" else [2, 7, 300])
    for lesion_id, mask in origin.masks.items():
        np.testing.assert_array_equal(mask.full(), MASKS[lesion_id].full())


def test_segments_off_the_grid_are_no_masks_of_a_baseline(tmp_path: Path, scan: Scan) -> None:
    path = written(scan, tmp_path, DicomKind.SEG)
    moved = tuple(v + 0.4 for v in scan.geometry.origin_lps)
    shifted = replace(scan, geometry=replace(scan.geometry, origin_lps=moved))
    with pytest.raises(InputError, match=r"lesion \d+ is not on the grid of the scan"):
        read_origin([path], shifted)
    short = replace(scan, voxels=scan.voxels[:5], geometry=replace(scan.geometry, shape=(5, 16, 20)))
    with pytest.raises(InputError, match=r"lesion \d+ lies outside the scan"):
        read_origin([path], short)


def test_a_report_is_no_mask_of_a_baseline(tmp_path: Path, scan: Scan) -> None:
    path = written(scan, tmp_path, DicomKind.SR)
    with pytest.raises(InputError, match=r"legal as masks: a Segmentation, or label maps"):
        read_origin([path], scan)


def test_a_segmentation_on_another_grid_covers_the_same_place(tmp_path: Path, scan: Scan) -> None:
    path = written(scan, tmp_path, DicomKind.SEG)
    finer = Geometry((16, 16, 20), (1.25, 0.7, 0.9), scan.geometry.origin_lps, scan.geometry.direction_lps)
    content = read_prompts(path, finer)
    assert isinstance(content, PromptFile)
    box, coarse = content.prompts[7].box, measure(MASKS[7], scan)
    assert coarse is not None
    assert box is not None
    assert (box.start[1:], box.stop[1:]) == (coarse.box.start[1:], coarse.box.stop[1:])
    assert box.start[0] <= 2 * coarse.box.start[0]
    assert box.stop[0] >= 2 * coarse.box.stop[0] - 1


def test_diameters_of_a_report_become_boxes(tmp_path: Path, scan: Scan) -> None:
    prompts = read(written(scan, tmp_path, DicomKind.SR), scan).prompts
    assert prompts.ids == (2, 7, 300)
    prompt, found = prompts[7], measure(MASKS[7], scan)
    assert found is not None
    ends = np.array([*found.longest_diameter.ends_voxel, *found.perpendicular_diameter.ends_voxel])
    assert prompt.point == pytest.approx(tuple(ends.mean(axis=0)), abs=1e-3)
    assert prompt.box is not None
    assert np.all(ends >= np.array(prompt.box.start) - 0.5)
    assert np.all(ends <= np.array(prompt.box.stop) - 0.5)
    assert prompt.box.shape[0] * 2.5 >= found.perpendicular_diameter.length_mm


def test_the_depth_of_a_box_that_is_guessed_is_told(tmp_path: Path, scan: Scan) -> None:
    content = read(written(scan, tmp_path, DicomKind.SR), scan)
    found = measure(MASKS[7], scan)
    assert found is not None
    across = f"{found.perpendicular_diameter.length_mm:.1f} mm"
    assert content.box_remarks[7] == (
        f"the depth of its box is guessed from its shorter diameter, {across}: check it"
    )
    assert read(written(scan, tmp_path, DicomKind.SEG), scan).box_remarks == {}
    assert read(point_report(scan, tmp_path), scan).box_remarks == {}


def point_report(scan: Scan, folder: Path, *, elsewhere: bool = False) -> Path:
    """A report of another program: a point on an image, and one in the patient."""
    assert scan.source is not None
    images = [
        pydicom.dcmread(scan.source.location / name, stop_before_pixels=True) for name in scan.source.names
    ]
    image = images[0] if scan.source.is_multiframe else images[4]
    region = highdicom.sr.SourceImageForRegion(
        image.SOPClassUID,
        image.SOPInstanceUID,
        [scan.source.frames[4]] if scan.source.is_multiframe else None,
    )
    in_patient = scan.geometry.voxel_to_lps((2.0, 5.0, 6.0))[None]
    places = [
        highdicom.sr.CoordinatesForMeasurement("POINT", np.array([[10.5, 7.5]]), region),
        highdicom.sr.CoordinatesForMeasurement3D("POINT", in_patient, image.FrameOfReferenceUID),
    ]
    groups = [
        highdicom.sr.MeasurementsAndQualitativeEvaluations(
            tracking_identifier=highdicom.sr.TrackingIdentifier(identifier=f"target {number}"),
            measurements=[
                highdicom.sr.Measurement(
                    codes.SCT.Diameter, 4.0, codes.UCUM.Millimeter, referenced_coordinates=[place]
                )
            ],
        )
        for number, place in ((5, places[0]), (9, places[1]))
    ]
    observer = highdicom.sr.PersonObserverIdentifyingAttributes(name="Reader^A")
    content = highdicom.sr.MeasurementReport(
        highdicom.sr.ObservationContext(highdicom.sr.ObserverContext(codes.DCM.Person, observer)),
        procedure_reported=codes.SCT.ImagingProcedure,
        imaging_measurements=groups,
    )
    report = highdicom.sr.Comprehensive3DSR(
        images, content[0], "1.2.4", 1, "1.2.5", 1, manufacturer="Other", is_complete=True
    )
    report.save_as(folder / "points.dcm")
    if elsewhere:
        content = (folder / "points.dcm").read_bytes()
        (folder / "points.dcm").write_bytes(content.replace(image.SOPInstanceUID[-8:].encode(), b"12345678"))
    return folder / "points.dcm"


def test_points_of_a_report_are_points(tmp_path: Path, scan: Scan) -> None:
    prompts = read(point_report(scan, tmp_path), scan).prompts
    assert prompts.ids == (5, 9)
    assert prompts[5].point == pytest.approx((4, 7, 10), abs=1e-3)
    assert prompts[9].point == pytest.approx((2, 5, 6), abs=1e-3)
    assert prompts[5].box is None


def test_a_point_on_an_image_of_another_scan_is_refused_and_the_others_stay(
    tmp_path: Path, scan: Scan
) -> None:
    content = read(point_report(scan, tmp_path, elsewhere=True), scan)
    assert content.prompts.ids == (9,)
    assert content.refused == {5: "lies on an image that is not part of the scan"}


def test_what_points_at_nothing_is_refused(tmp_path: Path, scan: Scan) -> None:
    image = next(iter(sorted((tmp_path / "in").iterdir())))
    with pytest.raises(InputError, match=r"is (Enhanced )?CT Image Storage; legal: Segmentation"):
        read(image, scan)
    path = written(scan, tmp_path, DicomKind.SEG)
    with pytest.raises(InputError, match="DICOM prompts need the image"):
        read_prompts(path)
    (tmp_path / "cut.dcm").write_bytes(path.read_bytes()[:2500])
    with pytest.raises(InputError, match=r"cut\.dcm: (is damaged|points at no lesion)") as refusal:
        read(tmp_path / "cut.dcm", scan)
    assert not any(secret in str(refusal.value) for secret in (NAME, NUMBER))


def test_a_region_without_contours_is_refused_by_its_number(tmp_path: Path, scan: Scan) -> None:
    structures: Any = pydicom.dcmread(written(scan, tmp_path, DicomKind.RTSTRUCT))
    del structures.ROIContourSequence[1].ContourSequence
    structures.save_as(tmp_path / "less.dcm")
    content = read(tmp_path / "less.dcm", scan)
    assert content.refused == {7: "the region has no contour"}
    assert content.prompts.ids == (2, 300)
    assert isinstance(content.prompts[2].box, Box)
