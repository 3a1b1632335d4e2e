"""How far work on the lesions of a scan has come."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Progress:
    """Network calls done, of how many, and the lesion at work (0 where it is all of them)."""

    done: int
    total: int
    lesion_id: int


class ProgressCounter:
    """Counts network calls towards a known total, and tells after each.

    Parameters
    ----------
    total
        Calls that there will be.
    progress
        Who is told; None for nobody.
    """

    def __init__(self, total: int, progress: Callable[[Progress], None] | None) -> None:
        self._done, self._total, self._progress = 0, total, progress

    def count(self, lesion_id: int) -> None:
        """Count one call for a lesion."""
        self._done += 1
        if self._progress is not None:
            self._progress(Progress(self._done, self._total, lesion_id))
