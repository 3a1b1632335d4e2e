import subprocess
import sys
import threading
from pathlib import Path

import nibabel
import numpy as np
import pytest
import SimpleITK
from image_files import INTEGERS, VOXELS, itk, patched, write
from numpy.typing import NDArray

from lesionlocator.errors import InputError
from lesionlocator.geometry import Geometry, Orientation
from lesionlocator.io import Scan, read_geometry, read_scan


@pytest.mark.parametrize("ending", [".nii.gz", ".nii", ".nrrd", ".mha"])
@pytest.mark.parametrize("dtype", [np.int16, np.float32])
def test_every_format_gives_the_voxels_and_grid_that_simpleitk_reads(
    tmp_path: Path, ending: str, dtype: type[np.generic]
) -> None:
    path = write(tmp_path / f"a{ending}", (VOXELS - 20).astype(dtype))
    scan = read_scan(path)
    image = SimpleITK.ReadImage(str(path))
    assert (scan.name, scan.path) == ("a", path)
    assert scan.voxels.dtype == dtype
    np.testing.assert_array_equal(scan.voxels, itk(path))
    assert scan.geometry.spacing == image.GetSpacing()[::-1]
    assert scan.geometry.origin_lps == image.GetOrigin()
    assert scan.geometry.direction_lps == image.GetDirection()
    assert read_geometry(path) == scan.geometry


def test_ending_in_capitals_is_read(tmp_path: Path) -> None:
    path = write(tmp_path / "a.nii.gz", VOXELS).rename(tmp_path / "A.NII.GZ")
    assert read_scan(path).name == "A"


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("kind", [*INTEGERS, "f4", "f8"])
@pytest.mark.parametrize("ending", [".nii", ".nii.gz"])
def test_every_nifti_number_type_in_both_byte_orders_is_read_as_simpleitk_does(
    tmp_path: Path, ending: str, kind: str, order: str
) -> None:
    path = tmp_path / f"a{ending}"
    header = nibabel.Nifti1Header(endianness=order)
    header.set_data_dtype(np.dtype(kind).newbyteorder(order))
    nibabel.save(nibabel.Nifti1Image(VOXELS.T.astype(kind), np.diag([2.0, 3.0, 4.0, 1.0]), header), path)
    scan = read_scan(path)
    assert scan.voxels.dtype == (np.int16 if kind in INTEGERS else np.float32)
    assert scan.voxels.dtype.isnative
    np.testing.assert_array_equal(scan.voxels, itk(path))
    np.testing.assert_array_equal(scan.voxels, np.asarray(nibabel.load(path).dataobj).T)


@pytest.mark.parametrize(
    ("value", "kind", "kept"),
    [
        (32767, "u2", np.int16),
        (32768, "u2", np.float32),
        (-32768, "i4", np.int16),
        (-32769, "i4", np.float32),
        (2**40, "i8", np.float32),
        (2**63, "u8", np.float32),
    ],
)
def test_whole_numbers_are_int16_where_all_fit_and_float32_where_one_does_not(
    tmp_path: Path, value: int, kind: str, kept: type[np.generic]
) -> None:
    array = np.zeros((2, 3, 4), kind)
    array[1, 2, 3] = value
    scan = read_scan(write(tmp_path / "a.nii", array))
    assert scan.voxels.dtype == kept
    assert scan.voxels[1, 2, 3] == value


@pytest.mark.parametrize("kind", ["u1", "i2", "i4", "f4", "f8"])
@pytest.mark.parametrize(
    ("slope", "intercept"),
    [
        (2.0, 0.5),
        (0.1, -3.0),
        (1.0, -1024.0),
        (-1.0, 0.0),
        (0.0, 5.0),
        (2.0, np.nan),
        (np.nan, 0.0),
        (np.nan, 5.0),
        (np.inf, 5.0),
        (1000.0, 0.0),
    ],
)
def test_slope_and_intercept_give_the_values_that_simpleitk_gives(
    tmp_path: Path, kind: str, slope: float, intercept: float
) -> None:
    path = write(tmp_path / "a.nii", VOXELS.astype(kind))
    expected = itk(patched(path, 112, "<2f", slope, intercept))
    scan = read_scan(path)
    np.testing.assert_array_equal(scan.voxels, expected.astype(np.float32))
    whole = kind[0] != "f" and np.array_equal(expected, np.round(expected)) and expected.max() <= 32767
    assert scan.voxels.dtype == (np.int16 if whole else np.float32)


@pytest.mark.parametrize("offset", [0.0, 348.0, 352.0, 356.0])
def test_voxel_offset_is_read_as_simpleitk_does(tmp_path: Path, offset: float) -> None:
    path = write(tmp_path / "a.nii", VOXELS)
    path.write_bytes(path.read_bytes() + bytes(8))
    patched(path, 108, "<f", offset)
    np.testing.assert_array_equal(read_scan(path).voxels, itk(path))


def test_nifti_with_a_fourth_axis_of_one_in_its_header_is_3d(tmp_path: Path) -> None:
    path = tmp_path / "a.nii.gz"
    nibabel.save(nibabel.Nifti1Image(VOXELS.T[..., None], np.eye(4)), path)
    np.testing.assert_array_equal(read_scan(path).voxels, VOXELS)


def test_single_slice_is_a_scan(tmp_path: Path) -> None:
    assert read_scan(write(tmp_path / "a.nii.gz", VOXELS[:1])).geometry.shape == (1, 4, 5)


def test_scan_is_read_only_and_leaves_the_callers_array_as_it_was() -> None:
    array = VOXELS.copy()
    scan = Scan("a", array, Geometry((3, 4, 5), (1.0, 1.0, 1.0)))
    assert np.shares_memory(scan.voxels, array)
    assert array.flags.writeable
    with pytest.raises(ValueError, match="read-only"):
        scan.voxels[0, 0, 0] = 1


@pytest.mark.parametrize(
    ("voxels", "message"),
    [
        (VOXELS.astype(np.float64), "voxels are float64; legal: int16 or float32"),
        (VOXELS[:2], r"voxels of shape \(2, 4, 5\) on a grid of \(3, 4, 5\)"),
        (VOXELS[0], r"voxels of shape \(4, 5\)"),
        (np.full((3, 4, 5), np.nan, np.float32), "60 of 60 voxels are NaN"),
    ],
)
def test_scan_that_does_not_fit_together_is_not_born(voxels: NDArray[np.int16], message: str) -> None:
    with pytest.raises(InputError, match=f"ct: {message}"):
        Scan("ct", voxels, Geometry((3, 4, 5), (1.0, 1.0, 1.0)))


def test_oriented_scan_is_a_view_with_every_voxel_at_its_place_in_the_patient() -> None:
    geometry = Geometry((3, 4, 5), (3.0, 0.5, 0.75), (-12.5, 7.25, -300.0), (-1, 0, 0, 0, 0, -1, 0, 1, 0))
    scan = Scan("a", VOXELS, geometry)
    oriented = scan.oriented(Orientation.canonical(geometry))
    assert np.shares_memory(oriented.voxels, VOXELS)
    index = np.array(np.unravel_index(np.arange(60), oriented.voxels.shape)).T
    stored = np.rint(geometry.lps_to_voxel(oriented.geometry.voxel_to_lps(index))).astype(int)
    np.testing.assert_array_equal(oriented.voxels.ravel(), VOXELS[tuple(stored.T)])


def test_reading_leaves_the_warning_switch_of_itk_as_it_was_also_from_threads(tmp_path: Path) -> None:
    path = write(tmp_path / "a.nrrd", VOXELS)
    before = SimpleITK.ProcessObject.GetGlobalWarningDisplay()
    try:
        for shown in (True, False):
            SimpleITK.ProcessObject.SetGlobalWarningDisplay(shown)
            threads = [threading.Thread(target=read_scan, args=(path,)) for _ in range(4)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            assert SimpleITK.ProcessObject.GetGlobalWarningDisplay() == shown
    finally:
        SimpleITK.ProcessObject.SetGlobalWarningDisplay(before)


def test_importing_the_readers_does_not_import_simpleitk_or_torch() -> None:
    code = "import sys, lesionlocator.io; print({'SimpleITK', 'torch', 'scipy'} & set(sys.modules))"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "set()"
