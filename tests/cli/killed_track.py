"""A program that tracks several times, and is killed each time just before a certain file has its name."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from typing import Any

import pytest
from track_cases import stand_in

from lesionlocator.cli import console, track_patient  # noqa: F401  # imported once for all
from lesionlocator.cli.main import lesionlocator


def run_until(target: str, folder: Path, arguments: list[str]) -> None:
    replace = Path.replace

    def killed(self: Path, path: Any) -> Path:
        if Path(path).name == target:
            os.kill(os.getpid(), signal.SIGKILL)
        return replace(self, path)

    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setattr(Path, "replace", killed)
        stand_in(monkeypatch)
        command = ["track", *arguments, "--output", str(folder / target)]
        os._exit(console.exit_code(lambda: lesionlocator.main(command, standalone_mode=False)))


def main() -> None:
    """Take a folder, the names of the files, ``--``, and the arguments of the command."""
    folder, rest = Path(sys.argv[1]), sys.argv[2:]
    end = rest.index("--")
    for target in rest[:end]:
        child = os.fork()
        if child == 0:
            run_until(target, folder, rest[end + 1 :])
        _, status = os.waitpid(child, 0)
        if not os.WIFSIGNALED(status):
            sys.exit(f"{target}: was not killed")


if __name__ == "__main__":
    main()
