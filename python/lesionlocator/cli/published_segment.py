"""``LesionLocator_segment``: segmentation by the published flags, with the published file names."""

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
    sys.exit(console.exit_code(lambda: segment(sys.argv[1:])))


def segment(arguments: Sequence[str]) -> None:
    """Segment lesions and write ``<image>_lesion_<id>.nii.gz`` for each.

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
    from lesionlocator.cli.case_run import Outputs
    from lesionlocator.cli.events import EventLog
    from lesionlocator.cli.reporter import Reporter
    from lesionlocator.cli.segment_run import SegmentOptions, run_segmentation
    from lesionlocator.prompts.kinds import PromptKind

    options = SegmentOptions(
        images=chosen.i,
        prompts=chosen.p,
        output=chosen.o,
        kind=PromptKind(chosen.t),
        model=chosen.m,
        folds=None if chosen.f is None else tuple(dict.fromkeys(chosen.f)),
        mirroring=not chosen.disable_tta,
        step_size=chosen.step_size,
        canonical=False,
        device=chosen.device,
        threads=None,
        outputs=Outputs(per_lesion=True, labelmap=False, records=False),
        resume=chosen.continue_prediction,
        command=tuple(sys.argv),
    )
    try:
        with EventLog(None) as log, Reporter(log, bars=not chosen.disable_progress_bar) as reporter:
            run_segmentation(options, reporter)
    except DeviceError as error:
        raise DeviceError(f"{error}. Choose with -device, such as -device cpu") from error


def _step_size(text: str) -> float:
    value = float(text)
    if not 0 < value <= 1:
        raise argparse.ArgumentTypeError(f"{text} is not above 0 and up to 1")
    return value


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="LesionLocator_segment", description="Segment the lesions that prompts point at."
    )
    add = parser.add_argument
    add("-i", type=Path, required=True, help="scan, or a folder of scans")
    add(
        "-p",
        type=Path,
        required=True,
        help="prompts (.json or label map), or a folder of them, paired by name",
    )
    add("-t", choices=("box", "point"), default="box", help="which prompt is used (default: box)")
    add("-o", type=Path, required=True, help="folder for the masks")
    add("-m", type=Path, required=True, help="checkpoint folder")
    add("-f", type=int, nargs="+", help="fold numbers, such as -f 0 1 2 (default: all there are)")
    add(
        "-step_size",
        type=_step_size,
        default=0.5,
        help="distance of tiles as a fraction of the patch (default: 0.5)",
    )
    add("--disable_tta", action="store_true", help="do not average over mirrorings")
    add("--verbose", action="store_true", help="print stages and decisions")
    add("--continue_prediction", "--c", action="store_true", help="keep the masks that are there")
    add("-npp", type=int, help=_NO_PROCESSES)
    add("-nps", type=int, help=_NO_PROCESSES)
    add("-device", default="cuda", help="cuda, cuda:N, cpu, mps or auto (default: cuda)")
    add("--disable_progress_bar", action="store_true", help="print plain lines")
    add("--visualize", action="store_true", help="needs the viewer extra")
    return parser
