"""The ``lesionlocator`` group: quick help, version, and commands that can all be loaded."""

from __future__ import annotations

import subprocess
import sys

import click
import pytest

from lesionlocator import _core
from lesionlocator.cli import console
from lesionlocator.cli.main import lesionlocator


def run(*arguments: str) -> int:
    return console.exit_code(lambda: lesionlocator.main(list(arguments), standalone_mode=False))


def test_the_help_imports_nothing_heavy() -> None:
    code = (
        "import sys\n"
        "from lesionlocator.cli import console\n"
        "from lesionlocator.cli.main import lesionlocator\n"
        "code = console.exit_code(lambda: lesionlocator.main(['--help'], standalone_mode=False))\n"
        "heavy = {'numpy', 'torch', 'SimpleITK', 'rich', 'lesionlocator._core'} & set(sys.modules)\n"
        "sys.exit(f'imported: {heavy}' if heavy else code)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    for command in ("segment", "prompts", "demo"):
        assert command in done.stdout


def test_the_help_of_a_command_imports_no_torch() -> None:
    code = (
        "import sys\n"
        "from lesionlocator.cli import console\n"
        "from lesionlocator.cli.main import lesionlocator\n"
        "console.exit_code(lambda: lesionlocator.main(['segment', '--help'], standalone_mode=False))\n"
        "sys.exit('torch' in sys.modules or 'SimpleITK' in sys.modules)\n"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, check=False).returncode == 0


def test_every_command_can_be_loaded_and_says_what_it_does(capsys: pytest.CaptureFixture[str]) -> None:
    context = click.Context(lesionlocator)
    for name in lesionlocator.list_commands(context):
        assert run(name, "--help") == 0
        assert name in capsys.readouterr().out


def test_the_version_is_that_of_the_kernels(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--version") == 0
    assert capsys.readouterr().out == f"lesionlocator {_core.__version__}\n"


def test_an_unknown_command_is_wrong_usage(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("sgement") == 2
    assert "No such command 'sgement'" in capsys.readouterr().err


def test_no_command_shows_the_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert run() == 2
    captured = capsys.readouterr()
    assert "Commands:" in captured.out + captured.err
