"""The record of a run: what it holds at every moment, and how it is compared."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lesionlocator.errors import InputError
from lesionlocator.model import BUILTIN_FOLDER, NetworkFolder
from lesionlocator.results import provenance
from lesionlocator.results.provenance import (
    CaseRecord,
    ModelIdentity,
    RunRecord,
    differing_settings,
    peak_memory_mib,
    read_run,
)

SETTINGS: dict[str, Any] = {
    "model": {"path": "/m", "sha256": "abc", "folds": [0], "mirroring": True},
    "prompt_type": "box",
    "step_size": 0.5,
    "orientation": "auto",
}


def record(path: Path) -> RunRecord:
    started = datetime.now(timezone.utc) - timedelta(seconds=5)
    run = RunRecord(path, SETTINGS, {"version": "1"}, started, seconds={"load": 1.0})
    run.cases["b"] = CaseRecord(lesions={10: "empty", 9: "segmented"}, prompts_sha256="p")
    run.cases["b"].add_seconds({"read": 0.5})
    run.cases["b"].add_seconds({"read": 0.25, "network": 2.0})
    run.cases["a"] = CaseRecord("ok", seconds={"read": 100.0}, is_earlier=True)
    return run


@pytest.mark.parametrize(
    ("exit_code", "state"),
    [(None, "running"), (0, "finished"), (3, "finished"), (1, "failed"), (4, "failed"), (130, "interrupted")],
)
def test_the_state_follows_from_the_exit_code(tmp_path: Path, exit_code: int | None, state: str) -> None:
    path = tmp_path / "run.json"
    record(path).write(exit_code=exit_code)
    content = json.loads(path.read_text())
    assert (content["state"], content["exit_code"]) == (state, exit_code)
    assert (content["ended"] is None) == (exit_code is None)


def test_seconds_are_summed_over_the_cases_of_this_run(tmp_path: Path) -> None:
    path = tmp_path / "run.json"
    record(path).write(exit_code=0)
    content = json.loads(path.read_text())
    assert content["seconds"] == {"load": 1.0, "read": 0.75, "network": 2.0} | {
        "total": content["seconds"]["total"]
    }
    assert content["seconds"]["total"] == pytest.approx(5, abs=2)
    assert list(content["cases"]) == ["a", "b"]
    assert list(content["cases"]["b"]["lesions"]) == ["9", "10"]


def test_times_are_in_utc(tmp_path: Path) -> None:
    record(tmp_path / "run.json").write(exit_code=0)
    content = json.loads((tmp_path / "run.json").read_text())
    assert content["started"].endswith("+00:00")
    assert datetime.fromisoformat(content["started"]) < datetime.fromisoformat(content["ended"])


def test_what_is_written_is_read_again_as_an_earlier_run(tmp_path: Path) -> None:
    path = tmp_path / "run.json"
    run = record(path)
    run.write()
    settings, cases = read_run(path)
    assert settings == SETTINGS
    assert all(case.is_earlier for case in cases.values())
    assert cases["b"].lesions == {9: "segmented", 10: "empty"}
    assert cases["b"].prompts_sha256 == "p"
    assert cases["a"].state == "ok"


@pytest.mark.parametrize(
    "text", ["{}", '{"settings": {}, "cases": []}', '{"settings": {}, "cases": {"a": {}}}']
)
def test_what_is_no_record_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "run.json").write_text(text)
    with pytest.raises(InputError, match=r"run\.json: is not the record of a run"):
        read_run(tmp_path / "run.json")


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({}, []),
        ({"prompt_type": "point"}, ["prompt type 'box', now 'point'"]),
        ({"step_size": 0.25}, ["step size 0.5, now 0.25"]),
        ({"orientation": "stored"}, ["orientation 'auto', now 'stored'"]),
        ({"model": SETTINGS["model"] | {"path": "/moved"}}, []),
        ({"model": SETTINGS["model"] | {"sha256": "d"}}, ["model checksum 'abc', now 'd'"]),
        (
            {"model": SETTINGS["model"] | {"folds": [1], "mirroring": False}},
            ["folds [0], now [1]", "mirroring True, now False"],
        ),
    ],
)
def test_settings_that_decide_the_results_are_compared(change: dict[str, Any], told: list[str]) -> None:
    assert differing_settings(SETTINGS, SETTINGS | change) == told


def test_peak_memory_is_that_of_this_process() -> None:
    peak = peak_memory_mib()
    assert peak is None or 5 < peak < 1e6


@pytest.mark.skipif(
    sys.platform != "linux", reason="elsewhere the system's own figure is that of the process"
)
def test_peak_memory_of_a_process_is_not_that_of_the_one_which_started_it() -> None:
    held = np.ones(1 << 26)
    code = "from lesionlocator.results.provenance import peak_memory_mib; print(peak_memory_mib())"
    child = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert float(child.stdout) < held.nbytes / 2**20


def test_peak_memory_is_asked_of_the_system_where_there_is_no_status_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(provenance, "_STATUS", tmp_path / "none")
    peak = peak_memory_mib()
    assert peak is None or 5 < peak < 1e6


def test_the_built_in_model_is_named_so() -> None:
    folder = NetworkFolder(BUILTIN_FOLDER / "all_prompts", None, {})  # type: ignore[arg-type]
    assert ModelIdentity(folder, (0,), mirroring=False).name == "built-in"


def test_a_model_is_read_once_for_its_checksum(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    reads = []
    monkeypatch.setattr(NetworkFolder, "checksum", lambda *_: reads.append(1) or "abc")
    identity = ModelIdentity(NetworkFolder(tmp_path, None, {}), (0,), mirroring=False)  # type: ignore[arg-type]
    assert identity.as_dict() == identity.as_dict()
    assert len(reads) == 1
