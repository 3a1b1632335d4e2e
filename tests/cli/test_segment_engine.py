"""How the network runs, as a user chooses it: precision, one fold, a profile."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from segment_cases import contents

from lesionlocator.cli import read_ahead, segment_run
from lesionlocator.inference.ensemble import Ensemble

Segment = Callable[..., int]


def test_fast_is_the_first_fold_without_mirroring(
    two_cases: tuple[Path, Path], tmp_path: Path, segment: Segment
) -> None:
    images, prompts = two_cases
    inputs = ("-i", images / "a.nii.gz", "-p", prompts / "a.json")
    assert segment(*inputs, "-o", tmp_path / "fast", "--fast") == 0
    assert segment(*inputs, "-o", tmp_path / "same", "-f", "0", "--disable-tta") == 0
    assert contents(tmp_path / "fast") == contents(tmp_path / "same")


def test_fast_with_several_folds_is_wrong_usage(
    two_cases: tuple[Path, Path], tmp_path: Path, segment: Segment, capsys: pytest.CaptureFixture[str]
) -> None:
    images, prompts = two_cases
    assert segment("-i", images, "-p", prompts, "-o", tmp_path / "out", "--fast", "-f", "0,1") == 2
    assert "--fast uses one fold" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_the_precision_is_used_and_kept_in_the_record(
    two_cases: tuple[Path, Path], tmp_path: Path, segment: Segment
) -> None:
    images, prompts = two_cases
    assert segment("-i", images, "-p", prompts, "-o", tmp_path / "out", "--precision", "bf16") == 0
    run = json.loads((tmp_path / "out" / "run.json").read_text())
    assert run["device"]["dtype"] == "bfloat16"
    assert run["settings"]["precision"] == "bf16"


def test_half_precision_on_a_cpu_is_refused(
    two_cases: tuple[Path, Path], tmp_path: Path, segment: Segment, capsys: pytest.CaptureFixture[str]
) -> None:
    images, prompts = two_cases
    assert segment("-i", images, "-p", prompts, "-o", tmp_path / "out", "--precision", "fp16") == 1
    assert "legal: auto, fp32, bf16" in capsys.readouterr().err


def test_a_profile_prints_the_stages_and_writes_a_trace(
    two_cases: tuple[Path, Path], tmp_path: Path, segment: Segment, capsys: pytest.CaptureFixture[str]
) -> None:
    images, prompts = two_cases
    inputs = ("-i", images / "b.nii.gz", "-p", prompts / "b.json")
    assert segment(*inputs, "-o", tmp_path / "out", "--fast", "--profile") == 0
    printed = capsys.readouterr().out
    assert all(
        stage in printed for stage in ("read", "prepare", "network", "wait", "export", "write", "total")
    )
    events = json.loads((tmp_path / "out" / "profile.json").read_text())["traceEvents"]
    names = {event.get("name") for event in events}
    assert {f"lesionlocator: {stage}" for stage in ("prepare", "network", "export", "write")} <= names
    assert any("conv" in str(name) for name in names)


def test_each_step_about_missing_memory_is_a_warning_of_its_lesion(
    two_cases: tuple[Path, Path],
    tmp_path: Path,
    segment: Segment,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    made = Ensemble.__init__

    def in_batches(self: Ensemble, *arguments: object, **options: object) -> None:
        made(self, *arguments, **options, batch=2)
        for network, _ in self._members:
            network.register_forward_pre_hook(refuse_two)

    def refuse_two(_: torch.nn.Module, inputs: tuple[torch.Tensor, ...]) -> None:
        if len(inputs[0]) > 1:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")

    images, prompts = two_cases
    inputs = ("-i", images / "b.nii.gz", "-p", prompts / "b.json")
    assert segment(*inputs, "-o", tmp_path / "whole") == 0
    monkeypatch.setattr(Ensemble, "__init__", in_batches)
    assert segment(*inputs, "-o", tmp_path / "out") == 0
    assert "lesion 7 segmented: out of memory on cpu: samples go 1 at a time" in capsys.readouterr().err
    masks = [(tmp_path / name / "b_lesion_7.nii.gz").read_bytes() for name in ("whole", "out")]
    assert masks[0] == masks[1]


def test_the_first_scan_is_read_while_the_model_is_loaded(
    two_cases: tuple[Path, Path], tmp_path: Path, segment: Segment, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Loading, which imports torch, does not end before the scan has been read."""
    read = threading.Event()
    load, reading = segment_run.load_model, read_ahead.read_scan

    def seen(*arguments: Any, **options: Any) -> Any:
        scan = reading(*arguments, **options)
        read.set()
        return scan

    def patient(*arguments: Any, **options: Any) -> Any:
        assert read.wait(60)
        return load(*arguments, **options)

    monkeypatch.setattr(read_ahead, "read_scan", seen)
    monkeypatch.setattr(segment_run, "load_model", patient)
    images, prompts = two_cases
    assert segment("-i", images / "b.nii.gz", "-p", prompts / "b.json", "-o", tmp_path / "out") == 0
