"""A scan in napari: its layers, where the mouse is, and what is drawn with it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from enum import Enum
from typing import TYPE_CHECKING, Any

import numpy as np

from lesionlocator.planes import SOFT_TISSUE
from lesionlocator.viewer.space import LabelPicture, Space

if TYPE_CHECKING:
    from lesionlocator.geometry import Point
    from lesionlocator.io import Scan
    from lesionlocator.results.lesion import LesionMask

_DONE = ("changed", "removed")
"""Actions of napari's points that are at their end."""
SCAN = "lesionlocator_scan"
"""Under which a layer of napari keeps its scan."""
_CURSOR_MM, _POINT_MM, _EDGE_MM = 12.0, 10.0, 0.8
_OPACITY = 0.5
_LEAST_DRAG_MM = 1.0
"""A mouse that moved less was clicked."""


class Tool(Enum):
    """What the mouse does."""

    NAVIGATE = "navigate"
    POINT = "point"
    BOX = "box"


def image_options(space: Space) -> dict[str, Any]:
    """Return how napari is to show a scan: to scale, in the window of soft tissue."""
    low = SOFT_TISSUE.level - SOFT_TISSUE.width / 2
    return {
        "name": space.scan.name,
        "scale": space.upright.spacing,
        "contrast_limits": (low, low + SOFT_TISSUE.width),
        "colormap": "gray",
        "metadata": {SCAN: space.scan},
    }


def camera(viewer: Any) -> Any:
    """Return the camera of a viewer, which napari keeps in its scene from version 0.9 on."""
    return getattr(viewer, "scene", viewer).camera


class Canvas:
    """The layers of a scan in a napari viewer (or its model).

    Parameters
    ----------
    viewer
        A ``napari.Viewer`` or ``napari.components.ViewerModel``.
    scan
        The scan.
    """

    def __init__(self, viewer: Any, scan: Scan) -> None:
        self.viewer = viewer
        self.space = Space(scan)
        self.tool = Tool.NAVIGATE
        self.on_point: Callable[[Point], None] = _nothing
        self.on_rectangle: Callable[[Point, Point, int], None] = _nothing
        self.on_hover: Callable[[Point], None] = _nothing
        self._picture = LabelPicture(self.space)
        spacing = self.scale = self.space.upright.spacing
        self.image = viewer.add_image(self.space.upright.voxels, **image_options(self.space))
        self.labels = viewer.add_labels(
            self._picture.shown, name=f"lesions of {scan.name}", scale=spacing, opacity=_OPACITY
        )
        self.labels.editable = False
        self._rectangle = viewer.add_shapes(
            name="box",
            ndim=3,
            scale=spacing,  # that of the image, so that the slider goes from slice to slice
            edge_color="yellow",
            face_color="transparent",
            edge_width=_EDGE_MM / spacing[1],
        )
        self._cursor = viewer.add_points(
            np.empty((0, 3)),
            name="cursor",
            ndim=3,
            scale=spacing,
            size=_CURSOR_MM / spacing[1],
            symbol="cross",
            face_color="cyan",
            opacity=0.7,
        )
        self.choose(Tool.NAVIGATE)
        viewer.mouse_drag_callbacks.append(self._dragged)
        viewer.mouse_move_callbacks.append(self._hovered)
        viewer.dims.axis_labels = ("z", "y", "x")
        viewer.reset_view()

    def close(self) -> None:
        """Take the layers out of the viewer."""
        self.viewer.mouse_drag_callbacks.remove(self._dragged)
        self.viewer.mouse_move_callbacks.remove(self._hovered)
        for layer in (self.image, self.labels, self._rectangle, self._cursor):
            if layer in self.viewer.layers:
                self.viewer.layers.remove(layer)

    def choose(self, tool: Tool) -> None:
        """Let the mouse do something else."""
        self.tool = tool
        camera(self.viewer).mouse_pan = tool is Tool.NAVIGATE
        self.viewer.layers.selection.active = self.image

    def show_lesions(self, masks: Mapping[int, LesionMask]) -> None:
        """Show these lesions instead of those before."""
        self._picture.draw(dict(masks))
        self.labels.refresh()

    def show_cursor(self, shown: Point | None) -> None:
        """Show where the mouse is in a linked scan, and go to that slice; None for nowhere."""
        self._cursor.data = np.empty((0, 3)) if shown is None else np.divide([shown], self.scale)
        if shown is not None:
            self.go_to(shown)

    def go_to(self, shown: Point) -> None:
        """Show the slice through a position, in mm."""
        self.viewer.dims.set_point(range(3), shown)

    def show_box(self, corner: Point, opposite: Point, axis: int) -> None:
        """Show a rectangle on a slice."""
        first, second = (one for one in range(3) if one != axis)
        corners = np.tile(np.asarray(corner, float), (4, 1))
        corners[1:3, first] = opposite[first]
        corners[2:4, second] = opposite[second]
        self._rectangle.data = [corners / self.scale]

    def hide_box(self) -> None:
        """Show no rectangle."""
        self._rectangle.data = []

    @property
    def axis(self) -> int:
        """The axis across the slice that is shown."""
        return int(self.viewer.dims.order[0])

    def _position(self, event: Any) -> Point:
        z, y, x = (float(value) for value in event.position)
        return z, y, x

    def _dragged(self, _: Any, event: Any) -> Iterator[None]:
        """Follow the mouse from press to release; what it means is up to the tool."""
        if self.tool is Tool.NAVIGATE or event.button != 1 or self.viewer.dims.ndisplay != 2:
            return
        start = self._position(event)
        yield
        while event.type == "mouse_move":
            if self.tool is Tool.BOX:
                self.show_box(start, self._position(event), self.axis)
            yield
        end = self._position(event)
        self.hide_box()
        is_click = max(abs(a - b) for a, b in zip(start, end, strict=True)) < _LEAST_DRAG_MM
        if self.tool is Tool.BOX and not is_click:
            self.on_rectangle(start, end, self.axis)
        elif self.tool is Tool.POINT and is_click:
            self.on_point(start)

    def _hovered(self, _: Any, event: Any) -> None:
        self.on_hover(self._position(event))


class PositionLayer:
    """Points of lesions that can be dragged and deleted, with their ids.

    Parameters
    ----------
    canvas
        Where they are shown.
    on_move, on_strike
        Told of what a person does, in mm.
    """

    def __init__(
        self,
        canvas: Canvas,
        on_move: Callable[[int, Point], None],
        on_strike: Callable[[int], None],
    ) -> None:
        self._canvas = canvas
        self._on_move, self._on_strike = on_move, on_strike
        self._known: dict[int, Point] = {}
        self._is_silent = False
        self.layer = canvas.viewer.add_points(
            np.empty((0, 3)),
            name="positions",
            ndim=3,
            scale=canvas.scale,
            size=_POINT_MM / canvas.scale[1],
            face_color="transparent",  # what is under it stays in sight
            border_color="yellow",
            border_width=0.1,
            features={"id": np.empty(0, int)},
            text={"string": "{id}", "color": "yellow", "anchor": "upper_left", "size": 12},
        )
        self.layer.events.data.connect(self._changed)
        self.layer.mode = "select"

    def show(self, points: Mapping[int, Point]) -> None:
        """Show points by lesion id, in mm, instead of those before."""
        self._known = dict(points)
        self._is_silent = True
        try:
            self.layer.data = np.asarray(list(points.values()), float).reshape(-1, 3) / self._canvas.scale
            self.layer.features = {"id": np.asarray(list(points), int)}
        finally:
            self._is_silent = False
        self._canvas.viewer.layers.selection.active = self.layer
        self.layer.mode = "select"

    def _changed(self, event: Any) -> None:
        """Tell what differs from what was shown."""
        ids = [int(one) for one in self.layer.features["id"]]
        if self._is_silent or event.action not in _DONE:
            return
        now = {i: _point(row * self._canvas.scale) for i, row in zip(ids, self.layer.data, strict=True)}
        before, self._known = self._known, now
        for lesion_id, point in before.items():
            if lesion_id not in now:
                self._on_strike(lesion_id)
            elif not np.allclose(now[lesion_id], point):
                self._on_move(lesion_id, now[lesion_id])


def _point(row: Any) -> Point:
    z, y, x = (float(value) for value in row)
    return z, y, x


def _nothing(*_: Any) -> None:
    """Tell nobody."""
