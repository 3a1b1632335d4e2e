"""The flags that ``LesionLocator_segment`` and ``LesionLocator_track`` share."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from lesionlocator.cli import console
from lesionlocator.errors import DeviceError

if TYPE_CHECKING:
    from lesionlocator.cli.reporter import Reporter

_NO_PROCESSES = "accepted, without effect: threads in one process read and write"


def add_common_flags(parser: argparse.ArgumentParser) -> None:
    """Add the flags that do not depend on what is done with the model."""
    add = parser.add_argument
    add("-o", type=Path, required=True, help="folder for the masks")
    add("-m", type=Path, required=True, help="checkpoint folder")
    add("-f", type=int, nargs="+", help="fold numbers, such as -f 0 1 2 (default: all there are)")
    add("--disable_tta", action="store_true", help="do not average over mirrorings")
    add("--verbose", action="store_true", help="print stages and decisions")
    add("--continue_prediction", "--c", action="store_true", help="keep the masks that are there")
    add("-npp", type=int, help=_NO_PROCESSES)
    add("-nps", type=int, help=_NO_PROCESSES)
    add("-device", default="cuda", help="cuda, cuda:N, cpu, mps or auto (default: cuda)")
    add("--disable_progress_bar", action="store_true", help="print plain lines")
    add("--visualize", action="store_true", help="open the viewer at the end, with all lesions")


def fold_numbers(chosen: argparse.Namespace) -> tuple[int, ...] | None:
    """Return the folds that were asked for; None for all."""
    return None if chosen.f is None else tuple(dict.fromkeys(chosen.f))


def announce(chosen: argparse.Namespace) -> None:
    """Set how much is said, and tell of flags that have no effect here."""
    if chosen.verbose:
        console.set_verbosity(console.Verbosity.VERBOSE)
    if (chosen.npp, chosen.nps) != (None, None):
        console.say(f"-npp and -nps are {_NO_PROCESSES}")


@contextmanager
def reporting(chosen: argparse.Namespace) -> Iterator[Reporter]:
    """Tell the user how a run goes, and which flag chooses a device where there is none.

    Raises
    ------
    DeviceError
        Where the run has no device.
    """
    from lesionlocator.cli.events import EventLog
    from lesionlocator.cli.reporter import Reporter

    try:
        with EventLog(None) as log, Reporter(log, bars=not chosen.disable_progress_bar) as reporter:
            yield reporter
    except DeviceError as error:
        raise DeviceError(f"{error}. Choose with -device, such as -device cpu") from error
