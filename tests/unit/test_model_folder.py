from __future__ import annotations

from pathlib import Path

import pytest

import tiny_models
from lesionlocator.errors import ModelError
from lesionlocator.model import segmentation_folder


def test_folds_are_found_by_number(tmp_path: Path) -> None:
    tiny_models.write(tmp_path, tiny_models.plans(), folds=(0, 3))
    (tmp_path / "LesionLocatorSeg" / "bbox_optimized" / "fold_all").mkdir()
    folder = segmentation_folder(tmp_path, "box")
    assert list(folder.folds) == [0, 3]
    assert list(folder.chosen([3, 3])) == [3]


def test_the_folder_of_the_networks_is_taken_too(tmp_path: Path) -> None:
    tiny_models.write(tmp_path, tiny_models.plans())
    assert segmentation_folder(tmp_path / "LesionLocatorSeg", "point").path.name == "point_optimized"


def test_the_checksum_names_plans_and_chosen_weights(tmp_path: Path) -> None:
    tiny_models.write(tmp_path, tiny_models.plans(), folds=(0, 1))
    folder = segmentation_folder(tmp_path, "box")
    first = folder.checksum([0])
    assert first != folder.checksum([0, 1])
    folder.folds[1].write_bytes(b"other")
    assert segmentation_folder(tmp_path, "box").checksum([0]) == first
    plans = folder.path / "plans.json"
    plans.write_text(plans.read_text() + " ")
    assert folder.checksum([0]) != first


@pytest.mark.parametrize(
    ("remove", "message"),
    [
        ("LesionLocatorSeg/bbox_optimized/fold_0/checkpoint_final.pth", "no fold_<number> folder"),
        ("LesionLocatorSeg/bbox_optimized/plans.json", "cannot be read"),
        ("LesionLocatorSeg/bbox_optimized", "no model for box prompts"),
        (".", "no such model folder"),
    ],
)
def test_what_is_missing_is_named(tmp_path: Path, remove: str, message: str) -> None:
    root = tmp_path / "model"
    tiny_models.write(root, tiny_models.plans())
    (root / remove).rename(tmp_path / "removed")
    with pytest.raises(ModelError, match=message):
        segmentation_folder(root, "box")


def test_a_missing_fold_is_named_with_those_that_are_there(tmp_path: Path) -> None:
    tiny_models.write(tmp_path, tiny_models.plans(), folds=(0, 2))
    with pytest.raises(ModelError, match="no fold 1; there are: 0, 2"):
        segmentation_folder(tmp_path, "box").chosen([0, 1])
