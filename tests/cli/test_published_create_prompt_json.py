"""``LesionLocator_create_prompt_json``: the published flags, folders and file names."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from lesionlocator.cli import console
from lesionlocator.cli.published_create_prompt_json import create_prompt_json
from lesionlocator.geometry import Geometry
from lesionlocator.io.masks import write_labelmap


@pytest.fixture
def masks(tmp_path: Path) -> Path:
    """Two masks of label 1 at two places apart, one of them also with label 300."""
    folder = tmp_path / "masks"
    folder.mkdir()
    for name, label in (("a", 1), ("b.1", 300)):
        labels = np.zeros((6, 8, 10), np.uint16)
        labels[1, 2, 3:5] = 1
        labels[4, 5, 6] = label
        write_labelmap(folder / f"{name}.nii.gz", labels, Geometry(labels.shape, (1.0, 1.0, 1.0)))
    return folder


def run(*arguments: object) -> int:
    command = [str(argument) for argument in arguments]
    return console.exit_code(lambda: create_prompt_json.main(command, standalone_mode=False))


def read(folder: Path) -> dict[str, object]:
    return {
        str(file.relative_to(folder)): json.loads(file.read_text()) for file in sorted(folder.rglob("*.json"))
    }


def test_instances_of_a_folder_are_written_as_points_and_boxes(masks: Path, tmp_path: Path) -> None:
    assert run("-i", masks, "-o", tmp_path / "out", "-label_type", "instance") == 0
    assert read(tmp_path / "out") == {
        "boxes/a.json": {"1": {"box": ["1", "5", "2", "6", "3", "7"]}},
        "boxes/b.1.json": {
            "1": {"box": ["1", "2", "2", "3", "3", "5"]},
            "300": {"box": ["4", "5", "5", "6", "6", "7"]},
        },
        "points/a.json": {"1": {"point": ["2.0", "3.0", "4.33"]}},
        "points/b.1.json": {"1": {"point": ["1.0", "2.0", "3.5"]}, "300": {"point": ["4.0", "5.0", "6.0"]}},
    }


def test_components_of_one_semantic_mask_are_written(masks: Path, tmp_path: Path) -> None:
    assert run("-label_type", "semantic", "-o", tmp_path / "out", "-i", masks / "a.nii.gz") == 0
    assert read(tmp_path / "out") == {
        "boxes/a.json": {
            "1": {"box": ["1", "2", "2", "3", "3", "5"]},
            "2": {"box": ["4", "5", "5", "6", "6", "7"]},
        },
        "points/a.json": {"1": {"point": ["1.0", "2.0", "3.5"]}, "2": {"point": ["4.0", "5.0", "6.0"]}},
    }


def test_a_bad_mask_does_not_stop_the_others(
    masks: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (masks / "bad.nii.gz").write_bytes(b"no image")
    assert run("-i", masks, "-o", tmp_path / "out", "-label_type", "instance") == 3
    assert len(read(tmp_path / "out")) == 4
    assert "bad.nii.gz" in capsys.readouterr().err


def test_a_single_bad_mask_is_an_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("-i", tmp_path / "none.nii.gz", "-o", tmp_path / "out", "-label_type", "instance") == 1
    assert "none.nii.gz" in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [("-label_type", "other"), ()])
def test_the_label_type_is_needed_and_one_of_two(
    masks: Path, tmp_path: Path, arguments: tuple[str, ...]
) -> None:
    assert run("-i", masks, "-o", tmp_path / "out", *arguments) == 2


def test_the_installed_command_runs(masks: Path, tmp_path: Path) -> None:
    entry = "from lesionlocator.cli.published_create_prompt_json import main; main()"
    flags = ["-i", str(masks), "-o", str(tmp_path / "out"), "-label_type", "instance"]
    done = subprocess.run([sys.executable, "-c", entry, *flags], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert len(read(tmp_path / "out")) == 4
