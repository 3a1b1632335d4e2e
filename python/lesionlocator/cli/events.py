"""The log of a run for machines: one JSON object a line."""

from __future__ import annotations

import json
from datetime import datetime, timezone
from io import RawIOBase
from pathlib import Path
from threading import Lock
from types import TracebackType
from typing import Any

from lesionlocator.errors import OutputError


class EventLog:
    """Writes events to a file as they happen; without a file, nowhere.

    Parameters
    ----------
    path
        The file, which is written anew; None for none.

    Raises
    ------
    OutputError
        Where the file cannot be written, at the start or at any event.
    """

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._file: RawIOBase | None = None
        self._lock = Lock()  # network calls are told of by the thread that makes them

    def __enter__(self) -> EventLog:
        if self._path is not None:
            try:
                self._file = self._path.open("wb", buffering=0)
            except OSError as error:
                raise self._refusal(error) from error
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, where: TracebackType | None
    ) -> None:
        if self._file is not None:
            self._file.close()

    def write(self, event: str, **content: Any) -> None:
        """Write an event; the time is added."""
        if self._file is None:
            return
        try:
            with self._lock:
                time = datetime.now(timezone.utc).isoformat(timespec="milliseconds")
                self._file.write(f"{json.dumps({'event': event, 'time': time, **content})}\n".encode())
        except OSError as error:
            raise self._refusal(error) from error

    def _refusal(self, error: OSError) -> OutputError:
        return OutputError(f"cannot write {self._path}: {error.strerror or error}")
