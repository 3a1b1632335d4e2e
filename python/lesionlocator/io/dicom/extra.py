"""The door to pydicom, which comes with an extra; quiet, because its warnings quote what stands in a file."""

from __future__ import annotations

import importlib
import logging
import threading
import warnings
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

from lesionlocator.errors import LesionLocatorError

if TYPE_CHECKING:
    from collections.abc import Iterator


def required(name: str) -> Any:
    """Import a module of the extra.

    Raises
    ------
    LesionLocatorError
        Where it is not installed.
    """
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        package = name.partition(".")[0]
        if error.name is None or error.name.partition(".")[0] != package:
            raise
        raise LesionLocatorError(
            f"DICOM needs the package {package}, which is not installed; "
            "install it with: pip install 'lesionlocator[dicom]'"
        ) from error


class _Silence(logging.Filter):
    """Matches what comes from a thread that is to be quiet, and lets all others be heard.

    It stands in for the regular expression of a warning filter. ``warnings.catch_warnings`` would change what
    other threads see, and they could undo it.
    """

    def __init__(self) -> None:
        super().__init__()
        self._thread = threading.local()

    @property
    def depth(self) -> int:
        """How many blocks of this thread are quiet."""
        return getattr(self._thread, "depth", 0)

    @depth.setter
    def depth(self, value: int) -> None:
        self._thread.depth = value

    def match(self, _: str) -> bool:
        """Whether a warning is to be ignored."""
        return self.depth > 0

    def filter(self, _: logging.LogRecord) -> bool:
        """Whether a record is to be logged."""
        return self.depth == 0


_SILENCE = _Silence()


def _listen() -> None:
    """Let the filter be the first that is asked."""
    ignored: Any = ("ignore", _SILENCE, Warning, None, 0)
    filters: Any = warnings.filters
    if filters and filters[0] == ignored:
        return
    with suppress(ValueError):
        filters.remove(ignored)
    filters.insert(0, ignored)


# Already here: what is added while another thread is within ``catch_warnings``, is lost at the end of that.
_listen()


@contextmanager
def quiet() -> Iterator[None]:
    """Hold back warnings of this thread, and what pydicom logs: they quote names and numbers of patients."""
    logging.getLogger("pydicom").addFilter(_SILENCE)
    _listen()
    _SILENCE.depth += 1
    try:
        yield
    finally:
        _SILENCE.depth -= 1
