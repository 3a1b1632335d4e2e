"""The timeline of volumes and diameters as an inline SVG, whose colors follow the page."""

from __future__ import annotations

import re
from io import StringIO
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lesionlocator.report.patient import Patient

_INK = "#010203"
"""Stands for the page's own color of text."""
_PANELS = (("volume_ml", "volume (ml)"), ("longest_diameter_mm", "longest diameter (mm)"))


def timeline(patient: Patient, labels: list[str]) -> str:
    """Return a chart of every lesion at every timepoint, as an ``<svg>`` element.

    The line of lesion 3 is in groups with the ids ``volume_ml-3`` and ``longest_diameter_mm-3``. Where all
    timepoints are dated, their distances are those of the dates.

    Parameters
    ----------
    patient
        Whose lesions.
    labels
        What stands below each timepoint.
    """
    import matplotlib as mpl
    from matplotlib import colormaps
    from matplotlib.figure import Figure

    style: Any = {"svg.fonttype": "none", "svg.hashsalt": "lesionlocator", "font.size": 9}
    style |= {f"{name}.color": _INK for name in ("text", "xtick", "ytick")}
    style |= {"axes.edgecolor": _INK, "axes.labelcolor": _INK}
    with mpl.rc_context(style):
        figure = Figure(figsize=(9.5, 3.1), layout="constrained")
        figure.patch.set_alpha(0)
        positions = _positions(patient)
        for axes, (name, label) in zip(figure.subplots(1, 2), _PANELS, strict=True):
            for number, (lesion_id, entries) in enumerate(sorted(patient.lesions.items())):
                points = [
                    (position, _value(entry, name))
                    for position, entry in zip(positions, entries, strict=True)
                    if _value(entry, name) is not None
                ]
                color = colormaps["tab20"](number % 20)
                (line,) = axes.plot(*zip(*points, strict=True) if points else ((), ()), "o-", color=color)
                line.set(gid=f"{name}-{lesion_id}", markersize=4, linewidth=1.5)
            axes.patch.set_alpha(0)
            axes.set(ylabel=label, ylim=(0, None))
            axes.set_xticks(positions, labels, rotation=20, ha="right", rotation_mode="anchor")
            axes.spines[["top", "right"]].set_visible(False)
        text = StringIO()
        figure.savefig(text, format="svg", metadata={"Date": None, "Creator": None})
    svg = text.getvalue()
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    return svg.replace(_INK, "currentColor")


def _positions(patient: Patient) -> list[float]:
    days = [timepoint.date for timepoint in patient.timepoints]
    known = [day for day in days if day is not None]
    if len(known) == len(days) and len(set(known)) == len(known):
        return [float((day - known[0]).days) for day in known]
    return [float(place) for place in range(len(days))]


def _value(entry: Any, name: str) -> float | None:
    """Return a measurement; 0 where the lesion has disappeared, None where nothing is known."""
    if entry is None:
        return None
    if entry["measurements"] is not None:
        return float(entry["measurements"][name])
    return 0.0 if entry["status"] in ("disappeared", "empty") else None
