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
from lesionlocator.prompts.components import regions
from lesionlocator.report.locations import Locations
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
_AS_TOLD = Locations()


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
    labels
        The masks that it was given as a baseline, or the label map that it was given as a follow-up.
    """

    name: str
    date: date | None = None
    scan: Path | None = None
    series: str | None = None
    labels: tuple[Path, ...] = ()

    def read(self) -> Scan:
        """Read the scan.

        Raises
        ------
        InputError
            Where it cannot be read.
        """
        if self.scan is None:
            raise InputError(
                f"{self.name}: the results do not say where its scan is; name it with "
                f"--scan {self.name}=PATH, or write it as {self.name}.nii.gz into the folder of --images"
            )
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

    @property
    def is_deidentified(self) -> bool:
        """Whether the results are, so that pictures and pages of them have to be too."""
        return bool((self.run.get("settings") or {}).get("deidentified"))

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
            has_masks = place == 0 and timepoint.labels
            found = dict(read_origin(timepoint.labels, scan).masks) if has_masks else {}
        labelled = None
        for lesion_id in sorted(wanted.keys() - found.keys()):
            label = wanted[lesion_id].get("matched_label")
            if files.mask(lesion_id).is_file():
                mask = files.read_mask(lesion_id, scan.geometry)
            elif label is not None and timepoint.labels:
                labelled = labelled or labelled_in(read_labelmap(timepoint.labels[0]), scan)
                mask = labelled[label].mask if label in labelled else None
            else:
                mask = None
            if mask is not None:
                found[lesion_id] = mask
        return {i: mask for i, mask in found.items() if i in wanted}

    def lacks_masks(self, place: int) -> bool:
        """Whether lesions were found at a timepoint of which no file is known that holds them."""
        files = self.files(place)
        if self.timepoints[place].labels or (place == 0 and files.labelmap.is_file()):
            return False
        found = [i for i, entry in self.entries(place).items() if entry["measurements"] is not None]
        in_map = [i for i in found if self.entries(place)[i].get("matched_label") is None]
        known = in_map if files.labelmap.is_file() else files.lesion_ids
        return not set(found) <= set(known)

    def files(self, place: int) -> CaseFiles:
        """Return the files of a timepoint."""
        return CaseFiles(self.folder, self.timepoints[place].name)


def read_patients(folder: Path, locations: Locations = _AS_TOLD) -> list[Patient]:
    """Read what ``track`` or ``segment`` wrote: one patient; a patient a case; or all of a cohort.

    Parameters
    ----------
    folder
        The results.
    locations
        Where the scans are, if not where the results say.

    Raises
    ------
    InputError
        Where the folder holds no results, or a file of them is damaged or missing.
    """
    if (folder / JSON_NAME).is_file() and not (folder / COHORT_FILE).is_file():
        return [_tracked(folder, locations)]
    if (folder / COHORT_FILE).is_file():
        tracked = sorted(path.parent for path in folder.glob(f"*/{JSON_NAME}"))
        return [_tracked(path, locations) for path in tracked]
    documents = sorted(folder.glob(f"*{_DOCUMENT_ENDING}"))
    if not documents:
        raise InputError(
            f"{folder}: holds no {JSON_NAME} of lesionlocator track and no *{_DOCUMENT_ENDING} of segment"
        )
    return [_segmented(path, locations) for path in documents]


def _tracked(folder: Path, locations: Locations) -> Patient:
    tracking, run = Tracking.read(folder), read_document(folder / RUN_FILE)
    name, count = folder.resolve().name, len(tracking.timepoints)
    try:
        settings = run["settings"]
        series = list(settings.get("series") or [None])
        scans, labels = ([None] * count, [()]) if settings.get("deidentified") else _told_files(run)
    except (KeyError, TypeError) as error:
        raise InputError(f"{folder / RUN_FILE}: is not the record of a tracking run ({error!r})") from error
    if len(scans) != count:
        raise InputError(
            f"{folder / RUN_FILE}: names {len(scans)} scans where {JSON_NAME} has {count} timepoints"
        )
    series = series if len(series) == count else series[:1] * count
    timepoints = tuple(
        Timepoint(
            case,
            day,
            locations.scan(name, case, scans[place]),
            series[place],
            locations.label_maps(name, case, labels[place] if place < len(labels) else ()),
        )
        for place, (case, day) in enumerate(tracking.timepoints)
    )
    sheet = folder / RECIST_JSON
    recist = read_document(sheet) if sheet.is_file() else None
    if recist is not None and len(recist.get("timepoints", ())) != count:
        raise InputError(f"{sheet}: is of another run; make it again with lesionlocator recist {folder}")
    return Patient(name, folder, timepoints, tracking.lesions, run, recist)


def _told_files(run: Mapping[str, Any]) -> tuple[list[Path | None], list[tuple[Path, ...]]]:
    """Return the scans that a record names, and the label maps or masks of each."""
    options, settings = run["options"], run["settings"]
    scans = [None if text is None else Path(text) for text in (options["baseline"], *options["followups"])]
    prompts = tuple(map(Path, options["prompts"])) if settings["prompt_type"] == "prev_mask" else ()
    return scans, [prompts, *((Path(text),) for text in options["followup_labels"])]


def _segmented(path: Path, locations: Locations) -> Patient:
    content, run = read_document(path), {}
    if not is_document(content) or not isinstance(content.get("image"), dict):
        raise InputError(f"{path}: is not what lesionlocator segment writes")
    if (path.parent / RUN_FILE).is_file():
        run = read_document(path.parent / RUN_FILE)
    name = path.name.removesuffix(_DOCUMENT_ENDING)
    lesions = {int(i): ({"related_lesion_id": None, **lesion},) for i, lesion in content["lesions"].items()}
    source = content["image"].get("path")
    scan = locations.scan(name, name, None if source is None else Path(source))
    run = {"settings": {"model": content.get("model")}, **run}
    series = (run["settings"] or {}).get("series")
    return Patient(name, path.parent, (Timepoint(name, scan=scan, series=series),), lesions, run)


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
