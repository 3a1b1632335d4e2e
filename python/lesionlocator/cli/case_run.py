"""Segmenting one case: lesion by lesion, each written when it is done, so that a run can be resumed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from time import perf_counter
from typing import TYPE_CHECKING

from lesionlocator.dicom.outputs import DicomOutputs, write_dicom
from lesionlocator.errors import InputError, PromptError
from lesionlocator.results.lesion import LesionResult, LesionStatus, share_voxel

if TYPE_CHECKING:
    from lesionlocator.cli.reporter import Reporter
    from lesionlocator.results.files import CaseFiles
    from lesionlocator.results.provenance import CaseRecord
    from lesionlocator.results.segmentation import Segmentation
    from lesionlocator.segmentation import ScanWork


@dataclass(frozen=True)
class Outputs:
    """Which masks are written, whether documents and records are, and what of DICOM."""

    per_lesion: bool
    labelmap: bool
    records: bool
    dicom: DicomOutputs = field(default_factory=DicomOutputs)

    @classmethod
    def chosen(cls, save: frozenset[str], dicom: DicomOutputs) -> Outputs:
        """Return what the words of ``--save`` choose, with all documents."""
        return cls("per-lesion" in save, "labelmap" in save, records=True, dicom=dicom)


class CaseRun:
    """The work on one case.

    Parameters
    ----------
    work, files, record
        The prepared case, where its results go, and what is kept of it in the record of the run.
    outputs
        What to write.
    reporter
        Who is told.
    save_record
        Called after every lesion that is written.
    """

    def __init__(
        self,
        work: ScanWork,
        files: CaseFiles,
        record: CaseRecord,
        *,
        outputs: Outputs,
        reporter: Reporter,
        save_record: Callable[[], None],
    ) -> None:
        self._work = work
        self._files = files
        self._record = record
        self._outputs = outputs
        self._reporter = reporter
        self._save_record = save_record
        self._results: dict[int, LesionResult] = {}

    def run(self, is_done: Callable[[int], bool]) -> Segmentation:
        """Segment what is missing and write everything.

        Parameters
        ----------
        is_done
            Whether the mask that an earlier run wrote for a lesion is to be kept.

        Raises
        ------
        PromptError
            Where no prompt can be used.
        OutputError
            Where a result cannot be written.
        """
        self._reporter.case_started(self._files.case, len(self._work.lesion_ids))
        self._refuse()
        restored = dict(self._restored(is_done))
        for result in restored.values():
            self._keep(result)
        self._segment(i for i in self._work.lesion_ids if i not in self._results)
        if self._outputs.labelmap:
            # What wins a contested voxel is decided by the logits, which no file holds.
            self._segment(contested(restored, self._results))
        return self._finish()

    def _refuse(self) -> None:
        refused = {result.lesion_id: result for result in self._work.run(only=())}
        if len(refused) == len(self._work.lesion_ids):
            raise PromptError(_nothing_to_do(refused, self._work.refused_entries))
        for text, reason in self._work.refused_entries.items():
            self._reporter.warning(self._files.case, f"entry {text!r} refused: {reason}", quotes=True)
        for note in self._work.notes:
            self._reporter.warning(self._files.case, note)
        for result in refused.values():
            self._keep(result)

    def _restored(self, is_done: Callable[[int], bool]) -> Iterator[tuple[int, LesionResult]]:
        """Read the lesions of an earlier run again; what cannot be read is segmented again."""
        for lesion_id in self._work.lesion_ids:
            if lesion_id in self._results or not is_done(lesion_id):
                continue
            try:
                mask = self._files.read_mask(lesion_id, self._work.scan.geometry)
            except InputError:
                continue
            yield lesion_id, self._work.restored(lesion_id, mask)

    def _segment(self, lesion_ids: Iterable[int]) -> None:
        chosen = list(lesion_ids)
        if not chosen:
            return
        case = self._files.case
        results = self._work.run(lambda done: self._reporter.network_call(case, done), only=chosen)
        with closing(results):  # so that an interruption stops the network too
            for result in results:
                if result.lesion_id not in chosen:
                    continue
                self._record.add_seconds(result.seconds)
                if self._outputs.per_lesion:
                    with self._writing():
                        self._files.write_mask(result, self._work.scan.geometry)
                self._keep(result)

    def _keep(self, result: LesionResult) -> None:
        self._results[result.lesion_id] = result
        self._record.lesions[result.lesion_id] = result.status.value
        self._save_record()
        self._reporter.lesion_done(self._files.case, result)

    def _finish(self) -> Segmentation:
        found = self._work.result({i: self._results[i] for i in self._work.lesion_ids})
        segmentation = self._outputs.dicom.told_results(found)
        with self._writing():
            write_dicom(
                segmentation.scan,
                segmentation.masks,
                self._files.folder,
                self._outputs.dicom,
                algorithm=segmentation.model.name,
            )
            if self._outputs.records:
                self._files.write_case(segmentation, labelmap=self._outputs.labelmap)
            if self._outputs.per_lesion:
                self._files.remove_masks_except(
                    i for i, result in self._results.items() if result.status is not LesionStatus.REFUSED
                )
        return segmentation

    @contextmanager
    def _writing(self) -> Iterator[None]:
        from torch.profiler import record_function

        started = perf_counter()
        with record_function("lesionlocator: write"):
            yield
        self._record.add_seconds({"write": perf_counter() - started})


def contested(restored: Mapping[int, LesionResult], results: Mapping[int, LesionResult]) -> list[int]:
    """Return the ids of restored lesions that share a voxel with another lesion."""
    masks = {i: result.found for i, result in results.items() if result.found is not None}
    return [
        i
        for i in restored
        if i in masks and any(share_voxel(masks[i], other) for j, other in masks.items() if j != i)
    ]


def _nothing_to_do(refused: Mapping[int, LesionResult], entries: Mapping[str, str]) -> str:
    reasons = [f"lesion {i}: {' '.join(result.warnings)}" for i, result in sorted(refused.items())]
    reasons += [f"entry {text!r}: {reason}" for text, reason in entries.items()]
    if not reasons:
        return "there are no prompts"
    more = f"; and {len(reasons) - 3} more" if len(reasons) > 3 else ""
    return f"no prompt can be used: {'; '.join(reasons[:3])}{more}"
