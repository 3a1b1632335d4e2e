"""``LesionLocator_segment``: the published flags, file names and defaults."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from segment_cases import BOXES, contents

from lesionlocator.cli import console
from lesionlocator.cli.published_segment import segment

MASKS = sorted([f"a_lesion_{i}.nii.gz" for i in BOXES] + ["b_lesion_7.nii.gz"])


@pytest.fixture
def run(two_cases: tuple[Path, Path], tmp_path: Path, echo_model: Path) -> Callable[..., int]:
    images, prompts = two_cases
    inputs = ("-i", images, "-p", prompts, "-o", tmp_path / "out", "-m", echo_model, "-device", "cpu")

    def with_arguments(*arguments: object) -> int:
        try:
            return console.exit_code(lambda: segment([str(part) for part in (*inputs, *arguments)]))
        except SystemExit as exited:  # argparse leaves by itself
            return int(exited.code or 0)

    return with_arguments


def test_only_the_masks_are_written_and_equal_those_of_the_other_command(
    run: Callable[..., int],
    two_cases: tuple[Path, Path],
    tmp_path: Path,
    request: pytest.FixtureRequest,
) -> None:
    images, prompts = two_cases
    assert run("-t", "box", "-f", "0", "1") == 0
    ours = request.getfixturevalue("segment")
    assert ours("-i", images, "-p", prompts, "-o", tmp_path / "ours", "-f", "0,1") == 0
    written = contents(tmp_path / "out", without=())
    assert sorted(written) == MASKS
    assert written == {
        name: content for name, content in contents(tmp_path / "ours").items() if name in MASKS
    }


def test_every_published_flag_is_taken(run: Callable[..., int], capsys: pytest.CaptureFixture[str]) -> None:
    code = run(
        *("-t", "box", "-f", "1", "-step_size", "0.5", "--disable_tta", "--verbose", "--continue_prediction"),
        *("-npp", "3", "-nps", "3", "--disable_progress_bar"),
    )
    assert code == 0
    captured = capsys.readouterr()
    assert "fold 1, not mirrored" in captured.out
    assert "-npp and -nps are accepted, without effect" in captured.out


@pytest.mark.parametrize("flag", ["--c", "--continue_prediction"])
def test_masks_that_are_there_are_kept(run: Callable[..., int], tmp_path: Path, flag: str) -> None:
    assert run() == 0
    before = contents(tmp_path / "out")
    kept = tmp_path / "out" / "a_lesion_1.nii.gz"
    (tmp_path / "out" / "a_lesion_2.nii.gz").unlink()
    written = kept.stat().st_mtime_ns
    assert run(flag) == 0
    assert contents(tmp_path / "out") == before
    assert kept.stat().st_mtime_ns == written


def test_without_the_flag_masks_are_written_anew(run: Callable[..., int], tmp_path: Path) -> None:
    assert run() == 0
    before = contents(tmp_path / "out")
    (tmp_path / "out" / "a_lesion_1.nii.gz").write_bytes(b"old")
    assert run() == 0
    assert contents(tmp_path / "out") == before


def test_points(run: Callable[..., int], two_cases: tuple[Path, Path], tmp_path: Path) -> None:
    for name in "ab":
        (two_cases[1] / f"{name}.json").write_text(json.dumps({"3": {"point": ["4", "8.2", "8"]}}))
    assert run("-t", "point") == 0
    assert sorted(contents(tmp_path / "out")) == ["a_lesion_3.nii.gz", "b_lesion_3.nii.gz"]


@pytest.mark.skipif(torch.cuda.is_available(), reason="tells what happens without CUDA")
def test_the_default_device_is_cuda_and_its_absence_is_told(
    run: Callable[..., int], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("-device", "cuda") == 1
    error = capsys.readouterr().err
    assert "CUDA" in error
    assert "-device cpu" in error


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (("-f", "9"), 4, "no fold 9; there are: 0, 1"),
        (("-f", "x"), 2, "invalid int value"),
        (("-t", "circle"), 2, "invalid choice"),
        (("-step_size", "0"), 2, "-step_size"),
        (("-step_size", "nan"), 2, "-step_size"),
        (("-m", "nowhere"), 4, "nowhere: no such model folder"),
        (("--unknown",), 2, "unrecognized arguments: --unknown"),
    ],
)
def test_wrong_flags(
    run: Callable[..., int],
    capsys: pytest.CaptureFixture[str],
    arguments: tuple[str, ...],
    code: int,
    told: str,
) -> None:
    assert run(*arguments) == code
    assert told in capsys.readouterr().err


def test_a_case_that_fails_leaves_the_others(
    run: Callable[..., int], two_cases: tuple[Path, Path], tmp_path: Path
) -> None:
    (two_cases[0] / "a.nii.gz").write_bytes(b"")
    assert run() == 3
    assert sorted(contents(tmp_path / "out")) == ["b_lesion_7.nii.gz"]
