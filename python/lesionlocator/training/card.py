"""The tables of a model card, from what an evaluation measured."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

_SIZES = (
    ["longest diameter", "lesions", "box: mean Dice", "median", "point: mean Dice", "median"],
    ("dice_mean", "dice_median"),
)
_KINDS = (["kind, from 6 mm", "lesions", "box: mean Dice", "point: mean Dice"], ("dice_mean",))


def tables(report: dict[str, Any]) -> str:
    """Return what an evaluation measured, as Markdown: by size, by kind of lesion, and in empty boxes.

    Parameters
    ----------
    report
        What :func:`lesionlocator.training.evaluate.evaluate` returns.
    """
    summary = report["summary"]
    parts = [_table(*_SIZES, summary["box"], summary["point"])]
    if report["kinds"].get("box"):
        parts.append(_table(*_KINDS, report["kinds"]["box"], report["kinds"]["point"]))
    return "\n\n".join([*parts, _empty_boxes(summary["empty_box"])]) + "\n"


def _table(
    titles: Sequence[str], columns: Sequence[str], boxes: dict[str, Any], points: dict[str, Any]
) -> str:
    lines = [f"| {' | '.join(cells)} |" for cells in (titles, *_rows(columns, boxes, points))]
    return "\n".join([lines[0], "|" + "---|" * len(titles), *lines[1:]])


def _rows(columns: Sequence[str], boxes: dict[str, Any], points: dict[str, Any]) -> Iterator[list[str]]:
    for name, box in boxes.items():
        figures = [f"{found[column]:.3f}" for found in (box, points[name]) for column in columns]
        yield [name.replace("-", " to ") if name[0].isdigit() else name, str(box["lesions"]), *figures]


def _empty_boxes(found: dict[str, Any]) -> str:
    empty, filled, half = (
        f"{100 * found[key]:.1f} %" for key in ("returned_empty", "filled_mean", "more_than_half_filled")
    )
    return (
        f"Of {found['boxes']} boxes without a lesion, {empty} came back empty; on average {filled} of such a "
        f"box was called lesion, and {half} of them came back more than half full."
    )
