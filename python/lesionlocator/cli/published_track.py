"""``LesionLocator_track``: tracking by the published flags, with the published file names."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from lesionlocator.cli import console
from lesionlocator.errors import DeviceError

_NO_PROCESSES = "accepted, without effect: threads in one process read and write"


def main() -> None:
    """Run the command."""
    sys.exit(console.exit_code(lambda: track(sys.argv[1:])))


def track(arguments: Sequence[str]) -> None:
    """Track lesions and write ``<follow-up>_lesion_<id>.nii.gz`` for each.

    Parameters
    ----------
    arguments
        The command line without the name of the command.
    """
    chosen = _parser().parse_args(arguments)
    if chosen.verbose:
        console.set_verbosity(console.Verbosity.VERBOSE)
    if chosen.visualize:
        console.warn("warning: --visualize needs the viewer extra, which is not installed; masks are written")
    if (chosen.npp, chosen.nps) != (None, None):
        console.say(f"-npp and -nps are {_NO_PROCESSES}")
    from lesionlocator.cli.events import EventLog
    from lesionlocator.cli.reporter import Reporter
    from lesionlocator.cli.track_patient import TrackOptions, run_tracking

    options = TrackOptions(
        baseline=chosen.bl,
        followups=tuple(chosen.fu),
        prompts=tuple(chosen.p),
        output=chosen.o,
        kind=chosen.t,
        dates=(),
        followup_labels=(),
        model=chosen.m,
        folds=None if chosen.f is None else tuple(dict.fromkeys(chosen.f)),
        mirroring=not chosen.disable_tta,
        device=chosen.device,
        threads=None,
        registration="learned",
        points=None,
        propose_only=False,
        from_previous=True,
        as_published=True,
        canonical=False,
        records=False,
        resume=chosen.continue_prediction,
        command=tuple(sys.argv),
    )
    try:
        with EventLog(None) as log, Reporter(log, bars=not chosen.disable_progress_bar) as reporter:
            run_tracking(options, reporter)
    except DeviceError as error:
        raise DeviceError(f"{error}. Choose with -device, such as -device cpu") from error


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="LesionLocator_track", description="Find the lesions of a baseline scan in its follow-ups."
    )
    add = parser.add_argument
    add("-bl", type=Path, required=True, help="baseline scan")
    add("-fu", type=Path, nargs="+", required=True, help="follow-up scans, in order")
    add(
        "-p",
        type=Path,
        nargs="+",
        required=True,
        help="lesions of the baseline: a label map, a mask for each, or boxes or points (.json)",
    )
    add(
        "-t",
        choices=("prev_mask", "box", "point"),
        default="prev_mask",
        help="what the prompts are; with box and point, the baseline is segmented first (default: prev_mask)",
    )
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
    add("--visualize", action="store_true", help="needs the viewer extra")
    return parser
