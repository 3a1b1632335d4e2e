"""A series in every way it can lie and be stored, segmented and read back by programs of others."""

from __future__ import annotations

import json
from collections.abc import Callable
from itertools import product
from pathlib import Path

import numpy as np
import pydicom
import pytest
import SimpleITK
from segment_cases import write_prompts
from skimage.draw import polygon2mask

from dcmqi_tools import run_dcmqi
from dicom_cases import JPEG_2000, JPEG_LOSSLESS, JPEG_LS, RLE, phantom, write_series
from lesionlocator.geometry import Geometry

SHAPE = (9, 16, 18)
BOXES = {2: (1, 4, 3, 8, 4, 11), 7: (5, 8, 9, 14, 2, 6), 300: (2, 6, 6, 11, 9, 16)}
"""Without any symmetry, so that a flip or an exchange of axes shows; lesions 2 and 300 overlap."""
TRANSFERS = {"plain": None, "rle": RLE, "lossless": JPEG_LOSSLESS, "ls": JPEG_LS, "2000": JPEG_2000}
POSES = list(product(["upright", "oblique"], ["head first", "feet first"], ["ascending", "descending"]))
CASES = [(*pose, list(TRANSFERS)[place % len(TRANSFERS)]) for place, pose in enumerate(POSES)]
CASES += [("oblique", "feet first", "descending", transfer) for transfer in TRANSFERS]


def grid(tilt: str, position: str) -> Geometry:
    """Anisotropic; feet first, rows run to the patient's right and slices towards the feet."""
    a, b = (0.3, 0.2) if tilt == "oblique" else (0.0, 0.0)
    turn = np.array([[np.cos(a), -np.sin(a), 0], [np.sin(a), np.cos(a), 0], [0, 0, 1]])
    lean = np.array([[1, 0, 0], [0, np.cos(b), -np.sin(b)], [0, np.sin(b), np.cos(b)]])
    facing = np.diag([-1.0, 1.0, -1.0] if position == "feet first" else [1.0, 1.0, 1.0])
    direction = (lean @ turn @ facing).ravel().tolist()
    return Geometry(SHAPE, (2.5, 0.7, 0.9), (12.5, -40.25, 30.5), tuple(direction))


def write(folder: Path, geometry: Geometry, position: str, order: str, transfer: str | None) -> Path:
    def place(one: pydicom.FileDataset, z: int) -> None:
        one.PatientPosition = "FFS" if position == "feet first" else "HFS"
        one.InstanceNumber = SHAPE[0] - z if order == "descending" else z + 1

    names = (lambda z: f"{SHAPE[0] - z}.dcm") if order == "descending" else "{}.dcm".format
    return write_series(folder, phantom(SHAPE), geometry, change=place, transfer=transfer, names=names)


def itk_series(folder: Path) -> SimpleITK.Image:
    reader = SimpleITK.ImageSeriesReader()
    reader.SetFileNames(reader.GetGDCMSeriesFileNames(str(folder)))
    return reader.Execute()


def on(image: SimpleITK.Image, reference: SimpleITK.Image) -> np.ndarray:
    """Voxels of a mask on another grid."""
    moved = SimpleITK.Resample(image > 0, reference, SimpleITK.Transform(), SimpleITK.sitkNearestNeighbor)
    return SimpleITK.GetArrayFromImage(moved)


def drawn(structures: pydicom.Dataset, number: int, reference: SimpleITK.Image) -> np.ndarray:
    """Fill the contours of a region where ITK puts its points; what is filled twice is a hole."""
    mask = np.zeros(SHAPE, bool)
    (region,) = (one for one in structures.ROIContourSequence if one.ReferencedROINumber == number)
    for contour in region.ContourSequence:
        points = np.reshape(np.asarray(contour.ContourData, float), (-1, 3)).tolist()
        xyz = np.array([reference.TransformPhysicalPointToContinuousIndex(point) for point in points])
        z = round(float(xyz[0, 2]))
        assert np.allclose(xyz[:, 2], z, atol=1e-3)
        mask[z] ^= polygon2mask(SHAPE[1:], xyz[:, 1::-1])
    return mask


@pytest.mark.parametrize("case", CASES, ids=", ".join)
def test_lesions_lie_where_they_were(
    tmp_path: Path, segment: Callable[..., int], case: tuple[str, str, str, str]
) -> None:
    tilt, position, order, transfer = case
    folder = write(tmp_path / "ct", grid(tilt, position), position, order, TRANSFERS[transfer])
    out, back = tmp_path / "out", tmp_path / "back"
    words = ("-i", folder, "-p", write_prompts(tmp_path / "p.json", BOXES), "-o", out)
    assert segment(*words, "--save", "per-lesion,dicom-seg,dicom-sr,rtstruct") == 0
    series = itk_series(folder)
    assert np.array_equal(SimpleITK.GetArrayFromImage(series), phantom(SHAPE)), "ITK turns nothing either"
    masks = {}
    for lesion, (z0, z1, y0, y1, x0, x1) in BOXES.items():
        nifti = SimpleITK.ReadImage(out / f"ct_lesion_{lesion}.nii.gz")
        masks[lesion] = on(nifti, series)
        assert np.count_nonzero(masks[lesion]) == np.count_nonzero(SimpleITK.GetArrayFromImage(nifti)) > 0
        centre = np.argwhere(masks[lesion]).mean(axis=0)
        assert centre == pytest.approx([(z0 + z1 - 1) / 2, (y0 + y1 - 1) / 2, (x0 + x1 - 1) / 2], abs=0.6)

    back.mkdir()
    run_dcmqi("segimage2itkimage", "--inputDICOM", out / "ct_seg.dcm", "--outputDirectory", back, "-t", "nii")
    for number, mask in enumerate(masks.values(), start=1):
        assert np.array_equal(on(SimpleITK.ReadImage(back / f"{number}.nii.gz"), series), mask)

    run_dcmqi("tid1500reader", "--inputDICOM", out / "ct_sr.dcm", "--outputMetadata", tmp_path / "sr.json")
    groups = json.loads((tmp_path / "sr.json").read_text())["Measurements"]
    for (lesion, mask), group in zip(masks.items(), groups[::2], strict=True):
        assert group["TrackingIdentifier"] == f"Lesion {lesion}"
        volumes = [item for item in group["measurementItems"] if item["quantity"]["CodeMeaning"] == "Volume"]
        assert float(volumes[0]["value"]) == pytest.approx(mask.sum() * 2.5 * 0.7 * 0.9, rel=1e-4)

    structures = pydicom.dcmread(out / "ct_rtstruct.dcm")
    for lesion, mask in masks.items():
        again = drawn(structures, lesion, series)
        assert 2 * np.count_nonzero(again & (mask > 0)) / (again.sum() + mask.sum()) >= 0.99
