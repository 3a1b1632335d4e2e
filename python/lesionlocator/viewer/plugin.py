"""What the manifest ``napari.yaml`` names: a reader of scans, and the panel."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from lesionlocator.io import IMAGE_ENDINGS, read_scan
from lesionlocator.io.dicom import is_dicom
from lesionlocator.viewer.canvas import image_options
from lesionlocator.viewer.models import Models
from lesionlocator.viewer.space import Space
from lesionlocator.viewer.window import Window

LayerData = tuple[Any, dict[str, Any], str]


def get_reader(path: str | list[str]) -> Callable[[str], list[LayerData]] | None:
    """Return what reads a scan, or None where the path is none: several files, or of another kind."""
    if isinstance(path, list):
        return None
    file = Path(path)
    is_image = file.is_file() and file.name.lower().endswith(IMAGE_ENDINGS)
    return read_layers if is_image or is_dicom(file) else None


def read_layers(path: str) -> list[LayerData]:
    """Read a scan as an image layer along upright axes.

    Raises
    ------
    InputError
        Where the file cannot be used.
    """
    space = Space(read_scan(path))
    return [(space.upright.voxels, image_options(space), "image")]


def make_panel() -> Any:
    """Return the panel for the napari window that is open, with the scan that was read into it."""
    import napari

    window = Window(napari.current_viewer(), Models())
    window.adopt()
    window.panel.widget.lesionlocator_window = window  # lives as long as the widget
    return window.panel.widget
