"""Follow-ups side by side with the baseline, each in a napari canvas of its own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lesionlocator.viewer.canvas import Canvas, PositionLayer

if TYPE_CHECKING:
    from lesionlocator.geometry import Point
    from lesionlocator.viewer.patient_session import FollowUp


@dataclass(frozen=True, eq=False)
class View:
    """A follow-up, what shows it, and the widget that holds it."""

    followup: FollowUp
    canvas: Canvas
    positions: PositionLayer
    widget: Any


class FollowUpViews:
    """All follow-ups, in one dock of the window.

    Parameters
    ----------
    viewer
        The ``napari.Viewer`` of the baseline.
    on_hover
        Told of a follow-up and where in it the mouse is: LPS mm, ordered x, y, z.
    """

    def __init__(self, viewer: Any, on_hover: Callable[[FollowUp, Any], None]) -> None:
        self.on_move: Callable[[FollowUp, int, Point], None] = _nothing
        self.on_strike: Callable[[FollowUp, int], None] = _nothing
        self.views: list[View] = []
        self._viewer = viewer
        self._on_hover = on_hover
        self._dock: Any = None

    def show(self, followups: Sequence[FollowUp]) -> None:
        """Show these follow-ups from left to right, instead of those before."""
        from qtpy.QtCore import Qt
        from qtpy.QtWidgets import QSizePolicy, QSplitter

        self.close()
        splitter = QSplitter(Qt.Orientation.Horizontal)
        splitter.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Expanding)
        for followup in followups:
            view = self._view(followup)
            splitter.addWidget(view.widget)
            self.views.append(view)
        self._dock = self._viewer.window.add_dock_widget(splitter, name="Follow-ups", area="right")
        self._share_width(len(followups))
        for followup in followups:
            self.show_positions(followup)
            self.show_lesions(followup)

    def show_positions(self, followup: FollowUp) -> None:
        """Show where lesions will be segmented in a follow-up."""
        view = self._of(followup)
        view.positions.show({i: view.canvas.space.to_shown(point) for i, point in followup.points.items()})

    def show_lesions(self, followup: FollowUp) -> None:
        """Show the lesions that are known in a follow-up."""
        self._of(followup).canvas.show_lesions(followup.masks)

    def go_to_lesion(self, lesion_id: int) -> None:
        """Show the slices in which a lesion will be segmented."""
        for view in self.views:
            point = view.followup.points.get(lesion_id)
            if point is not None:
                view.canvas.go_to(view.canvas.space.to_shown(point))

    def follow_cursor(self, place: Any) -> None:
        """Show in all follow-ups where a position in the baseline is: LPS mm, ordered x, y, z."""
        for view in self.views:
            there = view.followup.link.to_followup(place)
            view.canvas.show_cursor(view.canvas.space.from_lps(there))

    def close(self) -> None:
        """Show no follow-up."""
        if self._dock is not None:
            self._viewer.window.remove_dock_widget(self._dock)
            self._dock = None
        for view in self.views:
            view.widget.close()
        self.views = []

    def _share_width(self, count: int) -> None:
        """Give each follow-up as much of the window as the baseline has."""
        from qtpy.QtCore import Qt

        window = self._viewer.window._qt_window
        width = window.centralWidget().width() + self._dock.width()
        window.resizeDocks([self._dock], [width * count // (count + 1)], Qt.Orientation.Horizontal)
        self._viewer.reset_view()

    def _view(self, followup: FollowUp) -> View:
        from napari.components import ViewerModel
        from napari.qt import QtViewer

        model = ViewerModel(title=followup.scan.name)
        canvas = Canvas(model, followup.scan)

        def moved(lesion_id: int, shown: Point) -> None:
            self.on_move(followup, lesion_id, canvas.space.to_stored(shown))

        positions = PositionLayer(canvas, moved, lambda lesion_id: self.on_strike(followup, lesion_id))
        canvas.on_hover = lambda shown: self._on_hover(followup, canvas.space.to_lps(shown))
        model.text_overlay.visible = True
        model.text_overlay.text = followup.scan.name
        return View(followup, canvas, positions, QtViewer(model))

    def _of(self, followup: FollowUp) -> View:
        return next(view for view in self.views if view.followup is followup)


def _nothing(*_: Any) -> None:
    """Tell nobody."""
