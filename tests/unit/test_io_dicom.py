"""DICOM series read as scans: the same voxels at the same places, or a plain refusal."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
import SimpleITK
from pydicom.encaps import encapsulate

from dicom_cases import (
    JPEG_2000,
    JPEG_LOSSLESS,
    JPEG_LS,
    NAME,
    NUMBER,
    RLE,
    oblique,
    phantom,
    uid,
    write_multiframe,
    write_series,
)
from lesionlocator.errors import InputError
from lesionlocator.geometry import Geometry
from lesionlocator.io import read_geometry, read_scan

GRID = Geometry((8, 16, 16), (2.0, 1.0, 1.0), (-10.0, 20.0, 30.5))
VOXELS = phantom()


def edited(folder: Path, change: Any, *, geometry: Geometry = GRID) -> Path:
    return write_series(folder / "scan", VOXELS, geometry, change=change)


def test_a_series_is_read_as_itk_reads_it(tmp_path: Path) -> None:
    folder = write_series(tmp_path / "scan", VOXELS, oblique())
    scan = read_scan(folder)
    reader = SimpleITK.ImageSeriesReader()
    reader.SetFileNames(reader.GetGDCMSeriesFileNames(str(folder)))
    image = reader.Execute()
    assert scan.name == "scan"
    assert scan.voxels.dtype == np.int16
    assert np.array_equal(scan.voxels, SimpleITK.GetArrayFromImage(image))
    itk = Geometry(
        scan.geometry.shape, image.GetSpacing()[::-1], image.GetOrigin(), tuple(image.GetDirection())
    )
    assert scan.geometry.difference(itk, tolerance_mm=1e-4) is None
    assert read_geometry(folder) == scan.geometry


def test_slices_are_sorted_by_position_whatever_their_names_and_numbers(tmp_path: Path) -> None:
    def renumber(one: pydicom.Dataset, z: int) -> None:
        one.InstanceNumber = (5 * z) % 8 + 1

    folder = write_series(
        tmp_path / "scan", VOXELS, GRID, change=renumber, names=lambda z: f"{(3 * z) % 8}.dcm"
    )
    scan = read_scan(folder)
    assert np.array_equal(scan.voxels, VOXELS)
    assert scan.geometry == GRID


@pytest.mark.parametrize("transfer", [RLE, JPEG_LOSSLESS, JPEG_LS, JPEG_2000])
def test_compressed_pixels_are_those_that_went_in(tmp_path: Path, transfer: str) -> None:
    folder = write_series(tmp_path / "scan", VOXELS, GRID, transfer=transfer)
    assert pydicom.dcmread(folder / "CT.0").file_meta.TransferSyntaxUID == transfer
    assert np.array_equal(read_scan(folder).voxels, VOXELS)


def test_a_multiframe_file_is_read_in_the_order_of_its_positions(tmp_path: Path) -> None:
    scan = read_scan(write_multiframe(tmp_path / "enhanced.dcm", VOXELS, oblique()))
    assert scan.name == "enhanced"
    assert scan.source is not None
    assert sorted(scan.source.frames) == list(range(1, 9))
    expected = read_scan(write_series(tmp_path / "scan", VOXELS, oblique()))
    assert np.array_equal(scan.voxels, expected.voxels)
    assert scan.geometry.difference(expected.geometry) is None


def test_each_slice_has_its_own_rescale(tmp_path: Path) -> None:
    def rescale(one: pydicom.Dataset, z: int) -> None:
        stored = np.frombuffer(one.PixelData, np.uint16)
        one.RescaleSlope, one.RescaleIntercept = 1 + z, -1000 - z
        one.PixelData = np.full_like(stored, 10 + z).tobytes()

    scan = read_scan(edited(tmp_path, rescale))
    assert scan.voxels.dtype == np.int16
    assert [set(image.ravel().tolist()) for image in scan.voxels] == [
        {(1 + z) * (10 + z) - 1000 - z} for z in range(8)
    ]


def test_values_that_are_no_whole_numbers_are_float32(tmp_path: Path) -> None:
    def rescale(one: pydicom.Dataset, z: int) -> None:
        one.RescaleSlope = 0.5 if z == 4 else 1

    scan = read_scan(edited(tmp_path, rescale))
    assert scan.voxels.dtype == np.float32
    assert np.array_equal(scan.voxels[3], VOXELS[3])
    assert np.array_equal(scan.voxels[4], 0.5 * (VOXELS[4].astype(float) + 1024) - 1024)


def test_a_zip_is_read_as_the_folder_it_was_made_of(tmp_path: Path) -> None:
    folder = write_series(tmp_path / "scan", VOXELS, GRID)
    with zipfile.ZipFile(tmp_path / "study.zip", "w") as archive:
        archive.writestr("readme.txt", "hello")
        for file in folder.iterdir():
            archive.write(file, f"../{file.name}")
    scan = read_scan(tmp_path / "study.zip")
    assert scan.name == "study"
    assert np.array_equal(scan.voxels, VOXELS)
    assert scan.geometry == GRID


def test_one_usable_ct_series_is_chosen_by_itself_and_others_by_number_or_uid(tmp_path: Path) -> None:
    def scout(one: pydicom.Dataset, z: int) -> None:
        one.ImageType = ["ORIGINAL", "PRIMARY", "LOCALIZER"]

    def magnetic(one: pydicom.Dataset, z: int) -> None:
        one.Modality = "MR"

    write_series(tmp_path / "a" / "scout", VOXELS, GRID, change=scout, series="scout", number=1)
    write_series(tmp_path / "a" / "mr", 2 * VOXELS, GRID, change=magnetic, series="mr", number=2)
    write_series(tmp_path / "a" / "ct", VOXELS, GRID)
    (tmp_path / "a" / "notes.txt").write_text("no DICOM")
    assert np.array_equal(read_scan(tmp_path / "a").voxels, VOXELS)
    assert np.array_equal(read_scan(tmp_path / "a", series="2").voxels, 2 * VOXELS)
    write_series(tmp_path / "a" / "ct 2", 3 * VOXELS, GRID, series="second", number=4)
    with pytest.raises(InputError, match=r"holds 2 CT series: series 3 .*series 4 .*--series"):
        read_scan(tmp_path / "a")
    assert np.array_equal(read_scan(tmp_path / "a", series=uid("second")).voxels, 3 * VOXELS)
    with pytest.raises(InputError, match="holds no series 9; there are: series 1"):
        read_scan(tmp_path / "a", series="9")
    with pytest.raises(InputError, match=r"series 1 .*is a localizer"):
        read_scan(tmp_path / "a", series="1")


def test_copies_of_a_file_and_localizers_in_the_series_are_left_out(tmp_path: Path) -> None:
    folder = write_series(tmp_path / "scan", VOXELS, GRID)
    (folder / "copy").write_bytes((folder / "CT.3").read_bytes())
    scout = pydicom.dcmread(folder / "CT.0")
    scout.SOPInstanceUID = scout.file_meta.MediaStorageSOPInstanceUID = uid("scout")
    scout.ImageType = ["ORIGINAL", "PRIMARY", "LOCALIZER"]
    scout.ImageOrientationPatient = [1, 0, 0, 0, 0, -1]
    scout.save_as(folder / "scout")
    assert np.array_equal(read_scan(folder).voxels, VOXELS)


def tilted(one: pydicom.Dataset, z: int) -> None:
    x, y, position = one.ImagePositionPatient
    one.ImagePositionPatient = [x, y + z * 0.5, position]


def uneven(one: pydicom.Dataset, z: int) -> None:
    x, y, position = one.ImagePositionPatient
    one.ImagePositionPatient = [x, y, position + (0.7 if z == 5 else 0)]


def gap(one: pydicom.Dataset, z: int) -> None:
    x, y, position = one.ImagePositionPatient
    one.ImagePositionPatient = [x, y, position + (4 if z > 5 else 0)]


def doubled(one: pydicom.Dataset, z: int) -> None:
    x, y, position = one.ImagePositionPatient
    one.ImagePositionPatient = [x, y, position - (2 if z > 3 else 0)]


def turned(one: pydicom.Dataset, z: int) -> None:
    if z == 2:
        one.ImageOrientationPatient = [0, 1, 0, -1, 0, 0]


def smaller(one: pydicom.Dataset, z: int) -> None:
    if z == 2:
        one.Rows = 8


def finer(one: pydicom.Dataset, z: int) -> None:
    if z == 2:
        one.PixelSpacing = [0.5, 0.5]


def nowhere(one: pydicom.Dataset, z: int) -> None:
    del one.ImagePositionPatient


def coloured(one: pydicom.Dataset, z: int) -> None:
    one.SamplesPerPixel = 3


def unknown(one: pydicom.Dataset, z: int) -> None:
    one.file_meta.TransferSyntaxUID = "1.2.840.10008.1.2.4.102"  # MPEG-4
    one.PixelData = encapsulate([b"video"])
    one["PixelData"].is_undefined_length = True


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (tilted, r"gantry tilt: slices shift sideways by up to 3.5 mm \(14.0 degrees\)"),
        (uneven, r"slices are unevenly spaced: 2.700 mm between CT.4 and CT.5, 2.000 mm elsewhere"),
        (gap, r"2 slices are missing: 6.000 mm between CT.5 and CT.6, 2.000 mm elsewhere"),
        (doubled, r"slices are doubled: 1 lie where another lies, such as CT.3 and CT.4"),
        (turned, r"slices are of several orientations: 1, such as CT.2, differ from CT.0"),
        (smaller, r"slices are of several sizes: 7 of 16 x 16, 1 of 8 x 16"),
        (finer, r"slices are of several pixel spacings: \(0.5, 0.5\) mm in CT.2"),
        (nowhere, r"CT.0: has no position"),
        (coloured, r"images are in colour"),
        (unknown, r"CT.0: pixels are encoded as 1.2.840.10008.1.2.4.102; legal: uncompressed"),
    ],
)
def test_what_is_no_even_stack_is_refused_with_what_was_found(
    tmp_path: Path, change: Any, message: str
) -> None:
    with pytest.raises(InputError, match=message) as refusal:
        read_scan(edited(tmp_path, change))
    assert str(tmp_path / "scan") in str(refusal.value)
    assert not any(secret in str(refusal.value) for secret in (NAME, NUMBER, "15470929"))


def test_files_that_are_no_dicom_or_damaged_are_named(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match=r"empty: holds no DICOM file \(0 other files\)"):
        read_scan(tmp_path / "empty")
    (tmp_path / "empty" / "a.txt").write_text("x")
    with pytest.raises(InputError, match=r"holds no DICOM file \(1 other file\)"):
        read_scan(tmp_path / "empty")
    (tmp_path / "bad.zip").write_bytes(b"PK nonsense")
    with pytest.raises(InputError, match=r"bad.zip: is no zip file that can be read"):
        read_scan(tmp_path / "bad.zip")
    folder = write_series(tmp_path / "scan", VOXELS, GRID)
    cut = (folder / "CT.4").read_bytes()
    (folder / "CT.4").write_bytes(cut[: len(cut) - 100])
    with pytest.raises(InputError, match=r"CT.4: pixels cannot be read: damaged or truncated"):
        read_scan(folder)
    (folder / "CT.4").write_bytes(cut[:300])
    with pytest.raises(InputError, match=r"1 slice is missing.*"):
        read_scan(folder)


def test_garbage_and_lonely_files_are_named_too(tmp_path: Path) -> None:
    folder = write_series(tmp_path / "scan", VOXELS, GRID)
    (folder / "CT.4").write_bytes(b"\0" * 128 + b"DICM" + b"\xff" * 400)
    with pytest.raises(InputError, match=r"CT.4: header is damaged \(does not say what the file is\)$"):
        read_scan(folder)
    (tmp_path / "a.dcm").write_bytes(b"hello")
    with pytest.raises(InputError, match=r"a.dcm: is no DICOM file$"):
        read_scan(tmp_path / "a.dcm")
    other = write_series(tmp_path / "mr", VOXELS, GRID, change=lambda one, _: setattr(one, "Modality", "MR"))
    with pytest.raises(
        InputError, match=r"series 3 \(MR, [\d.]+\): is no CT; --series takes it all the same"
    ):
        read_scan(other)
    assert np.array_equal(read_scan(other, series="3").voxels, VOXELS)


def test_a_missing_extra_is_asked_for_by_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    from lesionlocator.errors import LesionLocatorError

    folder = write_series(tmp_path / "scan", VOXELS, GRID)
    monkeypatch.setitem(sys.modules, "pydicom", None)
    with pytest.raises(LesionLocatorError, match=r"pip install 'lesionlocator\[dicom\]'"):
        read_scan(folder)


def test_a_real_series_is_read_as_itk_reads_it(real_scans: Path) -> None:
    folder = real_scans / "dicom_ct"
    scan = read_scan(folder)
    reader = SimpleITK.ImageSeriesReader()
    reader.SetFileNames(reader.GetGDCMSeriesFileNames(str(folder)))
    assert np.array_equal(scan.voxels, SimpleITK.GetArrayFromImage(reader.Execute()))
