"""The files of a case: names, contents, reading a mask again, and tidying up."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lesionlocator.errors import InputError, OutputError
from lesionlocator.geometry import Box, Geometry
from lesionlocator.io import Scan, read_labelmap, write_labelmap
from lesionlocator.model import NetworkFolder
from lesionlocator.prompts.kinds import LesionPrompt, PromptKind
from lesionlocator.results.documents import read_document, write_document, write_table
from lesionlocator.results.files import CaseFiles, is_document, make_folder
from lesionlocator.results.lesion import LesionMask, LesionResult, LesionStatus
from lesionlocator.results.provenance import ModelIdentity
from lesionlocator.results.segmentation import Segmentation

SHAPE = (6, 8, 10)
GEOMETRY = Geometry(SHAPE, (3.0, 1.0, 0.5), (1.0, 2.0, 3.0))
SCAN = Scan("ct", np.arange(480, dtype=np.int16).reshape(SHAPE), GEOMETRY)
PROMPT = LesionPrompt(3, Box((1, 2, 3), (3, 4, 7)))


@pytest.fixture
def model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModelIdentity:
    monkeypatch.setattr(NetworkFolder, "checksum", lambda *_: "abc")
    return ModelIdentity(NetworkFolder(tmp_path / "model", None, {}), (0, 2), mirroring=True)  # type: ignore[arg-type]


def mask(start: tuple[int, int, int] = (1, 2, 3), logit: float = 1.0) -> LesionMask:
    region = np.ones((2, 2, 4), np.uint8)
    region[0, 0, 0] = 0
    z, y, x = start
    return LesionMask(
        SHAPE, Box(start, (z + 2, y + 2, x + 4)), region, np.full(region.shape, logit, np.float32)
    )


def segmentation(model: ModelIdentity, *masks: LesionMask, **options: Any) -> Segmentation:
    """Lesions 3, 6, ... with masks, lesion 500 empty and lesion 2 refused."""
    lesions = {
        3 * n: LesionResult(3 * n, LesionStatus.SEGMENTED, PROMPT, PROMPT.box, found)
        for n, found in enumerate(masks, start=1)
    }
    lesions[500] = LesionResult(500, LesionStatus.EMPTY, None, (4, 5, 6))
    lesions[2] = LesionResult(2, LesionStatus.REFUSED, warnings=("lies outside",))
    content: dict[str, Any] = {"refused_entries": {"x": "is no id"}, "notes": ("seen",)} | options
    return Segmentation(SCAN, PromptKind.BOX, lesions, model=model, **content)


def test_saving_writes_all_files_and_names_them(model: ModelIdentity, tmp_path: Path) -> None:
    paths = segmentation(model, mask()).save(tmp_path / "new" / "folder")
    names = ["ct_lesion_3.nii.gz", "ct_lesion_500.nii.gz", "ct_lesions.nii.gz", "ct_lesions.json"]
    assert paths == [tmp_path / "new" / "folder" / name for name in names]
    assert sorted(path.name for path in (tmp_path / "new" / "folder").iterdir()) == sorted(names)


@pytest.mark.parametrize(
    ("options", "names"),
    [
        ({"per_lesion": False}, ["ct_lesions.nii.gz", "ct_lesions.json"]),
        ({"labelmap": False}, ["ct_lesion_3.nii.gz", "ct_lesion_500.nii.gz", "ct_lesions.json"]),
        ({"per_lesion": False, "labelmap": False}, ["ct_lesions.json"]),
    ],
)
def test_saving_less(
    model: ModelIdentity, tmp_path: Path, options: dict[str, bool], names: list[str]
) -> None:
    assert [path.name for path in segmentation(model, mask()).save(tmp_path, **options)] == names


def test_masks_and_label_map_hold_the_lesions(model: ModelIdentity, tmp_path: Path) -> None:
    other = mask((2, 3, 5), logit=2.0)
    segmentation(model, mask(), other).save(tmp_path)
    assert np.array_equal(read_labelmap(tmp_path / "ct_lesion_3.nii.gz").labels, mask().full())
    assert not read_labelmap(tmp_path / "ct_lesion_500.nii.gz").labels.any()
    expected = 3 * mask().full()
    expected[other.full() > 0] = 6
    written = read_labelmap(tmp_path / "ct_lesions.nii.gz")
    assert np.array_equal(written.labels, expected)
    assert written.geometry.difference(GEOMETRY) is None


def test_a_label_map_without_lesions_is_zero(model: ModelIdentity, tmp_path: Path) -> None:
    segmentation(model).save(tmp_path)
    assert not read_labelmap(tmp_path / "ct_lesions.nii.gz").labels.any()


def test_the_document_tells_everything_by_ascending_id(model: ModelIdentity, tmp_path: Path) -> None:
    segmentation(model, mask(), mask((2, 3, 5))).save(tmp_path)
    content = json.loads((tmp_path / "ct_lesions.json").read_text())
    lesions = content.pop("lesions")
    assert content == {
        "case": "ct",
        "image": {
            "path": None,
            "shape_voxel": [6, 8, 10],
            "spacing_mm": [3.0, 1.0, 0.5],
            "origin_lps_mm": [1.0, 2.0, 3.0],
            "direction_lps": [1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0],
        },
        "prompt_type": "box",
        "model": {
            "path": str((tmp_path / "model").resolve()),
            "sha256": "abc",
            "folds": [0, 2],
            "mirroring": True,
        },
        "refused_entries": {"x": "is no id"},
        "overlap_voxels": 1,
        "notes": ["seen"],
    }
    assert list(lesions) == ["2", "3", "6", "500"]
    assert {i: lesion["status"] for i, lesion in lesions.items()} == {
        "2": "refused",
        "3": "segmented",
        "6": "segmented",
        "500": "empty",
    }
    assert lesions["3"]["prompt"] == {
        "kind": "box",
        "source": "coordinates",
        "box_voxel": [1, 3, 2, 4, 3, 7],
        "point_voxel": None,
        "box_on_model_grid": [1, 3, 2, 4, 3, 7],
        "point_on_model_grid": None,
    }
    assert lesions["3"]["measurements"]["voxels"] == 15
    assert lesions["500"]["prompt"]["source"] == "label map"
    assert lesions["500"]["prompt"]["point_on_model_grid"] == [4, 5, 6]
    assert lesions["2"]["warnings"] == ["lies outside"]
    assert lesions["2"]["measurements"] is None
    assert is_document(content | {"lesions": lesions})
    assert not is_document(content)


def test_a_mask_is_read_again_without_its_logits(model: ModelIdentity, tmp_path: Path) -> None:
    segmentation(model, mask()).save(tmp_path)
    files = CaseFiles(tmp_path, "ct")
    found = files.read_mask(3, GEOMETRY)
    assert found is not None
    assert np.array_equal(found.full(), mask().full())
    assert not found.logits.any()
    assert files.read_mask(500, GEOMETRY) is None


def test_a_mask_that_is_none_is_refused(tmp_path: Path) -> None:
    files = CaseFiles(tmp_path, "ct")
    with pytest.raises(InputError, match="no such file"):
        files.read_mask(1, GEOMETRY)
    write_labelmap(files.mask(1), np.full(SHAPE, 2, np.uint8), GEOMETRY)
    with pytest.raises(InputError, match="label 2 found"):
        files.read_mask(1, GEOMETRY)
    write_labelmap(files.mask(1), np.ones(SHAPE, np.uint8), GEOMETRY)
    with pytest.raises(InputError, match="spacing"):
        files.read_mask(1, Geometry(SHAPE, (1.0, 1.0, 1.0)))


def test_only_masks_of_the_same_case_are_removed(tmp_path: Path) -> None:
    names = [
        "ct_lesion_1.nii.gz",
        "ct_lesion_22.nii.gz",
        "ct_lesion_2_lesion_3.nii.gz",
        "xct_lesion_1.nii.gz",
    ]
    names += ["ct_lesion_a.nii.gz", "ct_lesions.nii.gz", "ct_lesion_1.nii.gz.bak", "cta_lesion_1.nii.gz"]
    for name in names:
        (tmp_path / name).touch()
    CaseFiles(tmp_path, "ct").remove_masks_except([22])
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(names[1:])


def test_a_case_name_is_no_pattern(tmp_path: Path) -> None:
    (tmp_path / "cat_lesion_1.nii.gz").touch()
    CaseFiles(tmp_path, "c.t").remove_masks_except([])
    assert (tmp_path / "cat_lesion_1.nii.gz").exists()


def test_a_mask_that_cannot_be_removed_is_told(tmp_path: Path) -> None:
    (tmp_path / "ct_lesion_1.nii.gz").mkdir()
    with pytest.raises(OutputError, match=r"cannot remove .*ct_lesion_1\.nii\.gz"):
        CaseFiles(tmp_path, "ct").remove_masks_except([])


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="cannot make the folder"):
        make_folder(tmp_path / "file" / "folder")


def test_lists_of_numbers_stand_on_one_line_and_texts_stay(tmp_path: Path) -> None:
    content = {"numbers": [1, -2.5, 1e-7], "lists": [[1, 2], [3, 4]], "text": "[1,  2]", "none": []}
    write_document(tmp_path / "a.json", content)
    text = (tmp_path / "a.json").read_text()
    assert "[1, -2.5, 1e-07]" in text
    assert "[3, 4]" in text
    assert json.loads(text) == content


@pytest.mark.parametrize("text", ["", "[]", "{", "\xff"])
def test_what_is_no_document_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "a.json").write_bytes(text.encode("latin-1"))
    with pytest.raises(InputError, match=r"a\.json"):
        read_document(tmp_path / "a.json")
    with pytest.raises(InputError, match=r"b\.json"):
        read_document(tmp_path / "b.json")


def test_a_table_without_lesions_has_all_columns(model: ModelIdentity, tmp_path: Path) -> None:
    files = CaseFiles(tmp_path, "ct")
    files.write(segmentation(model, mask()), per_lesion=False, labelmap=False)
    write_table(tmp_path / "full.csv", [read_document(files.document)])
    write_table(tmp_path / "empty.csv", [])
    header = (tmp_path / "full.csv").read_text().splitlines()[0]
    assert (tmp_path / "empty.csv").read_text() == header + "\n"
    assert header.startswith("case,lesion_id,status,volume_ml,voxels,centroid_lps_mm_x")
