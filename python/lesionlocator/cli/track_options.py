"""What the user asked the tracking command for."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from pathlib import Path

from lesionlocator.cli.case_run import Outputs
from lesionlocator.cli.engine_options import EngineOptions
from lesionlocator.io import scan_name


@dataclass(frozen=True)
class TrackOptions:
    """What the user asked for.

    Parameters
    ----------
    baseline, followups, prompts, output
        Files of scans and prompts, and the folder for the results.
    kind
        How the prompts point at lesions: ``prev_mask``, ``box`` or ``point``.
    series
        UIDs or numbers of DICOM series: none, one for all scans, or one for each, baseline first.
    dates
        Of baseline and follow-ups, None where one is not known; empty where none is.
    followup_labels
        Label maps of the follow-ups; empty where there are none.
    engine
        Which networks are used, and how they run.
    registration
        ``learned``, ``classical``, or None for learned where the model has it.
    points
        Files with accepted points or boxes, at which is segmented; none to find lesions by registration.
    propose_only
        Whether to write where lesions are expected, and nothing else.
    from_previous
        Whether each follow-up is tracked from where a lesion was last found, or from the baseline.
    as_published
        As for :meth:`lesionlocator.longitudinal.TrackingModel.track_pair`.
    save_transform
        Whether to write the maps between scans.
    outputs
        What to write.
    resume
        Whether to keep what an earlier run has done.
    command
        The command line.
    """

    baseline: Path
    followups: tuple[Path, ...]
    prompts: tuple[Path, ...]
    output: Path
    kind: str
    series: tuple[str, ...]
    dates: tuple[date | None, ...]
    followup_labels: tuple[Path, ...]
    engine: EngineOptions
    registration: str | None
    points: tuple[Path, ...]
    propose_only: bool
    from_previous: bool
    as_published: bool
    save_transform: bool
    outputs: Outputs
    resume: bool
    command: tuple[str, ...]

    @property
    def scans(self) -> tuple[Path, ...]:
        """Baseline and follow-ups."""
        return (self.baseline, *self.followups)

    @property
    def names(self) -> tuple[str, ...]:
        """What the results of baseline and follow-ups are named after; of series in one folder, these too."""
        if self.outputs.dicom.deidentify:
            return ("baseline", *(f"followup_{place}" for place in range(1, len(self.scans))))
        names = tuple(scan_name(path) for path in self.scans)
        if len(set(names)) < len(names) and len(set(self.series)) == len(names):
            return tuple(f"{name}_{series}" for name, series in zip(names, self.series, strict=True))
        return names

    @property
    def series_of_scans(self) -> tuple[str | None, ...]:
        """The DICOM series of baseline and follow-ups; None for one where nothing is asked for."""
        if len(self.series) == len(self.scans):
            return self.series
        return (self.series[0] if self.series else None,) * len(self.scans)
