"""``LesionLocator_segment``: segmentation by the published flags, with the published file names."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from lesionlocator.cli import console
from lesionlocator.cli.published_flags import add_common_flags, announce, fold_numbers, reporting
from lesionlocator.cli.visualize import show_cases, visualizing


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
    announce(chosen)
    from lesionlocator.cli.case_run import Outputs
    from lesionlocator.cli.engine_options import EngineOptions
    from lesionlocator.cli.segment_options import SegmentOptions
    from lesionlocator.cli.segment_run import run_segmentation
    from lesionlocator.prompts.kinds import PromptKind

    options = SegmentOptions(
        images=chosen.i,
        prompts=chosen.p,
        output=chosen.o,
        kind=PromptKind(chosen.t),
        engine=EngineOptions(
            chosen.m,
            fold_numbers(chosen),
            mirroring=not chosen.disable_tta,
            device=chosen.device,
            canonical=False,
            step_size=chosen.step_size,
        ),
        series=None,
        outputs=Outputs(per_lesion=True, labelmap=False, records=False),
        resume=chosen.continue_prediction,
        command=tuple(sys.argv),
    )
    with visualizing(chosen.visualize, lambda: show_cases(options)), reporting(chosen) as reporter:
        run_segmentation(options, reporter)


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
    add(
        "-step_size",
        type=_step_size,
        default=0.5,
        help="distance of tiles as a fraction of the patch (default: 0.5)",
    )
    add_common_flags(parser)
    return parser
