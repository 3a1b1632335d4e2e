import itertools
import struct
from pathlib import Path

import nibabel
import numpy as np
import pytest
import SimpleITK
from numpy.typing import NDArray

from lesionlocator.errors import InputError, OutputError
from lesionlocator.geometry import Box, Geometry
from lesionlocator.io import LabelMap, read_labelmap, write_labelmap, write_mask_region

GRID = Geometry((6, 7, 8), (2.5, 0.7, 0.9), (-101.5, 33.25, -412.0))
OBLIQUE = (0.36, 0.48, -0.8, -0.8, 0.6, 0.0, 0.48, 0.64, 0.6)
AXES_48 = [
    (np.eye(3)[:, axes] * signs).ravel().tolist()
    for axes in itertools.permutations(range(3))
    for signs in itertools.product((1.0, -1.0), repeat=3)
]


def _labels(shape: tuple[int, int, int] = GRID.shape, *, top: int = 255) -> NDArray[np.int64]:
    return np.random.default_rng(1).integers(0, top + 1, shape)


def _write(path: Path, array: NDArray[np.generic]) -> Path:
    SimpleITK.WriteImage(SimpleITK.GetImageFromArray(array), str(path))
    return path


def _lps(affine: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.diag([-1.0, -1.0, 1.0, 1.0]) @ affine


@pytest.mark.parametrize("dtype", ["u1", "u2", "i2", "i4", "i8", "f4", "f8"])
@pytest.mark.parametrize("ending", [".nii.gz", ".nrrd", ".mha"])
def test_labels_of_any_number_type_are_read_as_uint8(tmp_path: Path, ending: str, dtype: str) -> None:
    labels = _labels()
    read = read_labelmap(_write(tmp_path / f"a{ending}", labels.astype(dtype)))
    assert read.labels.dtype == np.uint8
    np.testing.assert_array_equal(read.labels, labels)


@pytest.mark.parametrize("dtype", ["u2", "i4", "f4"])
@pytest.mark.parametrize("top", [256, 65535])
def test_labels_above_255_are_read_as_uint16(tmp_path: Path, dtype: str, top: int) -> None:
    labels = np.zeros(GRID.shape, dtype)
    labels[1, 2, 3] = top
    read = read_labelmap(_write(tmp_path / "a.nii.gz", labels))
    assert read.labels.dtype == np.uint16
    np.testing.assert_array_equal(read.labels, labels)


@pytest.mark.parametrize(
    ("dtype", "label", "named"),
    [
        ("i2", -3, "-3"),
        ("i8", 65536, "65536"),
        ("f4", 1.5, "1.5"),
        ("f8", 1e-9, "1e-09"),
        ("f4", np.nan, "nan"),
        ("f4", np.inf, "inf"),
        ("f8", -np.inf, "-inf"),
        ("u8", 2**64 - 1, "1.844"),
    ],
)
def test_illegal_label_is_named_with_the_legal_range(
    tmp_path: Path, dtype: str, label: float, named: str
) -> None:
    labels = np.ones(GRID.shape, dtype)
    labels[1, 2, 3] = label
    with pytest.raises(InputError, match=rf"label {named}.* found; legal: whole numbers from 0 to 65535"):
        read_labelmap(_write(tmp_path / "a.nii.gz", labels))


def test_slope_counts_in_labels(tmp_path: Path) -> None:
    path = _write(tmp_path / "a.nii", np.full(GRID.shape, 100, np.uint8))
    raw = bytearray(path.read_bytes())
    struct.pack_into("<2f", raw, 112, 3.0, 7.0)
    path.write_bytes(raw)
    assert np.unique(read_labelmap(path).labels).tolist() == [307]
    struct.pack_into("<2f", raw, 112, 0.005, 0.0)
    path.write_bytes(raw)
    with pytest.raises(InputError, match=r"label 0\.4999999888 found"):
        read_labelmap(path)


def test_empty_mask_is_read(tmp_path: Path) -> None:
    read = read_labelmap(_write(tmp_path / "a.nii.gz", np.zeros(GRID.shape, np.uint8)))
    assert not read.labels.any()


@pytest.mark.parametrize("labels", [np.zeros(GRID.shape, np.int16), np.zeros((6, 7, 9), np.uint8)])
def test_label_map_that_does_not_fit_together_is_not_born(labels: NDArray[np.uint8]) -> None:
    with pytest.raises(InputError, match="label map: labels"):
        LabelMap(labels, GRID)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_written_labels_are_read_alike_by_simpleitk_nibabel_and_us(
    tmp_path: Path, dtype: type[np.uint8] | type[np.uint16]
) -> None:
    path, labels = tmp_path / "a.nii.gz", _labels(top=np.iinfo(dtype).max).astype(dtype)
    write_labelmap(path, labels, GRID)
    by_itk = SimpleITK.GetArrayFromImage(SimpleITK.ReadImage(str(path)))
    by_nibabel = np.asarray(nibabel.load(path).dataobj).T
    assert by_itk.dtype == by_nibabel.dtype == dtype
    np.testing.assert_array_equal(by_itk, labels)
    np.testing.assert_array_equal(by_nibabel, labels)
    np.testing.assert_array_equal(read_labelmap(path).labels, labels)


@pytest.mark.parametrize("direction", [*AXES_48, OBLIQUE])
def test_written_grid_is_read_back_in_every_orientation(tmp_path: Path, direction: list[float]) -> None:
    geometry = Geometry(GRID.shape, GRID.spacing, GRID.origin_lps, tuple(direction))
    write_labelmap(tmp_path / "a.nii.gz", np.zeros(GRID.shape, np.uint8), geometry)
    image = SimpleITK.ReadImage(str(tmp_path / "a.nii.gz"))
    np.testing.assert_allclose(image.GetSpacing(), geometry.spacing[::-1], atol=1e-6)
    np.testing.assert_allclose(image.GetOrigin(), geometry.origin_lps, atol=1e-5)
    np.testing.assert_allclose(image.GetDirection(), direction, atol=1e-6)
    affine = np.eye(4)
    affine[:3, :3] = geometry.index_to_lps[:, ::-1]
    affine[:3, 3] = geometry.origin_lps
    header = nibabel.load(tmp_path / "a.nii.gz").header
    np.testing.assert_allclose(_lps(header.get_sform()), affine, atol=1e-5)
    np.testing.assert_allclose(_lps(header.get_qform()), affine, atol=1e-5)


@pytest.mark.parametrize("direction", [*AXES_48, OBLIQUE])
def test_written_header_says_what_simpleitk_would_have_written(
    tmp_path: Path, direction: list[float]
) -> None:
    geometry = Geometry(GRID.shape, GRID.spacing, GRID.origin_lps, tuple(direction))
    write_labelmap(tmp_path / "ours.nii.gz", np.zeros(GRID.shape, np.uint8), geometry)
    image = SimpleITK.GetImageFromArray(np.zeros(GRID.shape, np.uint8))
    image.SetSpacing(geometry.spacing[::-1])
    image.SetOrigin(geometry.origin_lps)
    image.SetDirection(direction)
    SimpleITK.WriteImage(image, str(tmp_path / "itk.nii.gz"))
    ours, itk = (nibabel.load(tmp_path / name).header for name in ("ours.nii.gz", "itk.nii.gz"))
    for field in ("dim", "datatype", "bitpix", "vox_offset", "scl_slope", "scl_inter", "magic"):
        np.testing.assert_array_equal(ours[field], itk[field], err_msg=field)
    np.testing.assert_allclose(ours["pixdim"][:4], itk["pixdim"][:4], atol=1e-6)
    np.testing.assert_allclose(ours.get_qform(), itk.get_qform(), atol=1e-4)
    np.testing.assert_allclose(ours.get_sform(), itk.get_sform(), atol=1e-4)
    assert ours.get_xyzt_units()[0] == "mm"


def test_region_is_written_at_its_place_and_zeros_elsewhere(tmp_path: Path) -> None:
    geometry = Geometry((40, 130, 150), (1.0, 1.0, 1.0))
    box = Box((7, 30, 100), (21, 47, 150))
    region = _labels(box.shape).astype(np.uint8)
    write_mask_region(tmp_path / "a.nii.gz", region, box, geometry)
    expected = np.zeros(geometry.shape, np.uint8)
    expected[box.slices] = region
    by_itk = SimpleITK.GetArrayFromImage(SimpleITK.ReadImage(str(tmp_path / "a.nii.gz")))
    np.testing.assert_array_equal(by_itk, expected)
    np.testing.assert_array_equal(np.asarray(nibabel.load(tmp_path / "a.nii.gz").dataobj).T, expected)


def test_region_that_is_a_flipped_and_reordered_view_is_written(tmp_path: Path) -> None:
    labels = _labels((8, 7, 6)).astype(np.uint16).transpose(2, 1, 0)[::-1, :, ::-1]
    write_labelmap(tmp_path / "a.nii.gz", labels, GRID)
    np.testing.assert_array_equal(read_labelmap(tmp_path / "a.nii.gz").labels, labels)


def test_region_outside_the_grid_is_refused(tmp_path: Path) -> None:
    box = Box((0, 0, 1), (6, 7, 9))
    with pytest.raises(InputError, match=r"box \(0, 0, 1\) to \(6, 7, 9\) leaves the grid of \(6, 7, 8\)"):
        write_mask_region(tmp_path / "a.nii.gz", np.zeros(box.shape, np.uint8), box, GRID)


@pytest.mark.parametrize("labels", [np.zeros((6, 7, 9), np.uint8), np.zeros(GRID.shape, np.int32)])
def test_labels_of_other_shape_or_type_are_refused(tmp_path: Path, labels: NDArray[np.uint8]) -> None:
    with pytest.raises(InputError, match=r"a\.nii\.gz: labels"):
        write_labelmap(tmp_path / "a.nii.gz", labels, GRID)


def test_other_ending_is_refused(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match=r"a\.nrrd: masks are written as \.nii\.gz"):
        write_labelmap(tmp_path / "a.nrrd", np.zeros(GRID.shape, np.uint8), GRID)


def test_axis_beyond_nifti_is_refused(tmp_path: Path) -> None:
    geometry = Geometry((1, 1, 32768), (1.0, 1.0, 1.0))
    with pytest.raises(OutputError, match="32767"):
        write_labelmap(tmp_path / "a.nii.gz", np.zeros(geometry.shape, np.uint8), geometry)


def test_missing_folder_is_an_output_error_that_names_the_file(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match=r"cannot write .*missing/a\.nii\.gz: No such file"):
        write_labelmap(tmp_path / "missing" / "a.nii.gz", np.zeros(GRID.shape, np.uint8), GRID)
