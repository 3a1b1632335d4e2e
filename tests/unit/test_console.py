"""What the commands print, and the exit codes that problems lead to."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Iterator

import click
import pytest
from rich.table import Table

from lesionlocator.cli import console
from lesionlocator.errors import DeviceError, InputError, ModelError, OutputError, PromptError


@pytest.fixture(autouse=True)
def normal() -> Iterator[None]:
    yield
    console.set_verbosity(console.Verbosity.NORMAL)


def failing(problem: BaseException) -> int:
    def action() -> None:
        raise problem

    return console.exit_code(action)


@pytest.mark.parametrize(
    ("problem", "code"),
    [
        (InputError("x"), 1),
        (PromptError("x"), 1),
        (OutputError("x"), 1),
        (DeviceError("x"), 1),
        (click.UsageError("x"), 2),
        (console.SomeCasesFailed(1, 2), 3),
        (ModelError("x"), 4),
        (KeyboardInterrupt(), 130),
        (click.Abort(), 130),
        (ZeroDivisionError("x"), 1),
    ],
)
def test_every_problem_has_its_code(problem: BaseException, code: int) -> None:
    assert failing(problem) == code
    assert console.code_of(problem) == code


def test_success_is_zero() -> None:
    assert console.exit_code(lambda: None) == 0


def test_an_error_is_one_line_without_traceback(capsys: pytest.CaptureFixture[str]) -> None:
    failing(InputError("ct.nii.gz: no such file"))
    assert capsys.readouterr().err == "error: ct.nii.gz: no such file\n"


def test_a_long_error_is_not_wrapped(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "20")
    failing(InputError("word " * 30))
    assert capsys.readouterr().err.count("\n") == 1


def test_text_in_brackets_is_no_markup(capsys: pytest.CaptureFixture[str]) -> None:
    console.say("folds [bold] and [0]")
    assert capsys.readouterr().out == "folds [bold] and [0]\n"


def test_verbose_errors_come_with_a_traceback(capsys: pytest.CaptureFixture[str]) -> None:
    def action() -> None:
        console.set_verbosity(console.Verbosity.VERBOSE)
        raise InputError("bad")

    console.exit_code(action)
    assert "Traceback" in capsys.readouterr().err


def test_a_bug_comes_with_a_traceback(capsys: pytest.CaptureFixture[str]) -> None:
    failing(ZeroDivisionError("oops"))
    error = capsys.readouterr().err
    assert "Traceback" in error
    assert "fault of lesionlocator" in error


@pytest.mark.parametrize(
    ("verbosity", "printed"),
    [
        (console.Verbosity.QUIET, ""),
        (console.Verbosity.NORMAL, "said\nwarned\n"),
        (console.Verbosity.VERBOSE, "said\ndetailed\nwarned\n"),
    ],
)
def test_how_much_is_said(
    capsys: pytest.CaptureFixture[str], verbosity: console.Verbosity, printed: str
) -> None:
    console.set_verbosity(verbosity)
    console.say("said")
    console.detail("detailed")
    console.warn("warned")
    captured = capsys.readouterr()
    assert captured.out + captured.err == printed


def test_a_quiet_console_still_tells_errors(capsys: pytest.CaptureFixture[str]) -> None:
    console.set_verbosity(console.Verbosity.QUIET)
    console.table(Table("column"))
    console.error("bad")
    captured = capsys.readouterr()
    assert (captured.out, captured.err) == ("", "error: bad\n")


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGTERM to handle")
def test_being_terminated_unwinds_the_stack() -> None:
    unwound = []

    def action() -> None:
        try:
            os.kill(os.getpid(), signal.SIGTERM)
            signal.pause()
        finally:
            unwound.append(True)

    before = signal.getsignal(signal.SIGTERM)
    assert console.exit_code(action) == 130
    assert unwound
    assert signal.getsignal(signal.SIGTERM) is before


def test_another_thread_may_run_a_command() -> None:
    codes: list[int] = []
    thread = threading.Thread(target=lambda: codes.append(failing(InputError("x"))))
    thread.start()
    thread.join()
    assert codes == [1]


def test_run_exits_with_the_code() -> None:
    @click.command()
    @click.argument("code", type=int)
    def command(code: int) -> None:
        raise SystemExit(code)

    with pytest.raises(SystemExit) as exited:
        console.run(command, ["7"])
    assert exited.value.code == 7
    with pytest.raises(SystemExit) as exited:
        console.run(command, ["seven"])
    assert exited.value.code == 2
