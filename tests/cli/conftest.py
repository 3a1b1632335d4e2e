"""What the tests of the commands share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from segment_cases import BOXES, PLANS, noise, write_image, write_network, write_prompts

from lesionlocator.cli import console
from lesionlocator.cli.main import lesionlocator


@pytest.fixture(autouse=True)
def wide_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "250")


@pytest.fixture(scope="session")
def echo_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkpoint in the published layout that finds just the prompt; where that is all it sees, nothing.

    Folds 0 and 1 differ in how sure they are.
    """
    root = tmp_path_factory.mktemp("echo_model")
    for name in ("bbox_optimized", "point_optimized"):
        write_network(root / "LesionLocatorSeg" / name, PLANS, folds=(0, 1))
    return root


@pytest.fixture
def two_cases(tmp_path: Path) -> tuple[Path, Path]:
    """Folders of images and of prompts for the cases a and b."""
    for seed, (name, boxes) in enumerate({"a": BOXES, "b": {7: BOXES[1]}}.items()):
        write_image(tmp_path / "images" / f"{name}.nii.gz", noise(seed))
        write_prompts(tmp_path / "prompts" / f"{name}.json", boxes)
    return tmp_path / "images", tmp_path / "prompts"


@pytest.fixture
def segment(echo_model: Path) -> Callable[..., int]:
    """Run ``lesionlocator segment`` with the tiny model, and return the exit code."""

    def run(*arguments: object, model: Path = echo_model) -> int:
        command = ["segment", "-m", model, "--device", "cpu", *arguments]
        return console.exit_code(
            lambda: lesionlocator.main([str(part) for part in command], standalone_mode=False)
        )

    return run
