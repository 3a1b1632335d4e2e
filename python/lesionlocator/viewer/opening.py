"""Reading what a person opens."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from lesionlocator.following.origin import origin_of, read_origin
from lesionlocator.io import Scan, read_labelmap, read_scan
from lesionlocator.io.dicom import find_series, is_dicom
from lesionlocator.results.files import CaseFiles

if TYPE_CHECKING:
    from lesionlocator.results.lesion import LesionMask


@dataclass(frozen=True)
class Shown:
    """A scan to open.

    Parameters
    ----------
    path, series
        As :func:`lesionlocator.read_scan` takes them.
    lesions
        A label map of its lesions, or a mask for each; none where they are not known.
    results
        A folder that may hold results of ``segment`` or ``track`` for it, whose masks are shown.
    name
        What these are named after; the file or folder by default.
    """

    path: Path
    series: str | None = None
    lesions: tuple[Path, ...] = ()
    results: Path | None = None
    name: str | None = None


@dataclass(frozen=True, eq=False)
class Opened:
    """A scan that was read.

    Parameters
    ----------
    scan
        The scan.
    series
        The DICOM series that was asked for, if one was.
    masks
        Of the lesions that came with it, by id.
    prompts
        The files of these masks.
    """

    scan: Scan
    series: str | None = None
    masks: Mapping[int, LesionMask] = field(default_factory=dict)
    prompts: tuple[Path, ...] = ()


def open_scan(shown: Shown) -> Opened:
    """Read a scan and the masks of its lesions.

    Raises
    ------
    InputError
        Where a file cannot be used.
    """
    scan = read_scan(shown.path, series=shown.series)
    scan = scan if shown.name is None else replace(scan, name=shown.name)
    if shown.lesions:
        return Opened(scan, shown.series, read_origin(shown.lesions, scan).masks, shown.lesions)
    if shown.results is not None:
        return Opened(scan, shown.series, *_saved(CaseFiles(shown.results, scan.name), scan))
    return Opened(scan, shown.series)


def _saved(files: CaseFiles, scan: Scan) -> tuple[dict[int, LesionMask], tuple[Path, ...]]:
    """Return the masks of a case and their files: those of single lesions, or else its label map."""
    read = {i: files.read_mask(i, scan.geometry) for i in files.lesion_ids}
    masks = {i: mask for i, mask in read.items() if mask is not None}
    if not masks and files.labelmap.is_file():
        labels = read_labelmap(files.labelmap)
        found = {} if not labels.labels.any() else origin_of(labels, scan).masks
        return dict(found), (files.labelmap,)
    return masks, tuple(map(files.mask, masks))


def series_choices(path: Path) -> list[tuple[str, str]]:
    """Return the UID and a line on each DICOM series that can be used; none where it is no DICOM.

    Nothing of the patient is in the lines.

    Raises
    ------
    InputError
        Where the path cannot be read.
    """
    if not is_dicom(path):
        return []
    usable = [series for series in find_series(path).series if series.problem is None]
    return [
        (one.first.series_uid, " ".join(filter(None, (one.label, one.first.description)))) for one in usable
    ]
