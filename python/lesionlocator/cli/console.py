"""The only place that prints, and that turns what went wrong into a message and an exit code."""

from __future__ import annotations

import signal
import sys
import threading
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from enum import IntEnum
from functools import cache
from typing import TYPE_CHECKING, NoReturn

import click

from lesionlocator.errors import LesionLocatorError, ModelError

if TYPE_CHECKING:
    from types import FrameType

    from rich.console import Console, RenderableType


class ExitCode(IntEnum):
    """What the commands answer to the shell."""

    OK = 0
    ERROR = 1
    USAGE = 2
    SOME_CASES_FAILED = 3
    MODEL = 4
    INTERRUPTED = 130


class Verbosity(IntEnum):
    """How much is said."""

    QUIET = 0
    NORMAL = 1
    VERBOSE = 2


class SomeCasesFailed(LesionLocatorError):  # noqa: N818  # an outcome that is told, more than an error
    """Cases could not be done, each of which was reported; the others were."""

    def __init__(self, failed: int, total: int, names: Sequence[str] = ()) -> None:
        super().__init__(f"{failed} of {total} failed" + (f": {', '.join(names)}" if names else ""))
        self.failed, self.total = failed, total


class _Settings:
    verbosity = Verbosity.NORMAL


def set_verbosity(verbosity: Verbosity) -> None:
    """Say more or less from now on, until the command ends."""
    _Settings.verbosity = verbosity


def say(message: str) -> None:
    """Print a line, unless quiet."""
    if _Settings.verbosity > Verbosity.QUIET:
        _line(stdout(), message)


def detail(message: str) -> None:
    """Print a line where verbose."""
    if _Settings.verbosity >= Verbosity.VERBOSE:
        _line(stdout(), message)


def warn(message: str) -> None:
    """Print a line to standard error, unless quiet."""
    if _Settings.verbosity > Verbosity.QUIET:
        _line(_stderr(), message)


def error(message: str) -> None:
    """Print an error to standard error."""
    _line(_stderr(), f"error: {message}")


def table(content: RenderableType) -> None:
    """Print a table, unless quiet."""
    if _Settings.verbosity > Verbosity.QUIET:
        stdout().print(content)


def is_interactive() -> bool:
    """Whether bars and the like can be shown: standard output is a terminal, and not to be quiet."""
    return stdout().is_terminal and _Settings.verbosity > Verbosity.QUIET


def run(command: click.Command, arguments: Sequence[str] | None = None) -> NoReturn:
    """Run a click command with the arguments of this process (or others), and exit."""
    given = None if arguments is None else list(arguments)
    sys.exit(exit_code(lambda: command.main(given, standalone_mode=False)))


def exit_code(action: Callable[[], object]) -> int:
    """Do something, report what goes wrong, and return the exit code.

    Ctrl-C and SIGTERM both unwind the stack, so that temporary files are removed. What is neither ours nor
    click's is a bug, and shows its traceback.
    """
    set_verbosity(Verbosity.NORMAL)
    try:
        with _termination_as_interrupt():
            result = action()
    except Exception as problem:
        report(problem)
        return code_of(problem)
    except KeyboardInterrupt as interrupt:
        error("interrupted")
        return code_of(interrupt)
    # click returns the code of its own early exits, such as that of --help.
    return result if isinstance(result, int) else ExitCode.OK


def report(problem: Exception, *, prefix: str = "") -> None:
    """Print what went wrong; with a traceback where verbose, and where it is a bug."""
    if isinstance(problem, click.ClickException):
        problem.show()
        return
    if isinstance(problem, click.Abort):
        error("interrupted")
        return
    is_bug = not isinstance(problem, LesionLocatorError)
    if is_bug or _Settings.verbosity >= Verbosity.VERBOSE:
        traceback.print_exception(problem)
    error(f"{prefix}this is a fault of lesionlocator: {problem!r}" if is_bug else f"{prefix}{problem}")


def code_of(problem: BaseException) -> int:
    """Return the exit code that an exception leads to."""
    if isinstance(problem, click.ClickException):
        return problem.exit_code
    if isinstance(problem, (KeyboardInterrupt, click.Abort)):
        return ExitCode.INTERRUPTED
    if isinstance(problem, SomeCasesFailed):
        return ExitCode.SOME_CASES_FAILED
    return ExitCode.MODEL if isinstance(problem, ModelError) else ExitCode.ERROR


@cache
def stdout() -> Console:
    """Return the rich console of standard output."""
    from rich.console import Console

    return Console()


@cache
def _stderr() -> Console:
    from rich.console import Console

    return Console(stderr=True)


def _line(console: Console, message: str) -> None:
    console.print(message, markup=False, highlight=False, soft_wrap=True)


@contextmanager
def _termination_as_interrupt() -> Iterator[None]:
    """Let SIGTERM raise KeyboardInterrupt, as Ctrl-C does; only a main thread may set that."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def interrupt(_: int, __: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
