"""Reading and preparing the next case while the network works on this one."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from types import TracebackType
from typing import TYPE_CHECKING

from lesionlocator.dicom.outputs import DicomOutputs
from lesionlocator.errors import InputError
from lesionlocator.io import Case, LabelMap, Scan, read_scan
from lesionlocator.io.dicom.locations import listed
from lesionlocator.prompts.entries import PromptFile
from lesionlocator.prompts.files import read_prompts

if TYPE_CHECKING:
    from lesionlocator.prompts.kinds import Kind
    from lesionlocator.segmentation import ScanWork, SegmentationModel


@dataclass(frozen=True)
class ReadCase:
    """A case as its files hold it, the checksum of the prompts' file, and the seconds that reading took."""

    scan: Scan
    prompts: PromptFile | LabelMap
    prompts_sha256: str
    seconds: float


@dataclass(frozen=True)
class PreparedCase:
    """A case ready for the network, the checksum of its prompts, and the seconds that each stage took."""

    work: ScanWork
    prompts_sha256: str
    seconds: dict[str, float]


class ReadAhead:
    """One thread, one case ahead: while a case is worked on, at most the next one is in memory.

    Parameters
    ----------
    kind, step_size, canonical
        As for :meth:`lesionlocator.SegmentationModel.prepare`.
    series
        As for :func:`lesionlocator.read_scan`.
    channels
        Images that the model takes of each case.
    outputs
        Whether results may tell of paths.
    """

    def __init__(
        self,
        kind: Kind,
        step_size: float,
        canonical: bool | None,
        *,
        series: str | None = None,
        channels: int = 1,
        outputs: DicomOutputs,
    ) -> None:
        self._outputs = outputs
        self._series = series
        self._channels = channels
        self._kind = kind
        self._step_size = step_size
        self._canonical = canonical
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="read-ahead")
        self._first: tuple[Case, Future[ReadCase]] | None = None

    def __enter__(self) -> ReadAhead:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, where: TracebackType | None
    ) -> None:
        self._pool.shutdown(wait=problem is None, cancel_futures=True)

    def start(self, case: Case) -> None:
        """Begin to read the first case, before there is a model."""
        self._first = case, self._pool.submit(self._read, case)

    def cases(
        self, cases: Sequence[Case], model: SegmentationModel
    ) -> Iterator[tuple[Case, Future[PreparedCase]]]:
        """Yield each case with its future; what is wrong with a case, its future raises."""
        upcoming = self._submit(cases[0], model) if cases else None
        for position, case in enumerate(cases):
            current = upcoming
            following = cases[position + 1 : position + 2]
            upcoming = self._submit(following[0], model) if following else None
            if current is not None:
                yield case, current

    def _submit(self, case: Case, model: SegmentationModel) -> Future[PreparedCase]:
        begun = self._first[1] if self._first is not None and self._first[0] == case else None
        self._first = None
        return self._pool.submit(self._prepare, case, model, begun)

    def _prepare(self, case: Case, model: SegmentationModel, begun: Future[ReadCase] | None) -> PreparedCase:
        # The pool has one thread, so what was begun before is done by now.
        read = self._read(case) if begun is None else begun.result()
        started = perf_counter()
        work = model.prepare(
            read.scan,
            read.prompts,
            prompt_type=self._kind,
            step_size=self._step_size,
            canonical=self._canonical,
        )
        seconds = {"read": read.seconds, "prepare": perf_counter() - started}
        return PreparedCase(work, read.prompts_sha256, seconds)

    def _read(self, case: Case) -> ReadCase:
        started = perf_counter()
        scan = self._outputs.told(
            read_scan(case.image, series=self._series, channels=self._channels), case.name
        )
        prompts = read_prompts(case.prompts, scan.geometry, source=scan.source)
        return ReadCase(scan, prompts, file_checksum(case.prompts), perf_counter() - started)


def file_checksum(path: Path) -> str:
    """Return the SHA-256 of a file, or of all visible files of a folder.

    Raises
    ------
    InputError
        Where it cannot be read.
    """
    digest = hashlib.sha256()
    if path.is_dir():
        location, names = listed(path)
        for name in names:
            digest.update(file_checksum(location / name).encode())
        return digest.hexdigest()
    try:
        with path.open("rb") as file:
            while chunk := file.read(1 << 20):
                digest.update(chunk)
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from error
    return digest.hexdigest()
