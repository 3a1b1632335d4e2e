"""``lesionlocator measure`` as a user runs it."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from segment_cases import GRID, noise, write_image
from track_cases import CENTRES, lesions

from lesionlocator.cli import console
from lesionlocator.cli.main import lesionlocator
from lesionlocator.geometry import Geometry


def run(*arguments: object) -> int:
    command = ["measure", *map(str, arguments)]
    return console.exit_code(lambda: lesionlocator.main(command, standalone_mode=False))


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    """Images and label maps of the cases a and b."""
    for seed, name in enumerate("ab"):
        write_image(tmp_path / "images" / f"{name}_0000.nii.gz", noise(seed))
        write_image(tmp_path / "labels" / f"{name}.nii.gz", lesions(CENTRES))
    return tmp_path / "images", tmp_path / "labels"


def rows(folder: Path) -> list[dict[str, str]]:
    return list(csv.DictReader((folder / "measurements.csv").read_text().splitlines()))


def test_one_case_is_shown_and_written(
    folders: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    image, labels = folders[0] / "a_0000.nii.gz", folders[1] / "a.nii.gz"
    assert run("-i", image, "-l", labels, "-o", tmp_path / "out") == 0
    content = json.loads((tmp_path / "out" / "a_0000_measurements.json").read_text())
    assert sorted(content["lesions"]) == ["1", "7"]
    seven = content["lesions"]["7"]
    values = noise(0)[lesions(CENTRES) == 7]
    assert seven["volume_ml"] == pytest.approx(len(values) * GRID.voxel_volume_ml)
    assert seven["hu_percentile_90"] == pytest.approx(np.percentile(values, 90))
    assert seven["longest_diameter_3d_mm"] == pytest.approx(np.sqrt(2**2 + 3**2 + 3**2), abs=1e-4)
    assert [row["lesion_id"] for row in rows(tmp_path / "out")] == ["1", "7"]
    assert float(rows(tmp_path / "out")[1]["sphericity"]) == seven["sphericity"]
    assert "sphericity" in capsys.readouterr().out


def test_without_an_output_nothing_is_written(folders: tuple[Path, Path], tmp_path: Path) -> None:
    assert run("-i", folders[0] / "a_0000.nii.gz", "-l", folders[1] / "a.nii.gz") == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["images", "labels"]


def test_folders_are_paired_by_name(folders: tuple[Path, Path], tmp_path: Path) -> None:
    assert run("-i", folders[0], "-l", folders[1], "-o", tmp_path / "out", "--quiet") == 0
    found = [(row["case"], row["lesion_id"]) for row in rows(tmp_path / "out")]
    assert found == [("a_0000", "1"), ("a_0000", "7"), ("b_0000", "1"), ("b_0000", "7")]


def test_components_of_a_mask_are_lesions(folders: tuple[Path, Path], tmp_path: Path) -> None:
    mask = write_image(tmp_path / "mask.nii.gz", (lesions(CENTRES) > 0).astype(np.uint8))
    image = folders[0] / "a_0000.nii.gz"
    assert run("-i", image, "-l", mask, "-o", tmp_path / "out", "--kind", "semantic") == 0
    assert [row["lesion_id"] for row in rows(tmp_path / "out")] == ["1", "2"]


def test_a_label_map_of_another_grid_fails_by_itself(
    folders: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = Geometry(GRID.shape, (2.0, 1.0, 1.5))
    write_image(folders[1] / "b.nii.gz", lesions(CENTRES), other)
    assert run("-i", folders[0], "-l", folders[1], "-o", tmp_path / "out") == 3
    message = capsys.readouterr().err
    assert "b.nii.gz: is not on the grid of" in message
    assert "spacing" in message
    assert {row["case"] for row in rows(tmp_path / "out")} == {"a_0000"}


def test_an_image_without_a_label_map_is_named(
    folders: tuple[Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    (folders[1] / "b.nii.gz").unlink()
    assert run("-i", folders[0], "-l", folders[1]) == 3
    assert "b_0000: no label maps for b_0000.nii.gz" in capsys.readouterr().err


def test_the_only_case_that_fails_is_an_error(
    folders: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    prompts = tmp_path / "points.json"
    prompts.write_text("{}")
    assert run("-i", folders[0] / "a_0000.nii.gz", "-l", prompts, "-o", tmp_path / "out") == 1
    assert "points.json: is no label map; legal endings: .nii.gz" in capsys.readouterr().err
    assert not (tmp_path / "out" / "measurements.csv").exists()


def test_an_empty_label_map_is_told(
    folders: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    empty = write_image(tmp_path / "empty.nii.gz", lesions({}))
    assert run("-i", folders[0] / "a_0000.nii.gz", "-l", empty, "-o", tmp_path / "out") == 0
    assert "empty.nii.gz: holds no label but 0" in capsys.readouterr().err
    assert rows(tmp_path / "out") == []
