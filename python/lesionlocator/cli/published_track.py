"""``LesionLocator_track``: tracking by the published flags, with the published file names."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from lesionlocator.cli import console
from lesionlocator.cli.published_flags import add_common_flags, announce, fold_numbers, reporting
from lesionlocator.cli.visualize import show_patient, visualizing


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
    announce(chosen)
    from lesionlocator.cli.case_run import Outputs
    from lesionlocator.cli.engine_options import EngineOptions
    from lesionlocator.cli.track_options import TrackOptions
    from lesionlocator.cli.track_patient import run_tracking

    options = TrackOptions(
        baseline=chosen.bl,
        followups=tuple(chosen.fu),
        prompts=tuple(chosen.p),
        output=chosen.o,
        kind=chosen.t,
        series=(),
        dates=(),
        followup_labels=(),
        engine=EngineOptions(
            chosen.m,
            fold_numbers(chosen),
            mirroring=not chosen.disable_tta,
            device=chosen.device,
            canonical=False,
        ),
        registration="learned",
        points=(),
        propose_only=False,
        from_previous=True,
        as_published=True,
        outputs=Outputs(per_lesion=True, labelmap=False, records=False),
        save_transform=False,
        resume=chosen.continue_prediction,
        command=tuple(sys.argv),
    )
    with visualizing(chosen.visualize, lambda: show_patient(options)), reporting(chosen) as reporter:
        run_tracking(options, reporter)


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
    add_common_flags(parser)
    return parser
