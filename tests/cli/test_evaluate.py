"""``lesionlocator evaluate`` as a user runs it."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest

from evaluation_cases import blobs, disturbed, write
from lesionlocator.cli import console
from lesionlocator.cli.main import lesionlocator


def evaluate(*arguments: object) -> int:
    command = ["evaluate", *map(str, arguments)]
    return console.exit_code(lambda: lesionlocator.main(command, standalone_mode=False))


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    for seed, name in enumerate(("a", "b")):
        truth = blobs(seed)
        write(tmp_path / "truth" / f"{name}.nii.gz", truth)
        write(tmp_path / "predicted" / f"{name}_0000_lesions.nii.gz", disturbed(truth, seed))
    return tmp_path / "truth", tmp_path / "predicted"


def test_folders_give_tables_of_lesions_and_cases_and_a_summary(
    folders: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    truth, predicted = folders
    assert evaluate("-t", truth, "-p", predicted, "-o", tmp_path / "out") == 0
    assert "detection_f1" in capsys.readouterr().out
    found = json.loads((tmp_path / "out" / "evaluation.json").read_text())
    assert [case["case"] for case in found["cases"]] == ["a", "b"]
    lesions = rows(tmp_path / "out" / "lesions.csv")
    true = [float(row["dice"]) for row in lesions if row["lesion"]]
    assert found["summary"]["lesion_dice"]["value"] == pytest.approx(np.mean(true), abs=1e-5)
    assert found["summary"]["lesion_dice"]["low"] is not None
    cases = rows(tmp_path / "out" / "cases.csv")
    assert sum(int(row["false_positives"]) for row in cases) == sum(not row["lesion"] for row in lesions)
    assert {path.name for path in (tmp_path / "out").iterdir()} == {
        "lesions.csv",
        "cases.csv",
        "evaluation.json",
    }


def test_the_results_are_the_same_bytes_again(folders: tuple[Path, Path], tmp_path: Path) -> None:
    truth, predicted = folders
    for name in ("one", "two"):
        assert evaluate("-t", truth, "-p", predicted, "-o", tmp_path / name, "--tracking", "--quiet") == 0
    for path in (tmp_path / "one").iterdir():
        assert path.read_bytes() == (tmp_path / "two" / path.name).read_bytes()


def test_masks_of_single_lesions_are_one_prediction(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    truth = blobs(4)
    write(tmp_path / "truth" / "ct.nii.gz", truth)
    for label in np.unique(truth)[1:]:
        write(tmp_path / "masks" / f"ct_lesion_{label}.nii.gz", (truth == label).astype(np.uint8))
        write(tmp_path / "masks" / f"ct_expected_{label}.nii.gz", np.zeros_like(truth))
    assert (
        evaluate("-t", tmp_path / "truth", "-p", tmp_path / "masks", "--match", "id", "-o", tmp_path / "o")
        == 0
    )
    assert (
        json.loads((tmp_path / "o" / "evaluation.json").read_text())["summary"]["lesion_dice"]["value"] == 1
    )
    write(tmp_path / "masks" / "ct_lesion_9.nii.gz", (truth > 0).astype(np.uint8))
    assert evaluate("-t", tmp_path / "truth", "-p", tmp_path / "masks") == 0
    assert f"{np.count_nonzero(truth)} voxels belong to masks of several lesions" in capsys.readouterr().err


def test_tracking_with_a_merged_group(tmp_path: Path) -> None:
    truth = np.zeros((3, 8, 40), np.uint8)
    truth[1, 2:6, 2:6], truth[1, 2:6, 6:10], truth[1, 2:6, 30:34] = 1, 2, 3
    predicted = np.where(truth == 2, 1, truth).astype(np.uint8)
    write(tmp_path / "truth.nii.gz", truth)
    write(tmp_path / "predicted.nii.gz", predicted)
    groups = tmp_path / "groups.json"
    groups.write_text('{"truth": [[1, 2]]}')
    known = ("-t", tmp_path / "truth.nii.gz", "-p", tmp_path / "predicted.nii.gz", "--tracking")
    assert evaluate(*known, "--groups", groups, "-o", tmp_path / "merged") == 0
    found = rows(tmp_path / "merged" / "tracking.csv")
    assert [(row["ids"], row["dice"], row["distance_mm"]) for row in found] == [
        ("1+2", "1.0", "0.0"),
        ("3", "1.0", "0.0"),
    ]
    assert evaluate(*known, "-o", tmp_path / "apart") == 0
    found = rows(tmp_path / "apart" / "tracking.csv")
    assert [row["switched_to"] for row in found] == ["", "1", ""]
    summary = json.loads((tmp_path / "apart" / "evaluation.json").read_text())["summary"]
    assert summary["cpm_25"]["value"] == pytest.approx(2 / 3, abs=1e-5)


@pytest.mark.parametrize("as_folder", [True, False])
def test_new_lesions_are_not_tracked(
    tmp_path: Path, as_folder: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    truth = np.zeros((3, 8, 40), np.uint8)
    truth[1, 2:6, 2:6], truth[1, 2:6, 30:34] = 1, 4
    known = np.where(truth == 1, truth, 0).astype(np.uint8)
    write(tmp_path / "truth" / "fu.nii.gz", truth)
    write(tmp_path / "found" / "fu.nii.gz", known)
    write(tmp_path / "base" / ("fu.nii.gz" if as_folder else "bl.nii.gz"), known)
    baseline = tmp_path / "base" if as_folder else tmp_path / "base" / "bl.nii.gz"
    sides = ("-t", tmp_path / "truth", "-p", tmp_path / "found", "--tracking")
    assert evaluate(*sides, "--baseline", baseline, "-o", tmp_path / "out") == 0
    assert [row["ids"] for row in rows(tmp_path / "out" / "tracking.csv")] == ["1"]
    assert evaluate(*sides, "--baseline", tmp_path) == 1
    assert "no label map found" in capsys.readouterr().err


def test_predictions_after_clicks_have_an_area(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    truth = blobs(2, 2)
    write(tmp_path / "truth" / "a.nii.gz", truth)
    for step, predicted in enumerate((np.zeros_like(truth), np.where(truth == 1, 1, 0), truth)):
        write(tmp_path / f"step{step}" / "a.nii.gz", predicted.astype(np.uint8))
    steps = [part for step in range(3) for part in ("-p", tmp_path / f"step{step}")]
    assert evaluate("-t", tmp_path / "truth", *steps, "--match", "id", "-o", tmp_path / "out") == 0
    assert "3 predictions of each case" in capsys.readouterr().out
    found = json.loads((tmp_path / "out" / "clicks.json").read_text())
    assert found["summary"]["auc_lesion_dice"]["value"] == pytest.approx((0.75 + 0.25) / 2)
    assert [row["dice"] for row in rows(tmp_path / "out" / "clicks.csv")] == [
        "0.0",
        "1.0",
        "1.0",
        "0.0",
        "0.0",
        "1.0",
    ]
    assert (
        json.loads((tmp_path / "out" / "evaluation.json").read_text())["summary"]["case_dice"]["value"] == 1
    )


def test_a_case_that_fails_leaves_the_others(
    folders: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    truth, predicted = folders
    write(truth / "c.nii.gz", blobs(5))
    write(truth / "d.nii.gz", blobs(5))
    write(predicted / "d.nii.gz", blobs(5), spacing=(1.0, 1.0, 1.0))
    assert evaluate("-t", truth, "-p", predicted, "-o", tmp_path / "out") == 3
    shown = capsys.readouterr().err
    assert "c: is not in" in shown
    assert "d: " in shown
    assert "is not on the grid of" in shown
    found = json.loads((tmp_path / "out" / "evaluation.json").read_text())
    assert sorted(found["failed"]) == ["c", "d"]
    assert len(found["cases"]) == 2


@pytest.mark.parametrize(
    ("change", "code", "message"),
    [
        (["--groups", "g.json"], 2, "--groups and --baseline need --tracking"),
        (["--kind", "semantic", "--match", "id"], 2, "has no ids"),
        (["--detection-iou", "0"], 2, "detection-iou"),
        (["-p", "missing"], 1, "no label map found"),
        (["--tracking", "--groups", "GROUPS"], 1, "lists of lists"),
    ],
)
def test_wrong_use_is_told(  # noqa: PLR0917  # fixtures
    folders: tuple[Path, Path],
    tmp_path: Path,
    change: list[str],
    code: int,
    message: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "groups.json").write_text('{"a": [1, 2]}')
    change = [str(tmp_path / "groups.json") if part == "GROUPS" else part for part in change]
    assert evaluate("-t", folders[0], "-p", folders[1], *change) == code
    assert message in capsys.readouterr().err


def test_one_case_on_another_grid_is_an_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(tmp_path / "t.nii.gz", blobs(1))
    write(tmp_path / "p.nii.gz", blobs(1)[:-1])
    assert evaluate("-t", tmp_path / "t.nii.gz", "-p", tmp_path / "p.nii.gz") == 1
    assert "is not on the grid" in capsys.readouterr().err


def test_two_label_maps_of_one_case_are_refused(
    folders: tuple[Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    write(folders[1] / "a.nii.gz", blobs(1))
    assert evaluate("-t", folders[0], "-p", folders[1]) == 1
    assert "are of one case" in capsys.readouterr().err
