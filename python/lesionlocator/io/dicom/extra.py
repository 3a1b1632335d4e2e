"""The door to pydicom, which comes with an extra; quiet, because its warnings quote what stands in a file."""

from __future__ import annotations

import importlib
import warnings
from contextlib import contextmanager
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


@contextmanager
def quiet() -> Iterator[None]:
    """Hold back warnings: they would carry names and numbers of patients to the terminal."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
