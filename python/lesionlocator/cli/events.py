"""The log of a run for machines: one JSON object a line."""

from __future__ import annotations

import json
from datetime import datetime, timezone
from io import RawIOBase
from pathlib import Path
from threading import Lock
from time import monotonic
from types import TracebackType
from typing import Any

from lesionlocator.errors import OutputError


class EventLog:
    """Writes events to a file as they happen; without a file, nowhere.

    Parameters
    ----------
    path
        The file, which is written anew; None for none.
    deidentify
        Whether to tell the seconds since the start instead of the time, and nothing that may quote an input.

    Raises
    ------
    OutputError
        Where the file cannot be written, at the start or at any event.
    """

    def __init__(self, path: Path | None, *, deidentify: bool = False) -> None:
        self._path = path
        self._deidentify = deidentify
        self._started = monotonic()
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

    def write(self, event: str, *, quotes: str | None = None, **content: Any) -> None:
        """Write an event; the time is added.

        Parameters
        ----------
        event
            What happened.
        quotes
            Which part of the content may quote a path or what stands in a file.
        content
            More of it.
        """
        if self._file is None:
            return
        if self._deidentify and quotes is not None:
            from lesionlocator.results.discretion import WITHHELD

            content[quotes] = WITHHELD
        try:
            with self._lock:
                self._file.write(f"{json.dumps({'event': event, **self._time(), **content})}\n".encode())
        except OSError as error:
            raise self._refusal(error) from error

    def _time(self) -> dict[str, Any]:
        if self._deidentify:
            return {"seconds_since_start": round(monotonic() - self._started, 3)}
        return {"time": datetime.now(timezone.utc).isoformat(timespec="milliseconds")}

    def _refusal(self, error: OSError) -> OutputError:
        return OutputError(f"cannot write {self._path}: {error.strerror or error}")
