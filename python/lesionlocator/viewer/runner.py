"""One job at a time, shown in the panel; what it gives goes back to the thread of the window."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

from lesionlocator.errors import LesionLocatorError
from lesionlocator.viewer.jobs import Job, JobCancelledError, OnProgress

if TYPE_CHECKING:
    from lesionlocator.viewer.panel import Panel

T = TypeVar("T")
_POLL_MS = 30


class Runner:
    """What runs jobs.

    Parameters
    ----------
    panel
        Where progress and problems are shown.
    """

    def __init__(self, panel: Panel) -> None:
        from qtpy.QtCore import QTimer

        self._panel = panel
        self._job: Job[Any] | None = None
        self._then: Callable[[Any], None] = lambda _: None
        self._label = ""
        self._timer = QTimer(panel.widget)
        self._timer.timeout.connect(self._poll)
        self._timer.start(_POLL_MS)

    @property
    def is_busy(self) -> bool:
        """Whether something is at work."""
        return self._job is not None

    def start(self, label: str, work: Callable[[OnProgress], T], then: Callable[[T], None]) -> None:
        """Begin a job, unless one is at work.

        Parameters
        ----------
        label
            What to say meanwhile.
        work
            What is done in a thread.
        then
            What is done with its result in the thread of the window.
        """
        if self._job is not None:
            self._panel.say(f"{self._label}: wait, or cancel it")
            return
        self._label, self._then = label, then
        self._panel.busy(label)
        self._job = Job(work)

    def cancel(self) -> None:
        """Ask what is at work to end."""
        if self._job is not None:
            self._job.cancel()
            self._panel.say("cancelling: the step at work is finished first")

    def attempt(self, action: Callable[[], None]) -> None:
        """Do something at once, and tell the user why it cannot be done."""
        try:
            action()
        except LesionLocatorError as problem:
            self._panel.say(str(problem))

    def _poll(self) -> None:
        """Show how far the work is; once it is done, what it gave."""
        job = self._job
        if job is None:
            return
        if not job.is_done:
            if job.progress is not None and not job.is_cancelled:
                self._panel.busy(self._label, job.progress.done, job.progress.total)
            return
        self._job = None
        self._panel.idle()
        try:
            given = job.result()
        except JobCancelledError:
            self._panel.say("cancelled")
        except LesionLocatorError as problem:
            self._panel.say(str(problem))
        except Exception as problem:
            # A fault of the program must not close a window with unsaved lesions in it.
            self._panel.say(f"{type(problem).__name__}: {problem}")
        else:
            self.attempt(lambda: self._then(given))
