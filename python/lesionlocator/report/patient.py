"""What a folder of results says of a patient, and where the scans and masks are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np

from lesionlocator.errors import InputError
from lesionlocator.following.origin import read_origin
from lesionlocator.io import Scan, read_labelmap, read_scan
from lesionlocator.io.files import IMAGE_ENDINGS
from lesionlocator.prompts.components import regions
from lesionlocator.results.course_files import JSON_NAME
from lesionlocator.results.documents import read_document
from lesionlocator.results.files import CaseFiles, is_document
from lesionlocator.results.findings import labelled_in
from lesionlocator.results.lesion import LesionMask
from lesionlocator.results.provenance import RUN_FILE
from lesionlocator.results.recist import Entries, Entry
from lesionlocator.results.recist_document import RECIST_JSON, Tracking

COHORT_FILE = "cohort.json"
_DOCUMENT_ENDING = "_lesions.json"


@dataclass(frozen=True)
class Timepoint:
    """One scan of a patient.

    Parameters
    ----------
    name
        What its results are named after.
    date
        When it was made, if known.
    scan
        Its file or folder; None where no picture can be made.
    series
        Which DICOM series of it.
    prompts
        The masks that it was given as a baseline.
    labels
        The label map that it was given as a follow-up.
    """

    name: str
    date: date | None = None
    scan: Path | None = None
    series: str | None = None
    prompts: tuple[Path, ...] = ()
    labels: Path | None = None

    def read(self) -> Scan:
        """Read the scan.

        Raises
        ------
        InputError
            Where it cannot be read.
        """
        if self.scan is None:
            raise InputError(f"{self.name}: the results do not say where its scan is")
        return read_scan(self.scan, series=self.series)


@dataclass(frozen=True)
class Patient:
    """A patient's lesions through all timepoints.

    Parameters
    ----------
    name
        Of the folder, or of the only scan.
    folder
        The results.
    timepoints
        The baseline first.
    lesions
        Entries as in ``tracking.json`` for each timepoint, by lesion id; None before a lesion was first seen.
    run
        The record of the run.
    recist
        The worksheet, where one was made.
    """

    name: str
    folder: Path
    timepoints: tuple[Timepoint, ...]
    lesions: Entries
    run: Mapping[str, Any]
    recist: Mapping[str, Any] | None = field(default=None)

    def entries(self, place: int) -> dict[int, Entry]:
        """Return the entries of a timepoint by lesion id, without lesions that are not yet known."""
        found = {i: entries[place] for i, entries in self.lesions.items()}
        return {i: entry for i, entry in found.items() if entry is not None}

    def masks(self, place: int, scan: Scan) -> dict[int, LesionMask]:
        """Read the masks of the lesions that were found at a timepoint.

        Raises
        ------
        InputError
            Where a mask cannot be read, or is not on the scan's grid.
        """
        timepoint, files = self.timepoints[place], self.files(place)
        wanted = {i: entry for i, entry in self.entries(place).items() if entry["measurements"] is not None}
        if files.labelmap.is_file():
            found = _of_labelmap(files.labelmap, scan)
        else:
            found = dict(read_origin(timepoint.prompts, scan).masks) if timepoint.prompts else {}
        labelled = None
        for lesion_id in sorted(wanted.keys() - found.keys()):
            label = wanted[lesion_id].get("matched_label")
            if files.mask(lesion_id).is_file():
                mask = files.read_mask(lesion_id, scan.geometry)
            elif label is not None and timepoint.labels is not None:
                labelled = labelled or labelled_in(read_labelmap(timepoint.labels), scan)
                mask = labelled[label].mask if label in labelled else None
            else:
                mask = None
            if mask is not None:
                found[lesion_id] = mask
        return {i: mask for i, mask in found.items() if i in wanted}

    def files(self, place: int) -> CaseFiles:
        """Return the files of a timepoint."""
        return CaseFiles(self.folder, self.timepoints[place].name)


def read_patients(folder: Path, images: Path | None = None) -> list[Patient]:
    """Read what ``track`` or ``segment`` wrote: one patient; a patient a case; or all of a cohort.

    Parameters
    ----------
    folder
        The results.
    images
        Where the scans lie now, if they are no longer where the results say.

    Raises
    ------
    InputError
        Where the folder holds no results, or a file of them is damaged or missing.
    """
    if (folder / JSON_NAME).is_file() and not (folder / COHORT_FILE).is_file():
        return [_tracked(folder, images)]
    if (folder / COHORT_FILE).is_file():
        tracked = sorted(path.parent for path in folder.glob(f"*/{JSON_NAME}"))
        return [_tracked(path, images) for path in tracked]
    documents = sorted(folder.glob(f"*{_DOCUMENT_ENDING}"))
    if not documents:
        raise InputError(
            f"{folder}: holds no {JSON_NAME} of lesionlocator track and no *{_DOCUMENT_ENDING} of segment"
        )
    return [_segmented(path, images) for path in documents]


def _tracked(folder: Path, images: Path | None) -> Patient:
    tracking, run = Tracking.read(folder), read_document(folder / RUN_FILE)
    try:
        options, settings = run["options"], run["settings"]
        scans = [_path(text) for text in (options["baseline"], *options["followups"])]
        series = list(settings.get("series") or [None])
        labels = [None, *map(Path, options["followup_labels"])]
        prompts = tuple(map(Path, options["prompts"])) if settings["prompt_type"] == "prev_mask" else ()
    except (KeyError, TypeError) as error:
        raise InputError(f"{folder / RUN_FILE}: is not the record of a tracking run ({error!r})") from error
    count = len(tracking.timepoints)
    if len(scans) != count:
        raise InputError(
            f"{folder / RUN_FILE}: names {len(scans)} scans where {JSON_NAME} has {count} timepoints"
        )
    series = series if len(series) == count else series[:1] * count
    timepoints = tuple(
        Timepoint(
            name,
            day,
            _scan_of(name, scans[place], images),
            series[place],
            tuple(_present(path, images) for path in prompts) if place == 0 else (),
            _present(label, images) if place < len(labels) and (label := labels[place]) else None,
        )
        for place, (name, day) in enumerate(tracking.timepoints)
    )
    sheet = folder / RECIST_JSON
    recist = read_document(sheet) if sheet.is_file() else None
    if recist is not None and len(recist.get("timepoints", ())) != count:
        raise InputError(f"{sheet}: is of another run; make it again with lesionlocator recist {folder}")
    return Patient(folder.resolve().name, folder, timepoints, tracking.lesions, run, recist)


def _segmented(path: Path, images: Path | None) -> Patient:
    content, run = read_document(path), {}
    if not is_document(content) or not isinstance(content.get("image"), dict):
        raise InputError(f"{path}: is not what lesionlocator segment writes")
    if (path.parent / RUN_FILE).is_file():
        run = read_document(path.parent / RUN_FILE)
    name = path.name.removesuffix(_DOCUMENT_ENDING)
    lesions = {int(i): ({"related_lesion_id": None, **lesion},) for i, lesion in content["lesions"].items()}
    source = content["image"].get("path")
    scan = None if source is None else _present(Path(source), images)
    run = {"settings": {"model": content.get("model")}, **run}
    series = (run["settings"] or {}).get("series")
    return Patient(name, path.parent, (Timepoint(name, scan=scan, series=series),), lesions, run)


def _path(text: str | None) -> Path | None:
    return None if text is None else Path(text)


def _scan_of(name: str, path: Path | None, images: Path | None) -> Path:
    """Return where a scan is now; one that was not read from a file is known by its name."""
    if path is not None:
        return _present(path, images)
    files = [] if images is None else [images / f"{name}{ending}" for ending in IMAGE_ENDINGS]
    for file in files:
        if file.is_file():
            return file
    raise InputError(
        f"{name}: was tracked without a file; write the scan as {name}.nii.gz, "
        "and name its folder with --images"
    )


def _present(path: Path, images: Path | None) -> Path:
    """Return where a file is now."""
    for place in (path, *(() if images is None else (images / path.name,))):
        if place.exists():
            return place
    raise InputError(f"{path}: is no longer there; name the folder that it is in now with --images")


def _of_labelmap(path: Path, scan: Scan) -> dict[int, LesionMask]:
    labelmap = read_labelmap(path)
    difference = labelmap.geometry.difference(scan.geometry)
    if difference is not None:
        raise InputError(f"{path}: is not on the grid of {scan.path or scan.name}: {difference}")
    return {
        found.label: block_mask(labelmap.labels[found.box.slices] == found.label, found.box, scan)
        for found in regions(labelmap.labels)
    }


def block_mask(region: Any, box: Any, scan: Scan) -> LesionMask:
    """Return a mask without logits."""
    region = np.ascontiguousarray(region, np.uint8)
    return LesionMask(scan.geometry.shape, box, region, np.broadcast_to(np.float32(0), region.shape))


def names_of(patients: Sequence[Patient]) -> list[str]:
    """Return every name that could tell who a patient is, the longest first."""
    names = {name for patient in patients for name in (patient.name, *(t.name for t in patient.timepoints))}
    return sorted(names, key=lambda name: (-len(name), name))
