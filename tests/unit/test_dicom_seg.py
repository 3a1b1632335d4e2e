"""Segmentations read back by others: the same voxels in the patient, each lesion whole."""

from __future__ import annotations

from pathlib import Path

import highdicom
import numpy as np
import pydicom
import pytest
import SimpleITK

from dcmqi_tools import run_dcmqi
from dicom_cases import (
    JPEG_LS,
    NAME,
    NUMBER,
    balls,
    oblique,
    phantom,
    uid,
    write_multiframe,
    write_series,
)
from lesionlocator.dicom.outputs import DicomKind, DicomOutputs, write_dicom
from lesionlocator.errors import InputError
from lesionlocator.io import Scan, read_scan, write_mask_region
from lesionlocator.results.lesion import LesionMask

SHAPE = (8, 16, 20)
MASKS = balls(SHAPE, {7: ((3, 8, 8), 3), 2: ((4, 9, 10), 3), 300: ((6, 3, 15), 1)})
"""Lesions 2 and 7 overlap."""
SEG = DicomOutputs(frozenset({DicomKind.SEG}))


def written(
    scan: Scan, folder: Path, wanted: DicomOutputs = SEG, masks: dict[int, LesionMask] = MASKS
) -> Path:
    (path,) = write_dicom(scan, masks, folder, wanted, algorithm="model", root="1.2.3")
    return path


def scan_of(kind: str, folder: Path) -> Scan:
    voxels, geometry = phantom(SHAPE), oblique(SHAPE)
    if kind == "multiframe":
        return read_scan(write_multiframe(folder / "in" / "ct.dcm", voxels, geometry))
    if kind == "odd":  # a slice has no whole number of bytes of bits
        voxels, geometry = phantom((8, 15, 21)), oblique((8, 15, 21))
    transfer = JPEG_LS if kind == "compressed" else None
    return read_scan(
        write_series(folder / "in", voxels, geometry, transfer=transfer, names=lambda z: f"{(3 * z) % 8}")
    )


@pytest.mark.parametrize("kind", ["series", "compressed", "multiframe", "odd"])
def test_dcmqi_reads_the_voxels_of_the_nifti_masks(tmp_path: Path, kind: str) -> None:
    scan = scan_of(kind, tmp_path)
    shape = scan.geometry.shape
    masks = balls(shape, {7: ((3, 8, 8), 3), 2: ((4, 9, 10), 3), 300: ((6, 3, 15), 1)})
    path = written(scan, tmp_path, masks=masks)
    (tmp_path / "back").mkdir()
    run_dcmqi("segimage2itkimage", "--inputDICOM", path, "--outputDirectory", tmp_path / "back", "-t", "nii")
    for number, (lesion, mask) in enumerate(sorted(masks.items()), start=1):
        write_mask_region(tmp_path / f"{lesion}.nii.gz", mask.region, mask.box, scan.geometry)
        expected = SimpleITK.ReadImage(tmp_path / f"{lesion}.nii.gz")
        back = SimpleITK.ReadImage(tmp_path / "back" / f"{number}.nii.gz")
        inside = SimpleITK.Resample(back > 0, expected, SimpleITK.Transform(), SimpleITK.sitkNearestNeighbor)
        assert np.array_equal(SimpleITK.GetArrayFromImage(inside), SimpleITK.GetArrayFromImage(expected))


def test_segments_name_the_lesion_and_refer_to_the_slices_they_lie_on(tmp_path: Path) -> None:
    scan = scan_of("series", tmp_path)
    seg = highdicom.seg.segread(written(scan, tmp_path))
    assert [one.SegmentLabel for one in seg.SegmentSequence] == ["Lesion 2", "Lesion 7", "Lesion 300"]
    assert [one.SegmentNumber for one in seg.SegmentSequence] == [1, 2, 3]
    assert seg.SegmentsOverlap == "YES"
    assert seg.ReferencedSeriesSequence[0].SeriesInstanceUID == uid("series")
    assert seg.PatientID == NUMBER
    first = seg.SegmentSequence[0]
    assert first.SegmentedPropertyTypeCodeSequence[0].CodeMeaning == "Lesion"
    assert first.SegmentationAlgorithmIdentificationSequence[0].AlgorithmName == "model"
    assert scan.source is not None
    headers = [pydicom.dcmread(scan.source.location / name) for name in scan.source.names]
    for number, (_, mask) in enumerate(sorted(MASKS.items()), start=1):
        back = seg.get_pixels_by_source_instance(
            [header.SOPInstanceUID for header in headers],
            segment_numbers=[number],
            assert_missing_frames_are_empty=True,
        )
        assert np.array_equal(back[..., 0], mask.full())


def test_decimal_strings_are_no_longer_than_they_may_be(tmp_path: Path) -> None:
    seg = pydicom.dcmread(written(scan_of("series", tmp_path), tmp_path))
    (shared,) = seg.SharedFunctionalGroupsSequence
    assert shared.PixelMeasuresSequence[0].SpacingBetweenSlices == 2.5
    frames = [
        frame.PlanePositionSequence[0].ImagePositionPatient for frame in seg.PerFrameFunctionalGroupsSequence
    ]
    assert max(len(str(mm)) for position in frames for mm in position) <= 16


def test_a_lesion_has_one_tracking_uid_at_all_timepoints(tmp_path: Path) -> None:
    scan = scan_of("series", tmp_path)
    other = read_scan(write_series(tmp_path / "later", phantom(SHAPE), oblique(SHAPE), series="later"))
    seg, later = (pydicom.dcmread(written(one, tmp_path)) for one in (scan, other))
    uids = [one.TrackingUID for one in seg.SegmentSequence]
    assert uids == [one.TrackingUID for one in later.SegmentSequence]
    assert len(set(uids)) == 3
    assert seg.SOPInstanceUID != later.SOPInstanceUID


def test_a_label_map_holds_lesions_apart_and_refuses_those_that_overlap(tmp_path: Path) -> None:
    scan = scan_of("series", tmp_path)
    wanted = DicomOutputs(SEG.kinds, labelmap=True)
    with pytest.raises(InputError, match="lesions 2 and 7 overlap, which a LABELMAP cannot hold"):
        written(scan, tmp_path, wanted)
    apart = {i: MASKS[i] for i in (7, 300)}
    seg = highdicom.seg.segread(written(scan, tmp_path, wanted, apart))
    assert seg.SegmentationType == "LABELMAP"
    assert scan.source is not None
    headers = [pydicom.dcmread(scan.source.location / name) for name in scan.source.names]
    back = seg.get_pixels_by_source_instance(
        [header.SOPInstanceUID for header in headers],
        combine_segments=True,
        assert_missing_frames_are_empty=True,
    )
    assert np.array_equal(back, 1 * apart[7].full() + 2 * apart[300].full())


def test_nothing_of_the_patient_is_left_where_that_is_asked_for(tmp_path: Path) -> None:
    path = written(scan_of("series", tmp_path), tmp_path, DicomOutputs(SEG.kinds, deidentify=True))
    content = path.read_bytes()
    secrets = ("Quixote", NUMBER, "ACC-1", "Panza", "15470929", "20240110", "101112", uid("series"))
    assert [text for text in secrets if text.encode() in content] == []
    dataset = pydicom.dcmread(path)
    assert dataset.ContentDate == "19000101"
    plain = written(scan_of("series", tmp_path), tmp_path).read_bytes()
    assert NAME.encode() in plain


def test_a_scan_that_is_no_dicom_is_refused(tmp_path: Path) -> None:
    scan = Scan("a", phantom(SHAPE), oblique(SHAPE))
    with pytest.raises(InputError, match="a: DICOM results need a scan that is DICOM itself"):
        write_dicom(scan, MASKS, tmp_path, SEG, algorithm="model")


def test_lesions_of_a_real_series_whose_uids_are_blank_are_read_back(
    real_scans: Path, tmp_path: Path
) -> None:
    scan = read_scan(real_scans / "dicom_ct")
    masks = balls(scan.geometry.shape, {1: ((10, 250, 256), 6), 5: ((12, 240, 260), 7)})
    (path,) = write_dicom(scan, masks, tmp_path, SEG, algorithm="model")
    (again,) = write_dicom(scan, masks, tmp_path, SEG, algorithm="model")
    assert pydicom.dcmread(again).SOPInstanceUID == pydicom.dcmread(path).SOPInstanceUID
    (tmp_path / "back").mkdir()
    run_dcmqi("segimage2itkimage", "--inputDICOM", path, "--outputDirectory", tmp_path / "back", "-t", "nii")
    for number, mask in enumerate(masks.values(), start=1):
        back = SimpleITK.ReadImage(tmp_path / "back" / f"{number}.nii.gz")
        z, y, x = np.argwhere(SimpleITK.GetArrayFromImage(back)).min(axis=0).tolist()
        first = np.argwhere(mask.full()).min(axis=0)
        assert np.allclose(back.TransformIndexToPhysicalPoint((x, y, z)), scan.geometry.voxel_to_lps(first))
        assert np.count_nonzero(SimpleITK.GetArrayFromImage(back)) == mask.voxels
