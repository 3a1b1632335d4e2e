"""Opening the window."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from lesionlocator.dicom.outputs import NO_DICOM, DicomOutputs
from lesionlocator.viewer.extra import check_display, check_extra
from lesionlocator.viewer.models import Models
from lesionlocator.viewer.opening import Shown
from lesionlocator.viewer.window import Window

TITLE = "lesionlocator"


def open_window(models: Models | None = None, dicom: DicomOutputs = NO_DICOM) -> Window:
    """Open a napari window with the panel, and return at once.

    Raises
    ------
    LesionLocatorError
        Where the extra is not installed.
    """
    check_extra()
    import napari

    viewer = napari.Viewer(title=TITLE, show=True)
    window = Window(viewer, models or Models(), dicom)
    viewer.window.add_dock_widget(window.panel.widget, name=TITLE, area="left")
    return window


def view(
    scans: Sequence[Shown] = (),
    followups: Sequence[Shown] = (),
    *,
    models: Models | None = None,
    output: Path | None = None,
    dicom: DicomOutputs = NO_DICOM,
) -> None:
    """Open a window with scans, and return when it is closed.

    Parameters
    ----------
    scans
        A scan, the baseline of follow-ups, or several scans to choose from; none for an empty window.
    followups
        Scans after the only one.
    models
        What registers and segments; the built-in model by default.
    output
        The folder for results.
    dicom
        What is saved as DICOM too.

    Raises
    ------
    LesionLocatorError
        Where the extra is not installed, or no window can be opened here.
    """
    check_extra()
    check_display()
    import napari

    window = open_window(models, dicom)
    window.panel.folder.setText("" if output is None else str(output))
    if len(scans) > 1:
        window.choose_from(scans)
    elif scans:
        window.open(scans[0], followups)
    napari.run()
