"""Reading scans and writing masks against SimpleITK, files in the page cache."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from lesionlocator.geometry import Box, Geometry
from lesionlocator.io import read_labelmap, read_scan
from lesionlocator.io.masks import write_labelmap, write_mask_region
from racing import Racing, Traffic
from volumes import BODY, QUARTER, body, lesions

_SPACING = (1.5, 0.98, 0.98)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, quick: bool) -> Path:
    made = tmp_path_factory.mktemp("files")
    image = sitk.GetImageFromArray(body(QUARTER[0]))
    image.SetSpacing(_SPACING[::-1])
    # Not two files of one stem: asked for a .nii.gz, SimpleITK reads the voxels of the .nii beside it.
    for name in ("plain.nii", "packed.nii.gz"):
        sitk.WriteImage(image, str(made / name))
    labels = sitk.GetImageFromArray(lesions((QUARTER if quick else BODY)[0], 50))
    labels.SetSpacing(_SPACING[::-1])
    sitk.WriteImage(labels, str(made / "labels.nii.gz"))
    return made


def theirs(path: Path) -> np.ndarray:
    return sitk.GetArrayFromImage(sitk.ReadImage(str(path)))


@pytest.mark.parametrize(("name", "goal"), [("packed.nii.gz", 1.5), ("plain.nii", 5)])
def race_read_scan(race: Racing, folder: Path, name: str, goal: float) -> None:
    path = folder / name

    def ours() -> np.ndarray:
        voxels = read_scan(path).voxels
        voxels.max()  # a mapped file is read when it is looked at
        return voxels

    race(
        f"read a scan, {''.join(path.suffixes)}",
        ours,
        "SimpleITK",
        partial(theirs, path),
        goals={1: goal, 2: goal},
        traffic=Traffic(read=path.stat().st_size, fresh=body(QUARTER[0]).nbytes),
    )


def race_read_labels(race: Racing, folder: Path) -> None:
    path = folder / "labels.nii.gz"
    race(
        "read a sparse label map, .nii.gz",
        lambda: read_labelmap(path).labels,
        "SimpleITK",
        partial(theirs, path),
        goals={1: 3, 2: 3},
    )


def race_write_labels(race: Racing, folder: Path, quick: bool) -> None:
    labels = lesions((QUARTER if quick else BODY)[0], 50)
    geometry = Geometry(labels.shape, _SPACING)
    written, expected = folder / "ours.nii.gz", folder / "theirs.nii.gz"
    race(
        "write a label map",
        lambda: write_labelmap(written, labels, geometry),
        "SimpleITK",
        lambda: sitk.WriteImage(sitk.GetImageFromArray(labels), str(expected)),
        equal=lambda *_: np.array_equal(theirs(written), theirs(expected)),
        goals={1: 1.5, 2: 2},
    )


def race_write_region(race: Racing, folder: Path) -> None:
    shape = BODY[0]
    geometry = Geometry(shape, _SPACING)
    region = (lesions((40, 40, 40), 3) > 0).astype(np.uint8)
    box = Box((300, 200, 200), (340, 240, 240))
    written, expected = folder / "region.nii.gz", folder / "whole.nii.gz"

    def whole() -> None:
        labels = np.zeros(shape, np.uint8)
        labels[box.slices] = region
        sitk.WriteImage(sitk.GetImageFromArray(labels), str(expected))

    race(
        "write a lesion's mask on a whole body",
        lambda: write_mask_region(written, region, box, geometry),
        "SimpleITK",
        whole,
        equal=lambda *_: np.array_equal(theirs(written), theirs(expected)),
        goals={1: 12, 2: 12},
    )
