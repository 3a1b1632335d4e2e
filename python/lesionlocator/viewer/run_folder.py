"""The folder that results are saved in, with the same files as the command line writes."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

from lesionlocator.dicom.outputs import DicomOutputs, write_dicom
from lesionlocator.dicom.sources import series_root
from lesionlocator.errors import InputError
from lesionlocator.following.proposals import write_proposals
from lesionlocator.results.documents import case_document, write_table
from lesionlocator.results.files import CaseFiles, make_folder
from lesionlocator.results.provenance import RUN_FILE, CaseRecord, RunRecord
from lesionlocator.run_settings import segmentation_settings, surroundings, tracking_settings

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from lesionlocator.io import Scan
    from lesionlocator.results.lesion import LesionMask, LesionResult
    from lesionlocator.results.provenance import ModelIdentity
    from lesionlocator.results.segmentation import Segmentation
    from lesionlocator.viewer.models import Models
    from lesionlocator.viewer.patient_session import FollowedPatient
    from lesionlocator.viewer.scan_session import ScanSession

TABLE = "measurements.csv"


@dataclass
class RunFolder:
    """What one window writes to one folder.

    Parameters
    ----------
    path
        The folder; made when something is saved.
    models
        Whose networks ran.
    dicom
        What to write as DICOM too, of scans that are DICOM themselves.
    """

    path: Path
    models: Models
    dicom: DicomOutputs = field(default_factory=DicomOutputs)
    started: datetime = field(default_factory=lambda: datetime.now(timezone.utc))
    _documents: dict[str, dict[str, Any]] = field(default_factory=dict)
    _cases: dict[str, CaseRecord] = field(default_factory=dict)
    _series: dict[str, str | None] = field(default_factory=dict)

    def save_scan(self, session: ScanSession) -> list[Path]:
        """Write the accepted lesions of a scan as ``segment`` does, and return the files.

        Scans that were saved to the folder before stay in its table and record.

        Raises
        ------
        InputError
            Where no lesion is accepted, the folder holds results of another DICOM series, or DICOM results
            are wanted of a scan that is no DICOM.
        OutputError
            Where a file cannot be written.
        """
        segmentation = session.segmentation()
        self._check_series(session)
        self._check_dicom([session.scan])
        files = self._write(segmentation)
        files += self._write_dicom(session.scan, segmentation.masks, segmentation.model)
        name = session.scan.name
        self._documents[name] = case_document(segmentation)
        self._cases[name] = _record(segmentation.lesions)
        self._series[name] = session.series
        table = self.path / TABLE
        write_table(table, (self._documents[case] for case in sorted(self._documents)))
        settings = segmentation_settings(
            segmentation.model,
            segmentation.kind,
            step_size=self.models.choice.step_size,
            series=session.series,
            precision=self.models.choice.precision,
            canonical=self.models.choice.canonical,
        )
        options = {"images": _text(session.scan.path), "output": str(self.path)}
        session.saved()
        return [*files, table, self._write_record(settings, options, self._cases)]

    def save_patient(self, followed: FollowedPatient) -> list[Path]:
        """Write a patient as ``track --points`` does, with the points that were segmented.

        Lesions of the baseline that are no longer those of the file they came from are written too.

        Raises
        ------
        InputError
            Where DICOM results are wanted of a scan that is no DICOM.
        OutputError
            Where a file cannot be written.
        """
        course, baseline = followed.course, followed.baseline
        self._check_dicom([baseline.scan, *(one.scan for one in course.followups)])
        make_folder(self.path)
        write_proposals(followed.pairs, followed.proposals, self.path)
        prompts = list(followed.prompts)
        if not prompts:
            self._write(baseline)
            prompts = [CaseFiles(self.path, baseline.scan.name).mask(i) for i in baseline.masks]
        for one, places in zip(course.followups, course.expected, strict=True):
            files = CaseFiles(self.path, one.scan.name)
            files.remove_masks_except(i for i, lesion in one.lesions.items() if lesion.found is not None)
            files.remove_expected_except(places)
        written = course.write_results(self.path)
        method = course.followups[0]
        if self.dicom.kinds:
            root = series_root(baseline.scan.source)
            for one in (baseline, *course.followups):
                written += self._write_dicom(one.scan, one.masks, method.model, root=root)
        settings = tracking_settings(
            method.model,
            prompt_type="prev_mask",
            registration="points",
            step_size=self.models.choice.step_size,
            precision=self.models.choice.precision,
            from_previous=True,
            as_published=False,
            series=followed.series if any(followed.series) else (),
            canonical=self.models.choice.canonical,
        )
        options = {
            "baseline": _text(baseline.scan.path),
            "followups": [_text(one.scan.path) for one in course.followups],
            "prompts": [str(path) for path in prompts],
            "output": str(self.path),
            "followup_labels": [],
            "dates": [None if day is None else day.isoformat() for day in course.dates],
            "resume": False,
        }
        cases = {one.scan.name: _record(one.lesions) for one in course.followups}
        return [*written, self._write_record(settings, options, cases)]

    def _write(self, segmentation: Segmentation) -> list[Path]:
        files = CaseFiles.of(segmentation.scan, self.path)
        files.remove_masks_except(segmentation.lesions)
        return files.write(segmentation, per_lesion=True, labelmap=True)

    def _check_dicom(self, scans: Sequence[Scan]) -> None:
        """Tell before anything is written."""
        for scan in scans:
            if self.dicom.kinds and scan.source is None:
                raise InputError(f"{scan.path or scan.name}: is no DICOM, and DICOM results need it to be")

    def _write_dicom(
        self, scan: Scan, masks: Mapping[int, LesionMask], model: ModelIdentity, *, root: str | None = None
    ) -> list[Path]:
        return write_dicom(scan, masks, self.path, self.dicom, algorithm=model.name, root=root)

    def _write_record(
        self, settings: dict[str, Any], options: dict[str, Any], cases: dict[str, CaseRecord]
    ) -> Path:
        told = surroundings(self.models.segmenter.device, command=sys.argv, options=options)
        record = RunRecord(self.path / RUN_FILE, settings, told, self.started, cases)
        record.write(exit_code=0)
        return record.path

    def _check_series(self, session: ScanSession) -> None:
        others = {one for name, one in self._series.items() if name != session.scan.name}
        if others - {session.series}:
            raise InputError(
                f"{self.path}: holds results of another choice of DICOM series; legal: a folder for each"
            )


def _record(lesions: Mapping[int, LesionResult]) -> CaseRecord:
    record = CaseRecord("ok", lesions={i: lesion.status.value for i, lesion in lesions.items()})
    for lesion in lesions.values():
        record.add_seconds(lesion.seconds)
    return record


def _text(path: Path | None) -> str | None:
    return None if path is None else str(path)


def names_of(files: Sequence[Path]) -> str:
    """Return the names of files in one line, the first few of many."""
    shown = ", ".join(path.name for path in files[:4])
    return shown if len(files) <= 4 else f"{shown} and {len(files) - 4} more"
