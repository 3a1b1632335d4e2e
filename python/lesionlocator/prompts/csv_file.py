"""Prompts as a table: CSV, one lesion a row; the names of the columns, not their order, matter."""

from __future__ import annotations

import csv
import io
from pathlib import Path

from lesionlocator.errors import InputError
from lesionlocator.geometry import Box, Point, Triple
from lesionlocator.io.files import write_atomically
from lesionlocator.prompts.entries import PromptFile, collect, read_text, triple
from lesionlocator.prompts.frames import VOXELS, Coordinates
from lesionlocator.prompts.kinds import LesionPrompt, PromptSet

_POINT = ("z", "y", "x")
_BOX = ("z0", "z1", "y0", "y1", "x0", "x1")

Row = dict[str, str]


def read_csv(path: Path, coordinates: Coordinates = VOXELS) -> PromptFile:
    """Read the columns id and z, y, x (points) or z0, z1, y0, y1, x0, x1 (boxes), or both.

    Other columns are passed over. A lesion without a point, or without a box, leaves those cells empty.

    Raises
    ------
    InputError
        Where the file cannot be read or its header lacks the columns.
    """
    reader = csv.reader(io.StringIO(read_text(path)), skipinitialspace=True)
    try:
        rows = [row for row in reader if any(cell.strip() for cell in row)]
    except csv.Error as error:
        raise InputError(f"{path}: line {reader.line_num} is no CSV ({error})") from error
    header = [name.strip().lower() for name in rows[0]] if rows else []
    if "id" not in header or not (set(_POINT) <= set(header) or set(_BOX) <= set(header)):
        legal = f"id and {','.join(_POINT)} or {','.join(_BOX)}"
        raise InputError(f"{path}: the header is {','.join(header) or 'missing'}; it needs {legal}")
    if len(set(header)) < len(header):
        raise InputError(f"{path}: the header {','.join(header)} names a column twice")
    index = header.index("id")
    entries = [(row[index] if index < len(row) else "", row) for row in rows[1:]]

    def build(row: list[str]) -> tuple[Box | None, Point | None]:
        if len(row) != len(header):
            raise InputError(f"the row has {len(row)} cells, the header {len(header)}")
        return _prompt(dict(zip(header, row, strict=True)), coordinates)

    return collect(entries, build)


def write_csv(prompts: PromptSet, path: Path, coordinates: Coordinates = VOXELS) -> None:
    """Write prompts as a table with the columns of the kinds that occur.

    Raises
    ------
    OutputError
        Where the file cannot be written.
    """
    with_boxes = any(lesion.box is not None for lesion in prompts)
    with_points = any(lesion.point is not None for lesion in prompts) or not with_boxes
    columns = ["id", *(_POINT if with_points else ()), *(_BOX if with_boxes else ())]
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows(_row(lesion, coordinates) for lesion in prompts)
    with write_atomically(path) as temporary:
        temporary.write_text(text.getvalue(), encoding="utf-8")


def _prompt(row: Row, coordinates: Coordinates) -> tuple[Box | None, Point | None]:
    point, box = None, None
    if any(row.get(name, "").strip() for name in _POINT):
        point = coordinates.point_to_voxel(_cells(row, "x", "y", "z", what="point"))
    if any(row.get(name, "").strip() for name in _BOX):
        low = _cells(row, "x0", "y0", "z0", what="box")
        box = coordinates.box_to_voxel(low, _cells(row, "x1", "y1", "z1", what="box"))
    if point is None and box is None:
        raise InputError("the row has neither a box nor a point")
    return box, point


def _cells(row: Row, *names: str, what: str) -> Triple:
    return triple([row.get(name, "") for name in names], what=f"{what} {','.join(names)}")


def _row(lesion: LesionPrompt, coordinates: Coordinates) -> dict[str, object]:
    row: dict[str, object] = {"id": lesion.lesion_id}
    if lesion.point is not None:
        row |= zip(("x", "y", "z"), coordinates.point_from_voxel(lesion.point), strict=True)
    if lesion.box is not None:
        low, high = coordinates.box_from_voxel(lesion.box)
        row |= zip(("x0", "y0", "z0"), low, strict=True)
        row |= zip(("x1", "y1", "z1"), high, strict=True)
    return row
