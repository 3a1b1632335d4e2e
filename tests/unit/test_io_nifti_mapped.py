import struct
from pathlib import Path

import numpy as np
import pytest

from lesionlocator.geometry import Geometry
from lesionlocator.io import read_scan
from lesionlocator.io.files import write_atomically
from lesionlocator.io.nifti import read_nifti_header, read_nifti_voxels
from lesionlocator.io.nifti_header import build_header


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
