"""What ``lesionlocator segment`` says: lines, bars on a terminal, and the log for machines."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from rich.console import Console

from lesionlocator.cli import console

Segment = Callable[..., int]


def test_plain_lines_say_what_happens(
    two_cases: tuple[Path, Path], tmp_path: Path, segment: Segment, capsys: pytest.CaptureFixture[str]
) -> None:
    images, prompts = two_cases
    out = tmp_path / "out"
    assert segment("-i", images, "-p", prompts, "-o", out) == 0
    captured = capsys.readouterr()
    lines = captured.out.splitlines()
    assert lines[0].endswith(
        "LesionLocatorSeg/bbox_optimized, folds 0, 1, mirrored".replace("/", str(Path("/")))
    )
    assert lines[1] == "device: cpu (asked for)"
    assert lines[2] == "a: 4 lesions"
    assert lines[3].startswith("a: 3 segmented, 1 empty, 1.")
    assert lines[4] == "b: 1 lesion"
    assert lines[-1] == f"results: {out}"
    assert captured.err == "warning: a: lesion 4 empty: the network found no lesion at this prompt\n"


def test_auto_says_which_device_it_chose_and_why(
    two_cases: tuple[Path, Path], tmp_path: Path, segment: Segment, capsys: pytest.CaptureFixture[str]
) -> None:
    images, prompts = two_cases
    out = tmp_path / "out"
    assert segment("-i", images, "-p", prompts, "-o", out, "--device", "auto") == 0
    told = next(line for line in capsys.readouterr().out.splitlines() if line.startswith("device: "))
    assert "available" in told
    assert "available" in json.loads((out / "run.json").read_text())["device"]["reason"]


def test_quiet_prints_errors_only(
    two_cases: tuple[Path, Path], tmp_path: Path, segment: Segment, capsys: pytest.CaptureFixture[str]
) -> None:
    images, prompts = two_cases
    assert segment("-i", images, "-p", prompts, "-o", tmp_path / "out", "--quiet") == 0
    assert capsys.readouterr() == ("", "")
    (prompts / "a.json").write_text("[]")
    assert segment("-i", images, "-p", prompts, "-o", tmp_path / "out", "--quiet") == 3
    captured = capsys.readouterr()
    assert captured.out == ""
    assert [line[:9] for line in captured.err.splitlines()] == ["error: a:", "error: 1 "]


def test_verbose_tells_the_time_of_each_stage(
    two_cases: tuple[Path, Path], tmp_path: Path, segment: Segment, capsys: pytest.CaptureFixture[str]
) -> None:
    images, prompts = two_cases
    assert segment("-i", images, "-p", prompts, "-o", tmp_path / "out", "--verbose") == 0
    told = [line for line in capsys.readouterr().out.splitlines() if line.startswith("b: lesion 7")]
    assert len(told) == 1
    assert told[0].startswith("b: lesion 7 segmented (prepare ")
    assert "network" in told[0]


def test_verbose_shows_where_an_error_comes_from(
    tmp_path: Path, segment: Segment, capsys: pytest.CaptureFixture[str]
) -> None:
    nowhere = tmp_path / "nowhere"
    assert segment("-i", nowhere, "-p", nowhere, "-o", tmp_path / "out", "--verbose") == 1
    assert "Traceback" in capsys.readouterr().err


def test_the_log_holds_one_event_a_line(
    two_cases: tuple[Path, Path], tmp_path: Path, segment: Segment
) -> None:
    images, prompts = two_cases
    (prompts / "a.json").write_text("[]")
    log = tmp_path / "log.jsonl"
    assert segment("-i", images, "-p", prompts, "-o", tmp_path / "out", "--log-json", log) == 3
    events = [json.loads(line) for line in log.read_text().splitlines()]
    assert all({"event", "time"} <= event.keys() for event in events)
    assert [event["time"] for event in events] == sorted(event["time"] for event in events)
    names = [event["event"] for event in events if event["event"] != "network_call"]
    assert names == [
        "stage",
        "run_started",
        "stage",
        "case_failed",
        "stage",
        "case_started",
        "lesion",
        "case_done",
        "run_done",
    ]
    calls = [event for event in events if event["event"] == "network_call"]
    assert [(call["case"], call["lesion"], call["done"], call["total"]) for call in calls] == [
        ("b", 7, done, 16) for done in range(1, 17)
    ]
    assert events[-1]["exit_code"] == 3


def test_a_log_that_cannot_be_written_is_an_error(
    two_cases: tuple[Path, Path], tmp_path: Path, segment: Segment, capsys: pytest.CaptureFixture[str]
) -> None:
    images, prompts = two_cases
    log = tmp_path / "nowhere" / "log.jsonl"
    assert segment("-i", images, "-p", prompts, "-o", tmp_path / "out", "--log-json", log) == 1
    assert f"error: cannot write {log}" in capsys.readouterr().err


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_a_log_on_a_full_disk_is_an_error(
    two_cases: tuple[Path, Path], tmp_path: Path, segment: Segment, capsys: pytest.CaptureFixture[str]
) -> None:
    images, prompts = two_cases
    assert segment("-i", images, "-p", prompts, "-o", tmp_path / "out", "--log-json", "/dev/full") == 1
    assert "error: cannot write /dev/full: No space left on device" in capsys.readouterr().err


def test_a_terminal_shows_bars_and_the_table(
    two_cases: tuple[Path, Path],
    tmp_path: Path,
    segment: Segment,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    terminal = Console(force_terminal=True)
    monkeypatch.setattr(console, "stdout", lambda: terminal)
    images, prompts = two_cases
    assert segment("-i", images, "-p", prompts, "-o", tmp_path / "out") == 0
    shown = capsys.readouterr().out
    assert "\x1b[" in shown
    assert "2/2" in shown, "cases"
    assert "lesion 7" in shown, "of the last case"
    assert "16/16" in shown, "its network calls"
    assert "a: 4 lesions" not in shown
    assert "a: 3 segmented" in shown
    assert f"results: {tmp_path / 'out'}" in shown
