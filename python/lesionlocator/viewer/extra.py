"""The door to napari, which comes with an extra, and to the display that its window needs."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.util import find_spec

from lesionlocator.errors import LesionLocatorError

_BINDINGS = ("PySide6", "PyQt6", "PyQt5", "PySide2")
_INSTALL = "pip install 'lesionlocator[napari]'"
_PROBE = "from qtpy.QtWidgets import QApplication; QApplication([])"
_PROBE_SECONDS = 60


def check_extra() -> None:
    """Refuse to go on where napari or a Qt binding is not installed; neither is imported.

    Raises
    ------
    LesionLocatorError
        With what is missing, and how to install it.
    """
    if find_spec("napari") is None:
        raise LesionLocatorError(f"the viewer needs napari, which is not installed: {_INSTALL}")
    if not any(find_spec(name) for name in _BINDINGS):
        raise LesionLocatorError(f"the viewer needs a Qt binding, such as PySide6: {_INSTALL}")


def check_display() -> None:
    """Refuse to go on where no window can be opened: Qt would end the whole process.

    That is tried in a process of its own.

    Raises
    ------
    LesionLocatorError
        With the reason that Qt gives.
    """
    done = subprocess.run(
        [sys.executable, "-c", _PROBE],
        capture_output=True,
        text=True,
        check=False,
        timeout=_PROBE_SECONDS,
        env=dict(os.environ),
    )
    if done.returncode != 0:
        lines = [line for line in done.stderr.splitlines() if line.strip()]
        reason = lines[0] if lines else f"Qt ended with code {done.returncode}"
        raise LesionLocatorError(f"no window can be opened here ({reason})")
