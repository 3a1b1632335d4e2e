"""How long the command takes to say what it can do, against importing torch."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from racing import Racing

_HELP = "from lesionlocator.cli.main import main; import sys; sys.argv[1:] = ['--help']; main()"


def run(code: str) -> bool:
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
    command = [sys.executable, "-c", code]
    return subprocess.run(command, check=True, capture_output=True, env=environment).returncode == 0


@pytest.mark.parametrize(
    ("work", "code", "goal"),
    [("lesionlocator --help", _HELP, 20), ("import lesionlocator", "import lesionlocator", 15)],
)
def race_start(race: Racing, work: str, code: str, goal: float) -> None:
    race(work, lambda: run(code), "import torch", lambda: run("import torch"), goals={1: goal, 2: goal})
