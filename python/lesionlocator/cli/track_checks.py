"""Whether the options of ``lesionlocator track`` go together; each function raises a usage error."""

from __future__ import annotations

import itertools
from datetime import date
from pathlib import Path

import click


def check_choices(
    propose_only: bool, points: tuple[Path, ...], registration: str | None, *, save_transform: bool
) -> None:
    """Refuse ways of tracking that exclude each other."""
    others = {
        "--propose-only": propose_only,
        "--registration": registration is not None,
        "--save-transform": save_transform,
    }
    for name, given in others.items():
        if points and given:
            raise click.UsageError(f"--points and {name} exclude each other")


def check_labels(labels: tuple[Path, ...], followups: tuple[Path, ...]) -> None:
    """Ask for a label map for each follow-up, or for none."""
    if labels and len(labels) != len(followups):
        raise click.UsageError(
            f"--followup-labels has {len(labels)} label maps for {len(followups)} follow-ups; "
            "legal: one for each, or none"
        )


def check_series(series: tuple[str, ...], *, scans: int) -> None:
    """Ask for one DICOM series for all scans, or one for each."""
    if len(series) not in (0, 1, scans):
        raise click.UsageError(
            f"--series has {len(series)} values for {scans} scans; legal: one for all, or one for each"
        )


def check_output(output: Path, inputs: tuple[Path, ...]) -> None:
    """Refuse a folder in which inputs lie."""
    for path in inputs:
        if path.is_dir() and output.is_dir() and path.samefile(output):
            raise click.UsageError(f"-o is a scan, {path}: results would be taken for inputs")
        if output.is_dir() and path.parent.is_dir() and path.parent.samefile(output):
            raise click.UsageError(f"-o is the folder of {path}: results could replace it")


def check_dates(dates: tuple[date, ...], *, scans: int) -> None:
    """Ask for a date for each scan, in order, or for none."""
    if dates and len(dates) != scans:
        raise click.UsageError(
            f"--dates has {len(dates)} dates for {scans} scans; legal: one for each, or none"
        )
    for earlier, later in itertools.pairwise(dates):
        if later < earlier:
            raise click.UsageError(
                f"--dates are out of order: {later} stands after {earlier}; legal: baseline first, "
                "then follow-ups in order"
            )
