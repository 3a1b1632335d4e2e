"""A run that is interrupted answers 130, leaves whole files only, and can be resumed."""

from __future__ import annotations

import itertools
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import SimpleITK
from segment_cases import contents, noise, write_image, write_prompts

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such signals")

MANY = 32


@pytest.fixture
def many_lesions(tmp_path: Path) -> tuple[Path, Path]:
    image = write_image(tmp_path / "ct.nii.gz", noise(0))
    places = itertools.product((1, 5), (2, 6, 10, 14), (2, 6, 10, 14))
    boxes = {i: (z, z + 1, y, y + 1, x, x + 1) for i, (z, y, x) in enumerate(places, start=1)}
    return image, write_prompts(tmp_path / "ct.json", boxes)


def started(arguments: list[object]) -> subprocess.Popen[str]:
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    # A shell lets what it starts in the background, such as these tests, ignore SIGINT: heed it again.
    heed = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)"
    code = f"{heed}; from lesionlocator.cli.main import main; main()"
    command = [sys.executable, "-c", code, "segment", *(str(part) for part in arguments)]
    return subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def wait_for(path: Path, run: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + 120
    while not path.exists():
        assert run.poll() is None, run.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.002)


@pytest.mark.parametrize("reason", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_run_is_resumed(
    reason: signal.Signals,
    many_lesions: tuple[Path, Path],
    echo_model: Path,
    tmp_path: Path,
    segment: Callable[..., int],
) -> None:
    image, prompts = many_lesions
    out = tmp_path / "out"
    arguments: list[object] = ["-i", image, "-p", prompts, "-f", "0"]
    run = started([*arguments, "-o", out, "-m", echo_model, "--device", "cpu"])
    wait_for(out / "ct_lesion_2.nii.gz", run)
    run.send_signal(reason)
    _, error = run.communicate(timeout=120)
    assert run.returncode == 130
    assert error.endswith("error: interrupted\n")
    assert "Traceback" not in error
    record = json.loads((out / "run.json").read_text())
    assert (record["state"], record["exit_code"]) == ("interrupted", 130)
    masks = list(out.glob("ct_lesion_*.nii.gz"))
    assert 2 <= len(masks) < MANY
    assert not (out / "ct_lesions.json").exists()
    assert [path.name for path in out.iterdir() if path.name.startswith(".")] == []
    for mask in masks:
        SimpleITK.ReadImage(str(mask))
    assert segment(*arguments, "-o", out, "--resume") == 0
    assert segment(*arguments, "-o", tmp_path / "undisturbed") == 0
    assert contents(out) == contents(tmp_path / "undisturbed")
