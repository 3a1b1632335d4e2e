"""``LesionLocator_track``: the published flags, file names and defaults."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from segment_cases import contents, write_prompts
from track_cases import CENTRES, lesions, read, stand_in, write_patient, write_tracker

from lesionlocator.cli import console
from lesionlocator.cli.published_track import track

MASKS = sorted(f"{fu}_lesion_{i}.nii.gz" for fu in ("fu1", "fu2") for i in CENTRES)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tracker(tmp_path_factory.mktemp("tracker"))


@pytest.fixture
def run(model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., int]:
    stand_in(monkeypatch)
    patient = write_patient(tmp_path)
    inputs = ("-bl", patient["bl"], "-fu", patient["fu1"], patient["fu2"], "-p", patient["labels"])
    outputs = ("-o", tmp_path / "out", "-m", model, "-device", "cpu", "--disable_tta")

    def with_arguments(*arguments: object) -> int:
        try:
            return console.exit_code(lambda: track([str(part) for part in (*inputs, *outputs, *arguments)]))
        except SystemExit as exited:  # argparse leaves by itself
            return int(exited.code or 0)

    return with_arguments


def test_only_masks_of_the_followups_are_written(run: Callable[..., int], tmp_path: Path) -> None:
    assert run("-t", "prev_mask", "-f", "0") == 0
    out = tmp_path / "out"
    assert sorted(contents(out, without=())) == MASKS
    for followup in ("fu1", "fu2"):
        for lesion_id in CENTRES:
            mask = read(out / f"{followup}_lesion_{lesion_id}.nii.gz")
            np.testing.assert_array_equal(mask, lesions(CENTRES) == lesion_id)


def test_boxes_and_the_other_flags(
    run: Callable[..., int], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    prompts = write_prompts(tmp_path / "p.json", {3: (2, 4, 4, 8, 4, 8)})
    flags = ("--verbose", "-npp", "3", "-nps", "3", "--disable_progress_bar")
    assert run("-t", "box", "-p", prompts, *flags) == 0
    assert sorted(contents(tmp_path / "out")) == ["fu1_lesion_3.nii.gz", "fu2_lesion_3.nii.gz"]
    captured = capsys.readouterr()
    assert "-npp and -nps are accepted, without effect" in captured.out


@pytest.mark.parametrize("flag", ["--c", "--continue_prediction"])
def test_masks_that_are_there_are_kept(run: Callable[..., int], tmp_path: Path, flag: str) -> None:
    assert run() == 0
    before = contents(tmp_path / "out")
    kept = tmp_path / "out" / "fu1_lesion_1.nii.gz"
    (tmp_path / "out" / "fu2_lesion_7.nii.gz").unlink()
    written = kept.stat().st_mtime_ns
    assert run(flag) == 0
    assert contents(tmp_path / "out") == before
    assert kept.stat().st_mtime_ns == written


@pytest.mark.skipif(torch.cuda.is_available(), reason="tells what happens without CUDA")
def test_the_default_device_is_cuda_and_its_absence_is_told(
    run: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("-device", "cuda") == 1
    assert "-device cpu" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (("-f", "9"), 4, "no fold 9; there are: 0"),
        (("-t", "circle"), 2, "invalid choice"),
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
