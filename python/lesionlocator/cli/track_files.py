"""The files of one follow-up, and what an earlier run left of them."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lesionlocator.cli.read_ahead import file_checksum
from lesionlocator.cli.track_unfinished import Unfinished
from lesionlocator.errors import InputError, OutputError
from lesionlocator.following.methods import Carried
from lesionlocator.following.origin import lesion_mask
from lesionlocator.io import read_labelmap
from lesionlocator.results.documents import read_document
from lesionlocator.results.files import CaseFiles, is_document
from lesionlocator.results.lesion import LesionMask, LesionResult, LesionStatus
from lesionlocator.results.provenance import RUN_FILE, CaseRecord, read_run
from lesionlocator.tracked_pair import OUT_OF_VIEW

if TYPE_CHECKING:
    from lesionlocator.geometry import Geometry


@dataclass(frozen=True)
class TrackFiles:
    """Where the results of one scan of a patient are written.

    Parameters
    ----------
    cases
        The files that every segmented scan has.
    """

    cases: CaseFiles

    @property
    def unfinished(self) -> Path:
        """Return the record of what is done of a follow-up that is not finished."""
        return self.cases.folder / f".{self.cases.case}_unfinished.json"

    def transform(self, earlier: str) -> Path:
        """Return the file of the map from this scan to an earlier one."""
        return self.cases.folder / f"{self.cases.case}_to_{earlier}_transform.nii.gz"

    def write_lesion(self, carried: Carried, geometry: Geometry) -> None:
        """Write the mask of a lesion, and where registration took it."""
        self.cases.write_mask(carried.lesion, geometry)
        if carried.expected is not None:
            self.cases.write_expected(carried.lesion.lesion_id, carried.expected, geometry)

    def remove_others(self, carried: Iterable[Carried]) -> None:
        """Remove the files of lesions that an earlier run found, or missed, and this one did not."""
        done = {one.lesion.lesion_id: one for one in carried}
        self.cases.remove_masks_except(
            i for i, one in done.items() if one.lesion.status is not LesionStatus.REFUSED
        )
        self.cases.remove_expected_except(i for i, one in done.items() if one.expected is not None)

    def remove_transforms(self, scans: Iterable[str]) -> None:
        """Remove the maps from this scan to others that an earlier run has written."""
        for name in scans:
            _remove(self.transform(name))

    def restore(
        self, record: CaseRecord, geometry: Geometry, *, is_followup: bool, labelmap: bool
    ) -> dict[int, Carried] | None:
        """Read the lesions of a scan that an earlier run has finished; None where a file is missing."""
        if record.state != "ok" or (labelmap and not self.cases.labelmap.is_file()):
            return None
        try:
            document = read_document(self.cases.document)
            if not is_document(document) or set(document["lesions"]) != {str(i) for i in record.lesions}:
                return None
            lesions = {
                lesion_id: self._carried(lesion_id, document["lesions"][str(lesion_id)], geometry)
                for lesion_id in record.lesions
            }
        except (InputError, KeyError, ValueError):
            return None
        complete = not is_followup or all(_is_placed(carried) for carried in lesions.values())
        return lesions if complete else None

    def restore_lesions(self, unfinished: Unfinished, geometry: Geometry) -> dict[int, Carried]:
        """Read the lesions that are done of a follow-up that is not finished."""
        carried = {}
        for lesion_id, entry in unfinished.lesions.items():
            try:
                found = self._read(lesion_id, entry, geometry)
                lesion = unfinished.result(lesion_id, found)
                carried[lesion_id] = Carried(lesion, self._read_expected(lesion_id, geometry))
            except (InputError, KeyError, TypeError, ValueError):
                continue  # it is tracked again
        return {i: one for i, one in carried.items() if _is_placed(one)}

    def restore_masks(self, lesion_ids: Iterable[int], geometry: Geometry) -> dict[int, Carried]:
        """Read masks of which there is no record, apart from those that are missing or empty."""
        carried = {}
        for lesion_id in lesion_ids:
            try:
                found = self.cases.read_mask(lesion_id, geometry)
            except InputError:
                continue
            if found is not None:  # else nobody knows where it had been looked for
                carried[lesion_id] = Carried(LesionResult(lesion_id, LesionStatus.SEGMENTED, found=found))
        return carried

    def _carried(self, lesion_id: int, entry: Mapping[str, Any], geometry: Geometry) -> Carried:
        found = self._read(lesion_id, entry, geometry)
        status, warnings = LesionStatus(entry["status"]), tuple(map(str, entry["warnings"]))
        lesion = LesionResult(lesion_id, status, found=found, warnings=warnings)
        return Carried(lesion, self._read_expected(lesion_id, geometry))

    def _read(self, lesion_id: int, entry: Mapping[str, Any], geometry: Geometry) -> LesionMask | None:
        """Read the mask of a lesion, and check that it is what a record says of it."""
        status = LesionStatus(entry["status"])
        if status is LesionStatus.REFUSED:
            return None
        found = self.cases.read_mask(lesion_id, geometry)
        if (found is not None) is not (status is LesionStatus.SEGMENTED):
            raise InputError(f"{self.cases.mask(lesion_id)}: is not what the record of the run says")
        return found

    def _read_expected(self, lesion_id: int, geometry: Geometry) -> LesionMask | None:
        path = self.cases.expected(lesion_id)
        if not path.is_file():
            return None
        mask = read_labelmap(path)
        difference = mask.geometry.difference(geometry)
        if difference is not None:
            raise InputError(f"{path}: is not on the grid of its image: {difference}")
        return lesion_mask(mask.labels)


def _remove(path: Path) -> None:
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise OutputError(f"cannot remove {path}: {error.strerror or error}") from error


def _is_placed(carried: Carried) -> bool:
    """Whether it is known where a lesion had been looked for."""
    status, warnings = carried.lesion.status, carried.lesion.warnings
    return status is LesionStatus.REFUSED or OUT_OF_VIEW in warnings or carried.expected is not None


def checksum_of(paths: Collection[Path], *, before: str = "") -> str:
    """Return the SHA-256 over files and what came before them."""
    digest = hashlib.sha256(before.encode())
    for path in paths:
        digest.update(file_checksum(path).encode())
    return digest.hexdigest()


def earlier_cases(folder: Path, settings: Mapping[str, Any]) -> dict[str, CaseRecord]:
    """Return what an earlier run into a folder has done.

    Raises
    ------
    InputError
        Where it had other settings, was of another command, or its record cannot be read.
    """
    path = folder / RUN_FILE
    if not path.is_file():
        return {}
    earlier, cases = read_run(path)
    if "registration" not in earlier:
        raise InputError(
            f"{path}: cannot resume what the command track has not begun, such as a course saved from "
            "Python. Choose another -o, or --overwrite to start again"
        )
    differences = [
        f"{name} {old!r}, now {new!r}"
        for name in sorted(settings.keys() | earlier.keys())
        if (old := _comparable(earlier.get(name))) != (new := _comparable(settings.get(name)))
    ]
    if differences:
        raise InputError(
            f"{path}: cannot resume a run of other settings: {'; '.join(differences)}. "
            "Use the same settings, or --overwrite to start again"
        )
    return cases


def _comparable(setting: Any) -> Any:
    """Return a setting without the place of the model, which may have been moved."""
    return {k: v for k, v in setting.items() if k != "path"} if isinstance(setting, dict) else setting
