from pathlib import Path

import numpy as np
import pytest
import SimpleITK
from image_files import VOXELS, patched, write

from lesionlocator.errors import InputError
from lesionlocator.io import read_geometry, read_scan


@pytest.mark.parametrize("ending", [".nii.gz", ".nrrd", ".mha"])
def test_fourth_axis_of_one_is_dropped_and_of_two_refused(tmp_path: Path, ending: str) -> None:
    one, two = tmp_path / f"one{ending}", tmp_path / f"two{ending}"
    volume = SimpleITK.GetImageFromArray(VOXELS)
    SimpleITK.WriteImage(SimpleITK.JoinSeries([volume]), str(one))
    SimpleITK.WriteImage(SimpleITK.JoinSeries([volume, volume]), str(two))
    np.testing.assert_array_equal(read_scan(one).voxels, VOXELS)
    with pytest.raises(InputError, match=r"two.*4 dimensions, shape \(2, 3, 4, 5\); legal: 3"):
        read_scan(two)


@pytest.mark.parametrize("ending", [".nii.gz", ".nrrd", ".mha"])
def test_2d_image_is_refused(tmp_path: Path, ending: str) -> None:
    path = write(tmp_path / f"a{ending}", VOXELS[0])
    with pytest.raises(InputError, match=r"a\..*2 dimensions, shape \(4, 5\); legal: 3"):
        read_scan(path)


@pytest.mark.parametrize("ending", [".nii.gz", ".nrrd", ".mha"])
def test_several_numbers_for_each_voxel_are_refused(tmp_path: Path, ending: str) -> None:
    path = write(tmp_path / f"a{ending}", np.zeros((3, 4, 5, 3), np.float32), vector=True)
    with pytest.raises(InputError, match=r"vector.*legal: one real number for each voxel"):
        read_scan(path)


@pytest.mark.parametrize("ending", [".nii.gz", ".mha", ".nrrd"])
def test_rgb_is_refused(tmp_path: Path, ending: str) -> None:
    path = write(tmp_path / f"a{ending}", np.zeros((3, 4, 5, 3), np.uint8), vector=True)
    with pytest.raises(InputError, match="legal: one real number for each voxel"):
        read_scan(path)


def test_complex_voxels_are_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "a.nii", np.zeros((3, 4, 5), np.complex64))
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
        read_scan(write(tmp_path / f"a{ending}", array))


def test_float64_beyond_float32_is_refused_as_infinite(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="60 of 60 voxels are NaN or infinite"):
        read_scan(write(tmp_path / "a.nii", np.full((3, 4, 5), 1e300)))


@pytest.mark.parametrize("spacing", [0.0, -1.5, np.nan, np.inf])
@pytest.mark.parametrize("read", [read_scan, read_geometry])
def test_nifti_spacing_that_itk_would_replace_is_refused(
    tmp_path: Path, spacing: float, read: object
) -> None:
    path = patched(write(tmp_path / "a.nii", VOXELS), 84, "<f", spacing)
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


def test_other_ending_is_refused_with_the_legal_ones(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").touch()
    with pytest.raises(InputError, match=r"a\.jpg: is no image file; legal endings: \.nii\.gz"):
        read_scan(tmp_path / "a.jpg")
