"""A plot of how a training goes, as SVG."""

from __future__ import annotations

from typing import TYPE_CHECKING
from xml.sax.saxutils import escape

from lesionlocator.io import write_atomically

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

_COLORS = ("#444444", "#1f77b4", "#d95f02", "#2a9d4a")
_WIDTH, _HEIGHT, _MARGIN = 640, 260, 50


def write_curves(path: Path, curves: Mapping[str, Sequence[tuple[float, float]]]) -> None:
    """Draw curves over steps, the first (the loss) on a scale of its own, the others from 0 to 1.

    Raises
    ------
    OutputError
        Where the file cannot be written.
    """
    last = max((x for points in curves.values() for x, _ in points), default=1)
    parts = []
    for number, (name, points) in enumerate(curves.items()):
        top = max((y for _, y in points), default=1.0) if number == 0 else 1.0
        color = _COLORS[number % len(_COLORS)]
        drawn = " ".join(
            f"{_MARGIN + x / last * (_WIDTH - 2 * _MARGIN):.1f},"
            f"{_HEIGHT - _MARGIN - y / max(top, 1e-9) * (_HEIGHT - 2 * _MARGIN):.1f}"
            for x, y in points
        )
        parts.append(f'<polyline fill="none" stroke="{color}" stroke-width="2" points="{drawn}"/>')
        value = f"{points[-1][1]:.3f}" if points else "-"
        parts.append(_text(_MARGIN + 150 * number, 20, f"{name}: {value}", color))
    frame = f'x="{_MARGIN}" y="{_MARGIN}" width="{_WIDTH - 2 * _MARGIN}" height="{_HEIGHT - 2 * _MARGIN}"'
    parts.append(f'<rect {frame} fill="none" stroke="#999999"/>')
    parts += [
        _text(_MARGIN, _HEIGHT - 30, "0", "#000000"),
        _text(_WIDTH - _MARGIN - 60, _HEIGHT - 30, f"step {last:g}", "#000000"),
        _text(_WIDTH - _MARGIN + 6, _MARGIN + 4, "1", "#000000"),
        _text(_WIDTH - _MARGIN + 6, _HEIGHT - _MARGIN, "0", "#000000"),
    ]
    size = f'width="{_WIDTH}" height="{_HEIGHT}"'
    with write_atomically(path) as partial:
        partial.write_text(
            f'<svg xmlns="http://www.w3.org/2000/svg" {size}><rect {size} fill="#ffffff"/>'
            + "".join(parts)
            + "</svg>\n",
            encoding="utf-8",
        )


def _text(x: float, y: float, text: str, color: str) -> str:
    return (
        f'<text x="{x}" y="{y}" font-family="sans-serif" font-size="12" fill="{color}">{escape(text)}</text>'
    )
