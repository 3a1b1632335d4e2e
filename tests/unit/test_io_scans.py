import gzip
import struct
import subprocess
import sys
import threading
from pathlib import Path

import nibabel
import numpy as np
import pytest
import SimpleITK
from numpy.typing import NDArray

from lesionlocator.errors import InputError
from lesionlocator.geometry import Geometry, Orientation
from lesionlocator.io import Scan, read_geometry, read_scan
from lesionlocator.io.files import write_atomically
from lesionlocator.io.nifti import read_nifti_header, read_nifti_voxels
from lesionlocator.io.nifti_header import build_header

INTEGERS = ["u1", "i1", "u2", "i2", "u4", "i4", "u8", "i8"]
VOXELS = np.arange(60, dtype=np.int16).reshape(3, 4, 5)


def _itk_image(array: NDArray[np.generic], *, vector: bool = False) -> SimpleITK.Image:
    image = SimpleITK.GetImageFromArray(array, isVector=vector)
    if image.GetDimension() == 3:
        image.SetSpacing((0.75, 0.5, 3.0))
        image.SetOrigin((-12.5, 7.25, -300.0))
        image.SetDirection((-1, 0, 0, 0, 0.8, 0.6, 0, -0.6, 0.8))
    return image


def _write(path: Path, array: NDArray[np.generic], *, vector: bool = False) -> Path:
    SimpleITK.WriteImage(_itk_image(array, vector=vector), str(path))
    return path


def _itk(path: Path) -> NDArray[np.generic]:
    return SimpleITK.GetArrayFromImage(SimpleITK.ReadImage(str(path)))


def _patched(path: Path, offset: int, form: str, *values: float) -> Path:
    raw = bytearray(path.read_bytes())
    struct.pack_into(form, raw, offset, *values)
    path.write_bytes(raw)
    return path


@pytest.mark.parametrize("ending", [".nii.gz", ".nii", ".nrrd", ".mha"])
@pytest.mark.parametrize("dtype", [np.int16, np.float32])
def test_every_format_gives_the_voxels_and_grid_that_simpleitk_reads(
    tmp_path: Path, ending: str, dtype: type[np.generic]
) -> None:
    path = _write(tmp_path / f"a{ending}", (VOXELS - 20).astype(dtype))
    scan = read_scan(path)
    image = SimpleITK.ReadImage(str(path))
    assert (scan.name, scan.path) == ("a", path)
    assert scan.voxels.dtype == dtype
    np.testing.assert_array_equal(scan.voxels, _itk(path))
    assert scan.geometry.spacing == image.GetSpacing()[::-1]
    assert scan.geometry.origin_lps == image.GetOrigin()
    assert scan.geometry.direction_lps == image.GetDirection()
    assert read_geometry(path) == scan.geometry


def test_ending_in_capitals_is_read(tmp_path: Path) -> None:
    path = _write(tmp_path / "a.nii.gz", VOXELS).rename(tmp_path / "A.NII.GZ")
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
    np.testing.assert_array_equal(scan.voxels, _itk(path))
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
    scan = read_scan(_write(tmp_path / "a.nii", array))
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
    path = _write(tmp_path / "a.nii", VOXELS.astype(kind))
    expected = _itk(_patched(path, 112, "<2f", slope, intercept))
    scan = read_scan(path)
    np.testing.assert_array_equal(scan.voxels, expected.astype(np.float32))
    whole = kind[0] != "f" and np.array_equal(expected, np.round(expected)) and expected.max() <= 32767
    assert scan.voxels.dtype == (np.int16 if whole else np.float32)


@pytest.mark.parametrize("offset", [0.0, 348.0, 352.0, 356.0])
def test_voxel_offset_is_read_as_simpleitk_does(tmp_path: Path, offset: float) -> None:
    path = _write(tmp_path / "a.nii", VOXELS)
    path.write_bytes(path.read_bytes() + bytes(8))
    _patched(path, 108, "<f", offset)
    np.testing.assert_array_equal(read_scan(path).voxels, _itk(path))


@pytest.mark.parametrize("ending", [".nii.gz", ".nrrd", ".mha"])
def test_fourth_axis_of_one_is_dropped_and_of_two_refused(tmp_path: Path, ending: str) -> None:
    one, two = tmp_path / f"one{ending}", tmp_path / f"two{ending}"
    volume = SimpleITK.GetImageFromArray(VOXELS)
    SimpleITK.WriteImage(SimpleITK.JoinSeries([volume]), str(one))
    SimpleITK.WriteImage(SimpleITK.JoinSeries([volume, volume]), str(two))
    np.testing.assert_array_equal(read_scan(one).voxels, VOXELS)
    with pytest.raises(InputError, match=r"two.*4 dimensions, shape \(2, 3, 4, 5\); legal: 3"):
        read_scan(two)


def test_nifti_with_a_fourth_axis_of_one_in_its_header_is_3d(tmp_path: Path) -> None:
    path = tmp_path / "a.nii.gz"
    nibabel.save(nibabel.Nifti1Image(VOXELS.T[..., None], np.eye(4)), path)
    np.testing.assert_array_equal(read_scan(path).voxels, VOXELS)


def test_single_slice_is_a_scan(tmp_path: Path) -> None:
    assert read_scan(_write(tmp_path / "a.nii.gz", VOXELS[:1])).geometry.shape == (1, 4, 5)


@pytest.mark.parametrize("ending", [".nii.gz", ".nrrd", ".mha"])
def test_2d_image_is_refused(tmp_path: Path, ending: str) -> None:
    path = _write(tmp_path / f"a{ending}", VOXELS[0])
    with pytest.raises(InputError, match=r"a\..*2 dimensions, shape \(4, 5\); legal: 3"):
        read_scan(path)


@pytest.mark.parametrize("ending", [".nii.gz", ".nrrd", ".mha"])
def test_several_numbers_for_each_voxel_are_refused(tmp_path: Path, ending: str) -> None:
    path = _write(tmp_path / f"a{ending}", np.zeros((3, 4, 5, 3), np.float32), vector=True)
    with pytest.raises(InputError, match=r"vector.*legal: one real number for each voxel"):
        read_scan(path)


@pytest.mark.parametrize("ending", [".nii.gz", ".mha", ".nrrd"])
def test_rgb_is_refused(tmp_path: Path, ending: str) -> None:
    path = _write(tmp_path / f"a{ending}", np.zeros((3, 4, 5, 3), np.uint8), vector=True)
    with pytest.raises(InputError, match="legal: one real number for each voxel"):
        read_scan(path)


def test_complex_voxels_are_refused(tmp_path: Path) -> None:
    path = _write(tmp_path / "a.nii", np.zeros((3, 4, 5), np.complex64))
    with pytest.raises(InputError, match=r"complex.*legal: one real number"):
        read_scan(path)


@pytest.mark.parametrize("ending", [".nii.gz", ".nii", ".nrrd", ".mha"])
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_voxels_that_are_not_finite_are_counted_and_refused(
    tmp_path: Path, ending: str, value: float
) -> None:
    array = VOXELS.astype(np.float32)
    array[0, 1, 2] = array[2, 3, 4] = value
    with pytest.raises(InputError, match=r"2 of 60 voxels are NaN or infinite"):
        read_scan(_write(tmp_path / f"a{ending}", array))


def test_float64_beyond_float32_is_refused_as_infinite(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="60 of 60 voxels are NaN or infinite"):
        read_scan(_write(tmp_path / "a.nii", np.full((3, 4, 5), 1e300)))


@pytest.mark.parametrize("spacing", [0.0, -1.5, np.nan, np.inf])
@pytest.mark.parametrize("read", [read_scan, read_geometry])
def test_nifti_spacing_that_itk_would_replace_is_refused(
    tmp_path: Path, spacing: float, read: object
) -> None:
    path = _patched(_write(tmp_path / "a.nii", VOXELS), 84, "<f", spacing)
    with pytest.raises(InputError, match=rf"a\.nii: spacing .*{spacing}.*legal: positive and finite"):
        read(path)  # type: ignore[operator]


@pytest.mark.parametrize("spacing", [b"0", b"-1.5", b"nan"])
@pytest.mark.parametrize("ending", [".mha", ".nrrd"])
def test_spacing_that_is_not_positive_is_refused_in_text_headers(
    tmp_path: Path, ending: str, spacing: bytes
) -> None:
    path = tmp_path / f"a{ending}"
    SimpleITK.WriteImage(SimpleITK.GetImageFromArray(VOXELS), str(path))
    raw = path.read_bytes()
    directions = b"space: left-posterior-superior\nsizes: 5 4 3\nspace directions: (1,0,0) (0,1,0) (0,0,1)"
    assert (b"ElementSpacing = 1 1 1" in raw) or (directions in raw)
    raw = raw.replace(b"ElementSpacing = 1 1 1", b"ElementSpacing = 1 " + spacing + b" 1")
    raw = raw.replace(directions, b"sizes: 5 4 3\nspacings: 1 " + spacing + b" 1").replace(
        b"space origin: (0,0,0)\n", b""
    )
    path.write_bytes(raw)
    with pytest.raises(InputError, match="spacing"):
        read_scan(path)


@pytest.mark.parametrize("ending", [".nii", ".nrrd", ".mha"])
def test_truncated_file_is_refused(tmp_path: Path, ending: str) -> None:
    path = _write(tmp_path / f"a{ending}", VOXELS)
    path.write_bytes(path.read_bytes()[:-7])
    with pytest.raises(InputError, match=rf"a{ending}"):
        read_scan(path)


@pytest.mark.parametrize("kept", [0, 1, 9, 40, 0.5, 0.9, -9, -8, -1])
def test_truncated_gzip_is_refused_wherever_it_ends(tmp_path: Path, kept: float) -> None:
    noise = np.random.default_rng(0).integers(-1000, 1000, (8, 9, 10)).astype(np.int16)
    path = _write(tmp_path / "a.nii.gz", noise)
    raw = path.read_bytes()
    path.write_bytes(raw[: int(kept * len(raw)) if 0 < kept < 1 else int(kept)])
    with pytest.raises(InputError, match=r"a\.nii\.gz"):
        read_scan(path)


def test_truncated_gzip_says_how_much_there_is(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(-1000, 1000, (20, 30, 40)).astype(np.int16)
    path = _write(tmp_path / "a.nii.gz", noise)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(InputError, match=r"is truncated: \d+ of 48352 bytes could be read"):
        read_scan(path)


@pytest.mark.parametrize("place", [0.5, -6, -2])
def test_gzip_with_a_flipped_bit_is_refused(tmp_path: Path, place: float) -> None:
    noise = np.random.default_rng(0).integers(-1000, 1000, (8, 9, 10)).astype(np.int16)
    path = _write(tmp_path / "a.nii.gz", noise)
    raw = bytearray(path.read_bytes())
    raw[int(place * len(raw)) if place > 0 else int(place)] ^= 4
    path.write_bytes(raw)
    with pytest.raises(InputError, match=r"a\.nii\.gz: is (damaged|truncated)"):
        read_scan(path)


def test_gzip_ending_on_an_uncompressed_file_is_read_as_simpleitk_does(tmp_path: Path) -> None:
    path = tmp_path / "a.nii.gz"
    _write(tmp_path / "a.nii", VOXELS).rename(path)
    np.testing.assert_array_equal(read_scan(path).voxels, _itk(path))


@pytest.mark.parametrize("packed", [False, True])
def test_header_that_declares_terabytes_is_refused_before_memory_is_asked_for(
    tmp_path: Path, packed: bool
) -> None:
    path = _patched(_write(tmp_path / "a.nii", VOXELS), 40, "<4h", 3, 32767, 32767, 32767)
    if packed:
        raw = gzip.compress(path.read_bytes())
        path = tmp_path / "a.nii.gz"
        path.write_bytes(raw)
    with pytest.raises(InputError, match=r"truncated or damaged.*70362301923326 bytes, more than a file of"):
        read_scan(path)


@pytest.mark.parametrize("dim", [(0, 5, 4, 3), (8, 5, 4, 3), (-1, 5, 4, 3), (3, 5, 0, 3), (3, 5, -4, 3)])
def test_damaged_nifti_sizes_are_refused(tmp_path: Path, dim: tuple[int, ...]) -> None:
    path = _patched(_write(tmp_path / "a.nii", VOXELS), 40, "<4h", *dim)
    with pytest.raises(InputError, match="header is damaged: dim is"):
        read_scan(path)


@pytest.mark.parametrize("offset", [np.nan, np.inf, 1e30])
def test_damaged_voxel_offset_is_refused(tmp_path: Path, offset: float) -> None:
    path = _patched(_write(tmp_path / "a.nii", VOXELS), 108, "<f", offset)
    with pytest.raises(InputError, match=r"a\.nii: .*damaged"):
        read_scan(path)


def test_unknown_nifti_number_type_is_refused(tmp_path: Path) -> None:
    path = _patched(_write(tmp_path / "a.nii", VOXELS), 70, "<h", 999)
    with pytest.raises(InputError, match=r"unknown type \(datatype 999\)"):
        read_scan(path)


@pytest.mark.parametrize("ending", [".nii.gz", ".nii", ".nrrd", ".mha"])
@pytest.mark.parametrize("content", [b"", b"hello" * 200])
def test_file_that_is_no_image_is_refused(tmp_path: Path, ending: str, content: bytes) -> None:
    path = tmp_path / f"a{ending}"
    path.write_bytes(content)
    with pytest.raises(InputError, match=rf"a{ending}"):
        read_scan(path)


def test_missing_file_and_folder_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"b\.nii: no such file"):
        read_scan(tmp_path / "b.nii")
    (tmp_path / "c.nii").mkdir()
    with pytest.raises(InputError, match=r"c\.nii: holds no DICOM file"):
        read_scan(tmp_path / "c.nii")


def test_other_ending_is_refused_with_the_legal_ones(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").touch()
    with pytest.raises(InputError, match=r"a\.jpg: is no image file; legal endings: \.nii\.gz"):
        read_scan(tmp_path / "a.jpg")


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
    path = _write(tmp_path / "a.nrrd", VOXELS)
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


def nifti_bytes(offset: int) -> bytes:
    """Return a .nii file of numbers from 0 up, whose voxels begin at a byte."""
    shape = (3, 4, 5)
    header = bytearray(build_header(Geometry(shape, (1.0, 1.0, 1.0)), np.dtype(np.uint16)))
    struct.pack_into("<h", header, 70, 4)  # int16
    struct.pack_into("<f", header, 108, offset)
    return bytes(header).ljust(offset, b"\0") + np.arange(60, dtype=np.int16).tobytes()


@pytest.mark.parametrize("offset", [352, 353, 4096])
def test_a_plain_file_is_mapped_wherever_its_voxels_begin(tmp_path: Path, offset: int) -> None:
    path = tmp_path / "a.nii"
    path.write_bytes(nifti_bytes(offset))
    voxels = read_scan(path).voxels
    np.testing.assert_array_equal(voxels, np.arange(60).reshape(3, 4, 5))
    assert voxels.flags.aligned


def test_what_is_written_to_a_mapped_array_stays_out_of_the_file(tmp_path: Path) -> None:
    path = tmp_path / "a.nii"
    path.write_bytes(nifti_bytes(352))
    array = read_nifti_voxels(path, read_nifti_header(path))
    array[:] = 7
    assert path.read_bytes() == nifti_bytes(352)


def test_a_mapped_file_may_be_replaced_while_it_is_used(tmp_path: Path) -> None:
    path = tmp_path / "a.nii"
    path.write_bytes(nifti_bytes(352))
    scan = read_scan(path)
    with write_atomically(path) as partial:
        partial.write_bytes(b"something else")
    np.testing.assert_array_equal(scan.voxels, np.arange(60).reshape(3, 4, 5))
