import gzip
from pathlib import Path

import numpy as np
import pytest
from image_files import VOXELS, itk, patched, write

from lesionlocator.errors import InputError
from lesionlocator.io import read_scan


@pytest.mark.parametrize("ending", [".nii", ".nrrd", ".mha"])
def test_truncated_file_is_refused(tmp_path: Path, ending: str) -> None:
    path = write(tmp_path / f"a{ending}", VOXELS)
    path.write_bytes(path.read_bytes()[:-7])
    with pytest.raises(InputError, match=rf"a{ending}"):
        read_scan(path)


@pytest.mark.parametrize("kept", [0, 1, 9, 40, 0.5, 0.9, -9, -8, -1])
def test_truncated_gzip_is_refused_wherever_it_ends(tmp_path: Path, kept: float) -> None:
    noise = np.random.default_rng(0).integers(-1000, 1000, (8, 9, 10)).astype(np.int16)
    path = write(tmp_path / "a.nii.gz", noise)
    raw = path.read_bytes()
    path.write_bytes(raw[: int(kept * len(raw)) if 0 < kept < 1 else int(kept)])
    with pytest.raises(InputError, match=r"a\.nii\.gz"):
        read_scan(path)


def test_truncated_gzip_says_how_much_there_is(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(-1000, 1000, (20, 30, 40)).astype(np.int16)
    path = write(tmp_path / "a.nii.gz", noise)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(InputError, match=r"is truncated: \d+ of 48352 bytes could be read"):
        read_scan(path)


@pytest.mark.parametrize("place", [0.5, -6, -2])
def test_gzip_with_a_flipped_bit_is_refused(tmp_path: Path, place: float) -> None:
    noise = np.random.default_rng(0).integers(-1000, 1000, (8, 9, 10)).astype(np.int16)
    path = write(tmp_path / "a.nii.gz", noise)
    raw = bytearray(path.read_bytes())
    raw[int(place * len(raw)) if place > 0 else int(place)] ^= 4
    path.write_bytes(raw)
    with pytest.raises(InputError, match=r"a\.nii\.gz: is (damaged|truncated)"):
        read_scan(path)


def test_gzip_ending_on_an_uncompressed_file_is_read_as_simpleitk_does(tmp_path: Path) -> None:
    path = tmp_path / "a.nii.gz"
    write(tmp_path / "a.nii", VOXELS).rename(path)
    np.testing.assert_array_equal(read_scan(path).voxels, itk(path))


@pytest.mark.parametrize("packed", [False, True])
def test_header_that_declares_terabytes_is_refused_before_memory_is_asked_for(
    tmp_path: Path, packed: bool
) -> None:
    path = patched(write(tmp_path / "a.nii", VOXELS), 40, "<4h", 3, 32767, 32767, 32767)
    if packed:
        raw = gzip.compress(path.read_bytes())
        path = tmp_path / "a.nii.gz"
        path.write_bytes(raw)
    with pytest.raises(InputError, match=r"truncated or damaged.*70362301923326 bytes, more than a file of"):
        read_scan(path)


@pytest.mark.parametrize("dim", [(0, 5, 4, 3), (8, 5, 4, 3), (-1, 5, 4, 3), (3, 5, 0, 3), (3, 5, -4, 3)])
def test_damaged_nifti_sizes_are_refused(tmp_path: Path, dim: tuple[int, ...]) -> None:
    path = patched(write(tmp_path / "a.nii", VOXELS), 40, "<4h", *dim)
    with pytest.raises(InputError, match="header is damaged: dim is"):
        read_scan(path)


@pytest.mark.parametrize("offset", [np.nan, np.inf, 1e30])
def test_damaged_voxel_offset_is_refused(tmp_path: Path, offset: float) -> None:
    path = patched(write(tmp_path / "a.nii", VOXELS), 108, "<f", offset)
    with pytest.raises(InputError, match=r"a\.nii: .*damaged"):
        read_scan(path)


def test_unknown_nifti_number_type_is_refused(tmp_path: Path) -> None:
    path = patched(write(tmp_path / "a.nii", VOXELS), 70, "<h", 999)
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
