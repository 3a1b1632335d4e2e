"""``lesionlocator segment`` as a user runs it: which files come out, and what they hold."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import pytest
import SimpleITK
from segment_cases import BOXES, GRID, SHAPE, contents, noise, write_image, write_prompts

Segment = Callable[..., int]


@pytest.fixture
def done(two_cases: tuple[Path, Path], tmp_path: Path, segment: Segment) -> Path:
    images, prompts = two_cases
    assert segment("-i", images, "-p", prompts, "-o", tmp_path / "out") == 0
    return tmp_path / "out"


def read(path: Path) -> np.ndarray[Any, Any]:
    return SimpleITK.GetArrayFromImage(SimpleITK.ReadImage(str(path)))


def load(path: Path) -> dict[str, Any]:
    return json.loads(path.read_text())


def test_the_files_of_a_run_have_their_names_and_nothing_else_is_there(done: Path) -> None:
    masks = [f"a_lesion_{i}.nii.gz" for i in BOXES] + ["b_lesion_7.nii.gz"]
    cases = ["a_lesions.nii.gz", "a_lesions.json", "b_lesions.nii.gz", "b_lesions.json"]
    assert sorted(contents(done, without=())) == sorted([*masks, *cases, "measurements.csv", "run.json"])


def test_a_mask_is_uint8_on_the_grid_of_its_image(done: Path) -> None:
    image = SimpleITK.ReadImage(str(done / "a_lesion_1.nii.gz"))
    assert image.GetPixelID() == SimpleITK.sitkUInt8
    assert image.GetSize() == SHAPE[::-1]
    np.testing.assert_allclose(image.GetSpacing(), GRID.spacing[::-1])
    np.testing.assert_allclose(image.GetOrigin(), GRID.origin_lps)
    np.testing.assert_allclose(image.GetDirection(), GRID.direction_lps)


def test_masks_hold_their_boxes(done: Path) -> None:
    for lesion in (1, 2, 300):
        z0, z1, y0, y1, x0, x1 = BOXES[lesion]
        mask = read(done / f"a_lesion_{lesion}.nii.gz")
        assert mask[z0:z1, y0:y1, x0:x1].all()
        # The prompt is grown by a voxel of the model grid, which no axis of the scan is finer than.
        assert mask.sum() == mask[z0 - 1 : z1 + 1, max(y0 - 1, 0) : y1 + 1, x0 - 1 : x1 + 1].sum()


def test_an_empty_lesion_has_a_mask_of_zeros(done: Path) -> None:
    assert not read(done / "a_lesion_4.nii.gz").any()
    assert load(done / "a_lesions.json")["lesions"]["4"] | {"prompt": None} == {
        "status": "empty",
        "prompt": None,
        "warnings": ["the network found no lesion at this prompt"],
        "measurements": None,
    }


def test_the_label_map_holds_the_ids_and_the_document_counts_the_overlap(done: Path) -> None:
    labels = read(done / "a_lesions.nii.gz")
    masks = {i: read(done / f"a_lesion_{i}.nii.gz") > 0 for i in BOXES}
    assert labels.dtype == np.uint16
    assert set(np.unique(labels)) == {0, 1, 2, 300}
    both = masks[1] & masks[2]
    assert both.any()
    assert load(done / "a_lesions.json")["overlap_voxels"] == both.sum()
    assert set(labels[both]) == {1, 2}, "each wins where it is surer"
    for lesion, mask in masks.items():
        assert (labels[mask & ~both] == lesion).all()
    assert read(done / "b_lesions.nii.gz").dtype == np.uint8


def test_the_document_says_where_the_lesion_and_its_prompt_are(done: Path, echo_model: Path) -> None:
    document = load(done / "a_lesions.json")
    assert document["case"] == "a"
    assert document["image"]["shape_voxel"] == list(SHAPE)
    assert document["model"]["folds"] == [0, 1]
    assert document["model"]["mirroring"]
    assert Path(document["model"]["path"]).parts[-2:] == ("LesionLocatorSeg", "bbox_optimized")
    lesion = document["lesions"]["1"]
    assert lesion["prompt"] == {
        "kind": "box",
        "source": "coordinates",
        "box_voxel": list(BOXES[1]),
        "point_voxel": None,
        "box_on_model_grid": [3, 11, 2, 9, 2, 9],
        "point_on_model_grid": None,
    }
    mask = read(done / "a_lesion_1.nii.gz")
    assert lesion["measurements"]["voxels"] == mask.sum()
    assert lesion["measurements"]["volume_ml"] == pytest.approx(mask.sum() * 2.0 / 1000)
    assert lesion["measurements"]["hu_mean"] == pytest.approx(noise(0)[mask > 0].mean(), abs=1e-3)


def test_the_table_has_a_row_for_each_lesion(done: Path) -> None:
    with (done / "measurements.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["case"], row["lesion_id"], row["status"]) for row in rows] == [
        ("a", "1", "segmented"),
        ("a", "2", "segmented"),
        ("a", "4", "empty"),
        ("a", "300", "segmented"),
        ("b", "7", "segmented"),
    ]
    measured = load(done / "a_lesions.json")["lesions"]["2"]["measurements"]
    assert float(rows[1]["volume_ml"]) == measured["volume_ml"]
    assert [float(rows[1][f"centroid_lps_mm_{axis}"]) for axis in "xyz"] == measured["centroid_lps_mm"]
    assert [float(rows[1][f"centroid_voxel_{axis}"]) for axis in "zyx"] == measured["centroid_voxel"]
    ends = measured["longest_diameter_ends_voxel"]
    assert [float(rows[1][f"longest_diameter_ends_voxel_2_{axis}"]) for axis in "zyx"] == ends[1]
    assert rows[2]["volume_ml"] == ""


def test_the_record_says_how_the_run_went(done: Path) -> None:
    record = load(done / "run.json")
    assert (record["state"], record["exit_code"]) == ("finished", 0)
    assert record["device"] == {"name": "cpu", "reason": "asked for", "dtype": "float32"}
    assert record["settings"]["prompt_type"] == "box"
    assert record["settings"]["step_size"] == 0.5
    assert len(record["settings"]["model"]["sha256"]) == 64
    assert record["started"] <= record["ended"]
    assert record["peak_memory_mib"] > 10
    assert {"load", "read", "prepare", "network", "export", "write", "total"} <= record["seconds"].keys()
    assert record["cases"]["a"]["lesions"] == {
        "1": "segmented",
        "2": "segmented",
        "4": "empty",
        "300": "segmented",
    }
    assert record["cases"]["b"]["state"] == "ok"


def test_the_same_run_gives_the_same_bytes(
    done: Path, two_cases: tuple[Path, Path], tmp_path: Path, segment: Segment
) -> None:
    images, prompts = two_cases
    assert segment("-i", images, "-p", prompts, "-o", tmp_path / "again") == 0
    assert contents(tmp_path / "again") == contents(done)


def test_points_and_single_files(two_cases: tuple[Path, Path], tmp_path: Path, segment: Segment) -> None:
    images, _ = two_cases
    prompts = tmp_path / "other_name.json"
    prompts.write_text(json.dumps({"9": {"point": [4, 8, 8]}}))
    out = tmp_path / "out"
    assert segment("-i", images / "a.nii.gz", "-p", prompts, "-o", out, "-t", "point", "-f", "0") == 0
    lesion = load(out / "a_lesions.json")["lesions"]["9"]
    assert lesion["prompt"]["point_on_model_grid"] == [8, 8, 8]
    assert read(out / "a_lesion_9.nii.gz")[4, 8, 8] == 1
    assert load(out / "a_lesions.json")["model"]["path"].endswith("point_optimized")


@pytest.mark.parametrize("ending", [".nii", ".nii.gz", ".nrrd", ".mha"])
def test_a_label_map_in_any_format_is_a_prompt(tmp_path: Path, segment: Segment, ending: str) -> None:
    labels = np.zeros(SHAPE, np.uint8)
    labels[2:5, 3:8, 3:8], labels[5:7, 10:13, 10:13] = 3, 5
    image = write_image(tmp_path / f"ct{ending}", noise(0))
    prompts = write_image(tmp_path / f"labels{ending}", labels)
    assert segment("-i", image, "-p", prompts, "-o", tmp_path / "out") == 0
    lesions = load(tmp_path / "out" / "ct_lesions.json")["lesions"]
    assert list(lesions) == ["3", "5"]
    assert lesions["3"]["prompt"]["source"] == "label map"


@pytest.mark.parametrize(
    ("arguments", "folds"), [(("-f", "1", "-f", "0"), [0, 1]), (("-f", "0,1"), [0, 1]), (("-f", "1"), [1])]
)
def test_folds_can_be_given_in_two_ways(
    two_cases: tuple[Path, Path],
    tmp_path: Path,
    segment: Segment,
    arguments: tuple[str, ...],
    folds: list[int],
) -> None:
    images, prompts = two_cases
    out = tmp_path / "out"
    assert segment("-i", images, "-p", prompts, "-o", out, "--disable-tta", *arguments) == 0
    settings = load(out / "run.json")["settings"]["model"]
    assert (settings["folds"], settings["mirroring"]) == (folds, False)


@pytest.mark.parametrize(
    ("save", "masks"),
    [("labelmap", ["b_lesions.nii.gz"]), ("per-lesion", ["b_lesion_7.nii.gz"])],
)
def test_only_the_masks_asked_for_are_written(
    two_cases: tuple[Path, Path], tmp_path: Path, segment: Segment, save: str, masks: list[str]
) -> None:
    images, prompts = two_cases
    assert segment("-i", images, "-p", prompts, "-o", tmp_path / "out", "--save", save) == 0
    assert [path.name for path in tmp_path.glob("out/b_lesion*.nii.gz")] == masks
    assert (tmp_path / "out" / "b_lesions.json").is_file()


def test_overwriting_removes_masks_of_lesions_that_are_no_more(
    done: Path, two_cases: tuple[Path, Path], segment: Segment
) -> None:
    images, prompts = two_cases
    foreign = done / "a_lesion_b.nii.gz"
    foreign.write_bytes(b"somebody else's")
    write_prompts(prompts / "a.json", {1: BOXES[1]})
    assert segment("-i", images, "-p", prompts, "-o", done) == 0
    left = sorted(path.name for path in done.glob("a_lesion_*"))
    assert left == ["a_lesion_1.nii.gz", "a_lesion_b.nii.gz"]


def test_the_largest_id_keeps_its_number(tmp_path: Path, segment: Segment) -> None:
    image = write_image(tmp_path / "ct.nii.gz", noise(0))
    prompts = write_prompts(tmp_path / "ct.json", {65535: BOXES[300], 65536: BOXES[1]})
    out = tmp_path / "out"
    assert segment("-i", image, "-p", prompts, "-o", out) == 0
    assert set(np.unique(read(out / "ct_lesions.nii.gz"))) == {0, 65535}
    assert list(load(out / "ct_lesions.json")["refused_entries"]) == ["65536"]


def test_other_programs_read_the_masks(done: Path) -> None:
    mask = nibabel.load(done / "a_lesion_1.nii.gz")
    np.testing.assert_allclose(mask.affine[:3, 3], [10.0, -20.0, 30.5])
    assert np.array_equal(np.asarray(mask.dataobj).T, read(done / "a_lesion_1.nii.gz"))


def test_the_network_sees_another_axis_order_where_one_is_asked_for(
    two_cases: tuple[Path, Path], tmp_path: Path, segment: Segment
) -> None:
    images, prompts = two_cases
    case = ("-i", images / "b.nii.gz", "-p", prompts / "b.json")
    for orientation in ("stored", "canonical"):
        assert segment(*case, "-o", tmp_path / orientation, "--orientation", orientation) == 0
    record = load(tmp_path / "canonical" / "run.json")
    assert record["settings"]["orientation"] == "canonical"
    masks = [read(tmp_path / name / "b_lesion_7.nii.gz") for name in ("stored", "canonical")]
    np.testing.assert_array_equal(masks[0], masks[1])  # this model finds the prompt in any order
    assert segment(*case, "-o", tmp_path / "stored", "--orientation", "canonical", "--resume") == 1
