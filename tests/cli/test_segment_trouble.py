"""What goes wrong during a run, a full disk, missing memory or a fault of ours, loses one case at most."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Segment = Callable[..., int]


def test_an_output_below_a_file_cannot_be_made(
    two_cases: tuple[Path, Path], tmp_path: Path, segment: Segment, capsys: pytest.CaptureFixture[str]
) -> None:
    images, prompts = two_cases
    (tmp_path / "file").touch()
    assert segment("-i", images, "-p", prompts, "-o", tmp_path / "file" / "out") == 1
    assert f"error: cannot make the folder {tmp_path / 'file' / 'out'}" in capsys.readouterr().err


def test_a_full_disk_loses_one_case_and_leaves_no_part(
    two_cases: tuple[Path, Path],
    tmp_path: Path,
    segment: Segment,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    images, prompts = two_cases
    rename = os.replace

    def full(source: Path, target: Path, **options: Any) -> None:
        if Path(target).name.startswith("a_lesion_2"):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        rename(source, target, **options)

    monkeypatch.setattr(os, "replace", full)
    out = tmp_path / "out"
    assert segment("-i", images, "-p", prompts, "-o", out) == 3
    assert f"cannot write {out / 'a_lesion_2.nii.gz'}: No space left on device" in capsys.readouterr().err
    left = sorted(path.name for path in out.iterdir() if path.name[0] not in "b")
    assert left == ["a_lesion_1.nii.gz", "measurements.csv", "run.json"]
    assert (out / "b_lesions.json").is_file()
    monkeypatch.undo()
    assert segment("-i", images, "-p", prompts, "-o", out, "--resume") == 0
    assert (out / "a_lesions.json").is_file()


def test_nothing_can_be_written_at_all(
    two_cases: tuple[Path, Path],
    tmp_path: Path,
    segment: Segment,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def full(*_: Any, **__: Any) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    images, prompts = two_cases
    monkeypatch.setattr(os, "replace", full)
    assert segment("-i", images, "-p", prompts, "-o", tmp_path / "out") == 1
    assert "run.json: No space left on device" in capsys.readouterr().err
    assert list((tmp_path / "out").iterdir()) == []


def test_memory_that_runs_out_is_told_and_loses_one_case(
    two_cases: tuple[Path, Path],
    tmp_path: Path,
    segment: Segment,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from lesionlocator.inference.ensemble import Ensemble

    calls = []
    original = Ensemble.answers

    def short(self: Ensemble, patches: Any, **options: Any) -> Any:
        calls.append(1)
        if len(calls) == 1:
            raise RuntimeError("CUDA out of memory. Tried to allocate 20.00 MiB")
        yield from original(self, patches, **options)

    monkeypatch.setattr(Ensemble, "answers", short)
    images, prompts = two_cases
    assert segment("-i", images, "-p", prompts, "-o", tmp_path / "out") == 3
    error = capsys.readouterr().err
    assert "error: a: out of memory" in error
    assert "Traceback" not in error


def test_a_fault_of_ours_is_told_as_such_and_loses_one_case(
    two_cases: tuple[Path, Path],
    tmp_path: Path,
    segment: Segment,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from lesionlocator.results.files import CaseFiles

    original = CaseFiles.write_case

    def faulty(self: CaseFiles, *arguments: Any, **options: Any) -> Any:
        if self.case == "a":
            raise ZeroDivisionError("a bug")
        return original(self, *arguments, **options)

    monkeypatch.setattr(CaseFiles, "write_case", faulty)
    images, prompts = two_cases
    assert segment("-i", images, "-p", prompts, "-o", tmp_path / "out") == 3
    error = capsys.readouterr().err
    assert "Traceback" in error
    assert "error: a: this is a fault of lesionlocator: ZeroDivisionError('a bug')" in error
    assert (tmp_path / "out" / "b_lesions.json").is_file()
