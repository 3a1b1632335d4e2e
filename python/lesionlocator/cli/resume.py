"""What an earlier run left that this one can keep."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from lesionlocator.cli.case_run import Outputs
from lesionlocator.cli.read_ahead import file_checksum
from lesionlocator.errors import InputError
from lesionlocator.io import Case
from lesionlocator.results.documents import read_document
from lesionlocator.results.files import CaseFiles, is_document
from lesionlocator.results.lesion import LesionStatus
from lesionlocator.results.provenance import RUN_FILE, CaseRecord, differing_settings, read_run


class EarlierRun:
    """An earlier run into the same folder, as its record tells it.

    Masks without a record are not kept: nobody knows which settings they are from.

    Parameters
    ----------
    folder
        Where the results are.
    settings, cases
        Of this run.

    Raises
    ------
    InputError
        Where the earlier run had other settings or prompts, or its record cannot be read.
    """

    def __init__(self, folder: Path, settings: Mapping[str, Any], cases: Sequence[Case]) -> None:
        self._folder = folder
        self.records: dict[str, CaseRecord] = {}
        path = folder / RUN_FILE
        if not path.is_file():
            return
        earlier, self.records = read_run(path)
        differences = differing_settings(earlier, settings) + self._changed_prompts(cases)
        if differences:
            raise InputError(
                f"{path}: cannot resume a run of other settings: {'; '.join(differences)}. "
                "Use the same settings, or --overwrite to start again"
            )

    def document(self, case: str, outputs: Outputs) -> dict[str, Any] | None:
        """Return the document of a case that is done with all the files that are asked for, else None."""
        record, files = self.records.get(case), CaseFiles(self._folder, case)
        if record is None or record.state != "ok":
            return None
        needed = [files.labelmap] if outputs.labelmap else []
        if outputs.per_lesion:
            needed += [
                files.mask(i) for i, status in record.lesions.items() if status != LesionStatus.REFUSED.value
            ]
        if LesionStatus.SEGMENTED.value in record.lesions.values():
            needed += [self._folder / name for name in outputs.dicom.files(case)]
        if not all(path.is_file() for path in needed):
            return None
        try:
            document = read_document(files.document)
        except InputError:
            return None
        return document if is_document(document) else None

    def has_lesion(self, case: str, lesion_id: int) -> bool:
        """Whether the earlier run has segmented a lesion."""
        record = self.records.get(case)
        return record is not None and record.lesions.get(lesion_id) in (
            LesionStatus.SEGMENTED.value,
            LesionStatus.EMPTY.value,
        )

    def _changed_prompts(self, cases: Sequence[Case]) -> list[str]:
        known = {case: self.records[case.name] for case in cases if case.name in self.records}
        changed = [
            f"the prompts of {case.name} have changed"
            for case, record in known.items()
            if record.prompts_sha256 not in (None, file_checksum(case.prompts))
        ]
        pointed_at = [
            f"the lesions of {case.name} were pointed at in the viewer, and are in no prompt file"
            for case, record in known.items()
            if record.prompts_sha256 is None and record.state == "ok"
        ]
        return changed + pointed_at
