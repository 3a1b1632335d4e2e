"""What is told of prompts that come from structured reports."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from segment_cases import BOXES, write_prompts

from dicom_cases import oblique, phantom, write_series
from lesionlocator.cli import console
from lesionlocator.cli.main import lesionlocator

GUESSED = "the depth of its box is guessed from its shorter diameter"


def run(*arguments: object) -> int:
    words = [str(part) for part in arguments]
    return console.exit_code(lambda: lesionlocator.main(words, standalone_mode=False))


@pytest.fixture
def report(tmp_path: Path, segment: Callable[..., int]) -> Path:
    prompts = write_prompts(tmp_path / "prompts.json", {300: BOXES[300]})
    folder = write_series(tmp_path / "ct", phantom(), oblique())
    out = tmp_path / "first"
    assert segment("-i", folder, "-p", prompts, "-o", out, "--save", "dicom-sr") == 0
    return out / "ct_sr.dcm"


def test_a_guessed_depth_is_a_warning_of_the_lesion_where_its_box_is_used(
    tmp_path: Path, report: Path, segment: Callable[..., int], capfd: pytest.CaptureFixture[str]
) -> None:
    for kind, told in (("box", 1), ("point", 0)):
        out = tmp_path / kind
        words = ("-i", tmp_path / "ct", "-p", report, "-o", out, "-t", kind)
        assert segment(*words) == 0
        assert capfd.readouterr().err.count(GUESSED) == told
        (lesion,) = json.loads((out / "ct_lesions.json").read_text())["lesions"].values()
        assert sum(GUESSED in text for text in lesion["warnings"]) == told
        document = (out / "ct_lesions.json").read_bytes()
        (out / "ct_lesions.json").unlink()
        assert segment(*words, "--resume") == 0
        assert (out / "ct_lesions.json").read_bytes() == document
        capfd.readouterr()


def test_converting_a_report_tells_of_guessed_depths(
    tmp_path: Path, report: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    target = tmp_path / "converted.json"
    assert run("prompts", "convert", "-i", report, "-o", target, "--image", tmp_path / "ct") == 0
    told = capfd.readouterr()
    assert f"warning: {report}: lesion 300: {GUESSED}" in told.err
    assert "1 lesion" in told.out
