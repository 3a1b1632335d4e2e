"""What is to be done with one patient, as a run of the tracking command takes it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from lesionlocator.cli.case_run import Outputs
from lesionlocator.io import read_scan

if TYPE_CHECKING:
    from lesionlocator.following.origin import Origin
    from lesionlocator.io import Scan
    from lesionlocator.results.lesion import LesionResult


@dataclass(frozen=True)
class Baseline:
    """The baseline and its lesions.

    Parameters
    ----------
    origin
        The lesions that can be tracked.
    refused
        What became of the others, by lesion id.
    checksum
        Of the scan and all prompts.
    """

    origin: Origin
    refused: Mapping[int, LesionResult]
    checksum: str


@dataclass(frozen=True)
class Plan:
    """What is to be done with one patient.

    Parameters
    ----------
    followups
        Files of the scans, in order.
    series
        UID or number of the DICOM series of each; None for the only one that can be meant.
    channels
        Images that the model takes of each scan.
    names
        What results are named after: the baseline's name first.
    dates
        Of baseline and follow-ups; None where they are not known.
    labels
        Label maps of the follow-ups; None where there is none.
    from_previous
        Whether each follow-up is tracked from where a lesion was last found, or from the baseline.
    output
        Folder for the results.
    resume
        Whether to keep what an earlier run has done.
    save_transform
        Whether to write the maps between scans.
    outputs
        What to write.
    profile
        Whether to print the stages' times.
    """

    followups: tuple[Path, ...]
    series: tuple[str | None, ...]
    channels: int
    names: tuple[str, ...]
    dates: tuple[date | None, ...]
    labels: tuple[Path | None, ...]
    from_previous: bool
    output: Path
    resume: bool
    save_transform: bool
    outputs: Outputs
    profile: bool

    def read(self, place: int) -> Scan:
        """Read a follow-up, of which 1 is the first; raises what :func:`lesionlocator.read_scan` does."""
        path, series = self.followups[place - 1], self.series[place - 1]
        scan = read_scan(path, series=series, channels=self.channels)
        return self.outputs.dicom.told(scan, self.names[place])
