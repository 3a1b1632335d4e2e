"""``lesionlocator segment -t prev_mask``: old masks prompt a model that knows such."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import SimpleITK
from segment_cases import PLANS, SHAPE, noise, write_image, write_network, write_prompts

import lesionlocator as ll
from lesionlocator.errors import InputError
from lesionlocator.geometry import Box, Geometry
from lesionlocator.results.lesion import LesionMask

Segment = Callable[..., int]
CUBES = Geometry(SHAPE, (1.0, 1.0, 1.0))
"""The model's own grid, on which it finds just the masks."""


@pytest.fixture
def model(tmp_path: Path) -> Path:
    home = tmp_path / "model" / "LesionLocatorSeg" / "all_prompts"
    write_network(home, PLANS | {"prompts": ["box", "point", "prev_mask"]}, folds=(0,))
    return tmp_path / "model"


@pytest.fixture
def scan(tmp_path: Path) -> Path:
    return write_image(tmp_path / "ct.nii.gz", noise(0), CUBES)


def masks() -> np.ndarray:
    """Return lesion 3, which is no box, and lesion 5."""
    labels = np.zeros(SHAPE, np.uint8)
    labels[2:5, 3:8, 3:8], labels[3:5, 5:8, 5:8], labels[5:7, 10:13, 10:13] = 3, 0, 5
    return labels


def read(path: Path) -> np.ndarray:
    return SimpleITK.GetArrayFromImage(SimpleITK.ReadImage(str(path)))


def test_lesions_are_found_from_their_old_masks(
    tmp_path: Path, segment: Segment, model: Path, scan: Path
) -> None:
    prompts, out = write_image(tmp_path / "old.nii.gz", masks(), CUBES), tmp_path / "out"
    assert segment("-m", model, "-i", scan, "-p", prompts, "-o", out, "-t", "prev_mask") == 0
    for lesion in (3, 5):
        np.testing.assert_array_equal(read(out / f"ct_lesion_{lesion}.nii.gz"), masks() == lesion)
    told = json.loads((out / "ct_lesions.json").read_text())["lesions"]["3"]["prompt"]
    assert (told["kind"], told["source"]) == ("prev_mask", "label map")
    assert told["box_on_model_grid"] == [2, 5, 3, 8, 3, 8]


def test_the_same_from_python_also_from_masks_by_lesion(model: Path, scan: Path) -> None:
    box = Box((2, 3, 3), (5, 8, 8))
    region = np.ascontiguousarray(masks()[box.slices] // 3)
    given = {7: LesionMask(SHAPE, box, region, np.zeros(box.shape, np.float32))}
    loaded = ll.load_model(model, device="cpu")
    found = loaded.segment(ll.read_scan(scan), given, prompt_type="prev_mask").lesions
    np.testing.assert_array_equal(found[7].mask, masks() == 3)
    with pytest.raises(InputError, match="masks by lesion id are prompts of prev_mask, not of box"):
        loaded.segment(ll.read_scan(scan), given)


def test_boxes_are_no_masks(
    tmp_path: Path, segment: Segment, model: Path, scan: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    prompts = write_prompts(tmp_path / "ct.json", {1: (2, 5, 3, 8, 3, 8)})
    assert segment("-m", model, "-i", scan, "-p", prompts, "-o", tmp_path / "out", "-t", "prev_mask") == 1
    told = " ".join(capsys.readouterr().err.split())
    assert "boxes or points, legal with prev_mask: a label map" in told


@pytest.mark.parametrize(
    ("network", "message"),
    [
        ("bbox_optimized", "no model for prev_mask prompts: expected LesionLocatorSeg/all_prompts"),
        ("all_prompts", "was not trained with prev_mask prompts; legal: box, point"),
    ],
)
def test_a_model_that_was_never_shown_masks_takes_none(
    segment: Segment,
    scan: Path,
    capsys: pytest.CaptureFixture[str],
    network: str,
    message: str,
) -> None:
    here = scan.parent
    write_network(here / "published" / "LesionLocatorSeg" / network, PLANS, folds=(0,))
    prompts = write_image(here / "old.nii.gz", masks(), CUBES)
    arguments = ("-m", here / "published", "-i", scan, "-p", prompts, "-o", here / "out")
    assert segment(*arguments, "-t", "prev_mask") == 4
    assert message in " ".join(capsys.readouterr().err.split())
    assert not (here / "out").exists()
