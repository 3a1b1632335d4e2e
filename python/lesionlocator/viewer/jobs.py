"""Work in a thread, which tells how far it is and can be cancelled."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from threading import Event, Thread
from typing import Generic, TypeVar

from lesionlocator.progress import Progress

T = TypeVar("T")
OnProgress = Callable[[Progress], None]


class JobCancelledError(Exception):
    """Work ended because it was asked to."""


class Job(Generic[T]):
    """Work that begins at once, in a thread of its own.

    Parameters
    ----------
    work
        What is done. It is given a function to tell its progress to, which raises
        :class:`JobCancelledError` once the job is to end: work stops between two steps that it tells of,
        such as two network calls.
    """

    def __init__(self, work: Callable[[OnProgress], T]) -> None:
        self.progress: Progress | None = None
        self._cancelled = Event()
        self._future: Future[T] = Future()
        Thread(target=self._run, args=(work,), name="viewer-job", daemon=True).start()

    @property
    def is_done(self) -> bool:
        """Whether there is a result, or a reason why there is none."""
        return self._future.done()

    @property
    def is_cancelled(self) -> bool:
        """Whether it was asked to end."""
        return self._cancelled.is_set()

    def cancel(self) -> None:
        """Ask the work to end; what it gives after that is dropped."""
        self._cancelled.set()

    def result(self, timeout: float | None = None) -> T:
        """Wait for the work, and return what it gave or raise what it raised.

        Raises
        ------
        JobCancelledError
            Where it was asked to end.
        """
        return self._future.result(timeout)

    def _run(self, work: Callable[[OnProgress], T]) -> None:
        try:
            given = work(self._told)
            self._stop_if_cancelled()
        except BaseException as problem:
            # Whatever it is, who waits must be told.
            self._future.set_exception(JobCancelledError() if self.is_cancelled else problem)
        else:
            self._future.set_result(given)

    def _told(self, progress: Progress) -> None:
        self.progress = progress
        self._stop_if_cancelled()

    def _stop_if_cancelled(self) -> None:
        if self.is_cancelled:
            raise JobCancelledError
