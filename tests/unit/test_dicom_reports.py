"""Structured reports and structure sets read back by others."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
from skimage.draw import polygon2mask

from dcmqi_tools import run_dcmqi
from dicom_cases import NUMBER, balls, oblique, phantom, uid, write_multiframe, write_series
from lesionlocator.dicom.outputs import DicomKind, DicomOutputs, write_dicom
from lesionlocator.io import Scan, read_scan
from lesionlocator.results.measurements import measure

SHAPE = (8, 16, 20)
MASKS = balls(SHAPE, {7: ((3, 8, 8), 3), 300: ((6, 3, 15), 1)})
MASKS[7].region[3, 3, 3] = 0  # a hole


def scan_of(kind: str, folder: Path) -> Scan:
    if kind == "multiframe":
        return read_scan(write_multiframe(folder / "in" / "ct.dcm", phantom(SHAPE), oblique(SHAPE)))
    return read_scan(write_series(folder / "in", phantom(SHAPE), oblique(SHAPE)))


def written(scan: Scan, folder: Path, kind: DicomKind, *, deidentify: bool = False) -> Path:
    wanted = DicomOutputs(frozenset({kind}), deidentify=deidentify)
    return write_dicom(scan, MASKS, folder, wanted, algorithm="model", root="1.2.3")[-1]


def values(group: dict[str, Any]) -> dict[str, float]:
    return {item["quantity"]["CodeMeaning"]: float(item["value"]) for item in group["measurementItems"]}


def content(item: pydicom.Dataset) -> Iterator[pydicom.Dataset]:
    for inner in item.get("ContentSequence", ()):
        yield inner
        yield from content(inner)


def test_dcmqi_reads_what_was_measured(tmp_path: Path) -> None:
    scan = scan_of("series", tmp_path)
    path = written(scan, tmp_path, DicomKind.SR)
    run_dcmqi("tid1500reader", "--inputDICOM", path, "--outputMetadata", tmp_path / "sr.json")
    groups = json.loads((tmp_path / "sr.json").read_text())["Measurements"]
    seg = pydicom.dcmread(tmp_path / "in_seg.dcm")
    for number, (lesion, mask) in enumerate(sorted(MASKS.items())):
        found, group = measure(mask, scan), groups[2 * number]
        assert found is not None
        assert group["TrackingIdentifier"] == f"Lesion {lesion}"
        assert group["TrackingUniqueIdentifier"] == seg.SegmentSequence[number].TrackingUID
        assert groups[2 * number + 1]["TrackingUniqueIdentifier"] == group["TrackingUniqueIdentifier"]
        assert group["ReferencedSegment"] == number + 1
        assert group["segmentationSOPInstanceUID"] == seg.SOPInstanceUID
        assert group["SourceSeriesForImageSegmentation"] == uid("series")
        expected = {
            "Volume": found.volume_ml * 1000,
            "Long axis": found.longest_diameter.length_mm,
            "Short axis": found.perpendicular_diameter.length_mm,
            "Attenuation Coefficient": found.hu_mean,
        }
        assert values(group) == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("kind", ["series", "multiframe"])
def test_diameters_lie_on_the_image_on_which_they_were_taken(tmp_path: Path, kind: str) -> None:
    scan = scan_of(kind, tmp_path)
    report = pydicom.dcmread(written(scan, tmp_path, DicomKind.SR))
    line = next(item for item in content(report) if item.ValueType == "SCOORD")
    on_image = line.ContentSequence[0].ReferencedSOPSequence[0]
    found = measure(MASKS[7], scan)
    assert found is not None
    z, y, x = found.longest_diameter.ends_voxel[0]
    assert np.allclose(line.GraphicData[:2], (x + 0.5, y + 0.5))
    assert scan.source is not None
    if kind == "multiframe":
        assert on_image.ReferencedFrameNumber == scan.source.frames[round(z)]
    else:
        image = pydicom.dcmread(scan.source.location / scan.source.names[round(z)])
        assert on_image.ReferencedSOPInstanceUID == image.SOPInstanceUID


@pytest.mark.parametrize("kind", ["series", "multiframe"])
def test_contours_filled_again_are_the_masks(tmp_path: Path, kind: str) -> None:
    scan = scan_of(kind, tmp_path)
    structures = pydicom.dcmread(written(scan, tmp_path, DicomKind.RTSTRUCT))
    assert [roi.ROINumber for roi in structures.StructureSetROISequence] == [7, 300]
    assert [roi.ROIName for roi in structures.StructureSetROISequence] == ["Lesion 7", "Lesion 300"]
    assert scan.source is not None
    for item, mask in zip(structures.ROIContourSequence, MASKS.values(), strict=True):
        back = np.zeros(SHAPE, np.uint8)
        for contour in item.ContourSequence:
            assert contour.ContourGeometricType == "CLOSED_PLANAR"
            points = np.reshape(np.asarray(contour.ContourData, float), (-1, 3))
            assert len(points) == contour.NumberOfContourPoints
            voxels = scan.geometry.lps_to_voxel(points)
            z = round(float(voxels[0, 0]))
            assert np.allclose(voxels[:, 0], z, atol=1e-4)
            back[z] += polygon2mask(SHAPE[1:], voxels[:, 1:]).astype(np.uint8)
            image = contour.ContourImageSequence[0]
            if kind == "multiframe":
                assert image.ReferencedFrameNumber == scan.source.frames[z]
            else:
                slice_file = pydicom.dcmread(scan.source.location / scan.source.names[z])
                assert image.ReferencedSOPInstanceUID == slice_file.SOPInstanceUID
        assert np.array_equal(back, mask.full())


@pytest.mark.parametrize("kind", [DicomKind.SR, DicomKind.RTSTRUCT])
def test_nothing_of_the_patient_is_left_where_that_is_asked_for(tmp_path: Path, kind: DicomKind) -> None:
    content = written(scan_of("series", tmp_path), tmp_path, kind, deidentify=True).read_bytes()
    secrets = ("Quixote", NUMBER, "ACC-1", "Panza", "15470929", "20240110", "101112", uid("series"))
    assert [text for text in secrets if text.encode() in content] == []
    assert NUMBER.encode() in written(scan_of("series", tmp_path), tmp_path, kind).read_bytes()
