"""A display of its own for windows, and real mouse events in them."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from lesionlocator.viewer.canvas import camera

XVFB = shutil.which("Xvfb")
_SECONDS = 60


@contextmanager
def virtual_display() -> Iterator[str]:
    """Start an X server without a screen, on a number that is free; OpenGL is computed by software."""
    read_end, write_end = os.pipe()
    command = [XVFB, "-displayfd", str(write_end), "-screen", "0", "1600x1000x24", "-nolisten", "tcp"]
    server = subprocess.Popen(command, pass_fds=[write_end], stderr=subprocess.DEVNULL)
    os.close(write_end)
    try:
        with os.fdopen(read_end) as numbers:
            yield f":{numbers.readline().strip()}"
    finally:
        server.terminate()
        server.wait()


def wait_until(happened: Callable[[], bool], what: str) -> None:
    """Let Qt work until something has happened."""
    from qtpy.QtWidgets import QApplication

    deadline = time.monotonic() + _SECONDS
    while not happened():
        assert time.monotonic() < deadline, f"after {_SECONDS} s: {what}"
        QApplication.processEvents()
        time.sleep(0.005)


Position = tuple[float, float, float]


class Mouse:
    """The mouse over a canvas of napari; positions are in mm, z, y, x."""

    def __init__(self, model: Any, qt_viewer: Any) -> None:
        self._model = model
        self._native = qt_viewer.canvas.native

    def pixel(self, shown: Position) -> Any:
        """Where a position is on the canvas: what the camera shows in the middle, and how large."""
        from qtpy.QtCore import QPoint

        _, y, x = shown
        _, middle_y, middle_x = camera(self._model).center
        zoom = camera(self._model).zoom / self._native.devicePixelRatioF()
        across = self._native.width() / 2 + (x - middle_x) * zoom
        down = self._native.height() / 2 + (y - middle_y) * zoom
        return QPoint(round(across), round(down))

    def click(self, shown: Position) -> None:
        from qtpy.QtTest import QTest

        self.move(shown)
        QTest.mouseClick(self._native, _left(), pos=self.pixel(shown))

    def drag(self, start: Position, end: Position) -> None:
        from qtpy.QtTest import QTest

        self.move(start)
        QTest.mousePress(self._native, _left(), pos=self.pixel(start))
        for share in (0.5, 1.0):
            z, y, x = (a + (b - a) * share for a, b in zip(start, end, strict=True))
            self.move((z, y, x), held=True)
        QTest.mouseRelease(self._native, _left(), pos=self.pixel(end))

    def move(self, shown: Position, *, held: bool = False) -> None:
        """Move the mouse; unlike QTest's own, with the button held down where it is."""
        from qtpy.QtCore import QEvent, QPointF, Qt
        from qtpy.QtGui import QMouseEvent
        from qtpy.QtWidgets import QApplication

        place, none = self.pixel(shown), Qt.MouseButton.NoButton
        event = QMouseEvent(
            QEvent.Type.MouseMove,
            QPointF(place),
            QPointF(self._native.mapToGlobal(place)),
            none,
            _left() if held else none,
            Qt.KeyboardModifier.NoModifier,
        )
        QApplication.sendEvent(self._native, event)
        QApplication.processEvents()


def press_delete(widget: Any) -> None:
    from qtpy.QtCore import Qt
    from qtpy.QtTest import QTest

    QTest.keyClick(widget, Qt.Key.Key_Delete)


def _left() -> Any:
    from qtpy.QtCore import Qt

    return Qt.MouseButton.LeftButton
