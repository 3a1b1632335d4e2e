"""The published prompt file: JSON, lesion id to box and point, in voxels of the image as stored, z, y, x."""

from __future__ import annotations

import json
from pathlib import Path

from lesionlocator.errors import InputError
from lesionlocator.geometry import Box, Point
from lesionlocator.io.files import write_atomically
from lesionlocator.prompts.entries import PromptFile, collect, numbers, triple
from lesionlocator.prompts.frames import VOXELS
from lesionlocator.prompts.json_file import JsonObject, read_json_object
from lesionlocator.prompts.kinds import PromptSet


def read_published(path: Path) -> PromptFile:
    """Read ``{"1": {"box": [z0, z1, y0, y1, x0, x1], "point": [z, y, x]}}``.

    Boxes are half-open; numbers may be texts; a lesion needs one of the two keys, and others are passed over.

    Raises
    ------
    InputError
        Where the file cannot be read or is no JSON object.
    """
    return collect(read_json_object(path).pairs, _prompt)


def write_published(prompts: PromptSet, path: Path) -> None:
    """Write prompts as the published command does: numbers as texts, points to 2 decimals.

    Raises
    ------
    OutputError
        Where the file cannot be written.
    """
    with write_atomically(path) as temporary:
        temporary.write_text(published_text(prompts), encoding="utf-8")


def published_text(prompts: PromptSet) -> str:
    """Return the content of a published prompt file.

    Examples
    --------
    >>> from lesionlocator.prompts.kinds import LesionPrompt
    >>> print(published_text(PromptSet((LesionPrompt(4, point=(1.0, 2.006, 3.5)),))))
    {
     "4": {
      "point": [
       "1.0",
       "2.01",
       "3.5"
      ]
     }
    }
    """
    content: dict[str, dict[str, list[str]]] = {}
    for lesion in prompts:
        entry = content[str(lesion.lesion_id)] = {}
        if lesion.box is not None:
            pairs = zip(lesion.box.start, lesion.box.stop, strict=True)
            entry["box"] = [str(edge) for pair in pairs for edge in pair]
        if lesion.point is not None:
            entry["point"] = [str(round(float(p), 2)) for p in lesion.point]
    return json.dumps(content, indent=1)


def _prompt(entry: object) -> tuple[Box | None, Point | None]:
    if not isinstance(entry, JsonObject):
        raise InputError('is not an object with "box" or "point"')
    if not entry.keys() & {"box", "point"}:
        raise InputError(f'has neither "box" nor "point" among its keys {list(entry)}')
    if entry.repeated:
        raise InputError(f"the keys {entry.repeated} occur more than once")
    box = _box(entry["box"]) if "box" in entry else None
    point = triple(entry["point"], what="point") if "point" in entry else None
    return box, point


def _box(values: object) -> Box:
    z0, z1, y0, y1, x0, x1 = numbers(values, count=6, what="box")
    return VOXELS.box_to_voxel((x0, y0, z0), (x1, y1, z1))
