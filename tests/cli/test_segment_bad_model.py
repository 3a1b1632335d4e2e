"""Models that cannot be used stop a run, and a hostile one executes nothing."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from segment_cases import PLANS, write_network

Segment = Callable[..., int]


def damaged(change: Callable[[dict[str, Any]], object]) -> dict[str, Any]:
    plans: dict[str, Any] = json.loads(json.dumps(PLANS))
    change(plans["configurations"]["3d_fullres"])
    return plans


UNUSABLE_PLANS = {
    "unknown architecture": (
        damaged(lambda plan: plan["architecture"].update(network_class_name="os.system")),
        "architecture 'os.system' is unknown",
    ),
    "unknown resampling": (damaged(lambda plan: plan.update(resampling_fn_data="other")), "'other'"),
    "no patch": (damaged(lambda plan: plan.pop("patch_size")), "patch_size is missing"),
    "weights of another shape": (
        damaged(lambda plan: plan["architecture"]["arch_kwargs"].update(kernel_sizes=[3, 1])),
        "weights of another shape",
    ),
}


@pytest.mark.parametrize("name", UNUSABLE_PLANS)
def test_a_model_that_cannot_be_used_stops_the_run(
    name: str,
    two_cases: tuple[Path, Path],
    tmp_path: Path,
    segment: Segment,
    capsys: pytest.CaptureFixture[str],
) -> None:
    plans, told = UNUSABLE_PLANS[name]
    images, prompts = two_cases
    write_network(tmp_path / "model" / "bbox_optimized", plans, folds=(0,))
    assert segment("-i", images, "-p", prompts, "-o", tmp_path / "out", model=tmp_path / "model") == 4
    assert told in capsys.readouterr().err
    assert not list(tmp_path.glob("out/*.nii.gz"))


@pytest.mark.parametrize("content", [b"", b"no checkpoint"])
def test_weights_that_cannot_be_read_stop_the_run(
    content: bytes,
    two_cases: tuple[Path, Path],
    tmp_path: Path,
    segment: Segment,
    capsys: pytest.CaptureFixture[str],
) -> None:
    images, prompts = two_cases
    write_network(tmp_path / "model" / "bbox_optimized", PLANS, folds=(0,))
    (tmp_path / "model" / "bbox_optimized" / "fold_0" / "checkpoint_final.pth").write_bytes(content)
    out = tmp_path / "out"
    assert segment("-i", images, "-p", prompts, "-o", out, model=tmp_path / "model") == 4
    assert "checkpoint_final.pth" in capsys.readouterr().err
    assert json.loads((out / "run.json").read_text())["exit_code"] == 4


class Hostile:
    def __init__(self, target: Path) -> None:
        self.target = target

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.target,)


def test_a_hostile_checkpoint_executes_nothing(
    two_cases: tuple[Path, Path], tmp_path: Path, segment: Segment, capsys: pytest.CaptureFixture[str]
) -> None:
    images, prompts = two_cases
    write_network(tmp_path / "model" / "bbox_optimized", PLANS, folds=(0,))
    weights = tmp_path / "model" / "bbox_optimized" / "fold_0" / "checkpoint_final.pth"
    torch.save({"network_weights": {}, "logging": Hostile(tmp_path / "executed")}, weights)
    assert segment("-i", images, "-p", prompts, "-o", tmp_path / "out", model=tmp_path / "model") == 4
    assert "refused" in capsys.readouterr().err
    assert not (tmp_path / "executed").exists()
