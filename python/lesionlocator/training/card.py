"""The tables of a model card, from what an evaluation measured."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

_NAMES = {"box": "box", "point": "point", "prev_mask": "old mask"}


def tables(report: dict[str, Any]) -> str:
    """Return what an evaluation measured, as Markdown: by size, by kind of lesion, and in empty boxes.

    Parameters
    ----------
    report
        What :func:`lesionlocator.training.evaluate.evaluate` returns.
    """
    summary, kinds = dict(report["summary"]), report["kinds"]
    empty = summary.pop("empty_box")
    parts = [_table("longest diameter", {"dice_mean": "{}: mean Dice", "dice_median": "median"}, summary)]
    if kinds.get("box"):
        parts.append(_table("kind, from 6 mm", {"dice_mean": "{}: mean Dice"}, kinds))
    return "\n\n".join([*parts, _empty_boxes(empty)]) + "\n"


def _table(first: str, columns: Mapping[str, str], found: Mapping[str, dict[str, Any]]) -> str:
    titles = [first, "lesions"]
    for prompt in found:
        titles += [title.format(_NAMES[prompt]) for title in columns.values()]
    lines = [f"| {' | '.join(cells)} |" for cells in (titles, *_rows(columns, found))]
    return "\n".join([lines[0], "|" + "---|" * len(titles), *lines[1:]])


def _rows(columns: Mapping[str, str], found: Mapping[str, dict[str, Any]]) -> Iterator[list[str]]:
    for name, row in found["box"].items():
        figures = [f"{by_group[name][column]:.3f}" for by_group in found.values() for column in columns]
        yield [name.replace("-", " to ") if name[0].isdigit() else name, str(row["lesions"]), *figures]


def _empty_boxes(found: dict[str, Any]) -> str:
    empty, filled, half = (
        f"{100 * found[key]:.1f} %" for key in ("returned_empty", "filled_mean", "more_than_half_filled")
    )
    return (
        f"Of {found['boxes']} boxes without a lesion, {empty} came back empty; on average {filled} of such a "
        f"box was called lesion, and {half} of them came back more than half full."
    )
