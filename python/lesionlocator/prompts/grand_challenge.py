"""The grand-challenge "Multiple points" file, as in autoPET IV: JSON, named points ordered x, y, z.

The format does not say what its numbers measure. In autoPET IV they are voxel indices of the image, in the CT
task with the lesion's number as the name, in the PET/CT task with the names "tumor" and "background". Other
files of this type are in mm. The reader is told which.
"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

from lesionlocator.errors import InputError
from lesionlocator.geometry import Box, Point
from lesionlocator.io.files import write_atomically
from lesionlocator.prompts.entries import PromptFile, collect, lesion_id, triple
from lesionlocator.prompts.frames import VOXELS, Coordinates
from lesionlocator.prompts.json_file import JsonObject, read_json_object
from lesionlocator.prompts.kinds import PromptSet

_TYPE = "Multiple points"


def is_grand_challenge(content: JsonObject) -> bool:
    """Whether a JSON object is meant as a file of multiple points."""
    return "points" in content


def read_grand_challenge(path: Path, coordinates: Coordinates = VOXELS) -> PromptFile:
    """Read the points of a file; points named "background" are passed over, with a note.

    Where every other name is a whole number, the names are the lesion ids; otherwise those points are
    numbered from 1 in the order of the file.

    Raises
    ------
    InputError
        Where the file cannot be read, is no JSON object, or is not of the type "Multiple points".
    """
    content = read_json_object(path)
    points = content.get("points")
    if content.get("type") != _TYPE or not isinstance(points, list):
        raise InputError(f'{path}: not a grand-challenge file with "type": "{_TYPE}" and a list of "points"')
    names = [_name(point) for point in points]
    lesions = [index for index, name in enumerate(names) if name.lower() != "background"]
    named_by_id = all(isinstance(lesion_id(names[index]), int) for index in lesions)
    keys = [names[index] if named_by_id else str(number) for number, index in enumerate(lesions, start=1)]

    def build(point: object) -> tuple[Box | None, Point | None]:
        if not isinstance(point, JsonObject) or "point" not in point:
            raise InputError('the entry has no "point"')
        return None, coordinates.point_to_voxel(triple(point["point"], what="point"))

    file = collect(zip(keys, (points[index] for index in lesions), strict=True), build)
    background = len(points) - len(lesions)
    if not background:
        return file
    note = f"{background} background points passed over; only points on lesions are prompts"
    return replace(file, notes=(note,))


def write_grand_challenge(prompts: PromptSet, path: Path, coordinates: Coordinates = VOXELS) -> None:
    """Write the points, each named by its lesion id; lesions without a point are left out.

    Raises
    ------
    OutputError
        Where the file cannot be written.
    """
    points = [
        {"name": str(lesion.lesion_id), "point": list(coordinates.point_from_voxel(lesion.point))}
        for lesion in prompts
        if lesion.point is not None
    ]
    version = {"major": 1, "minor": 0}
    content = {"name": "Points of interest", "type": _TYPE, "points": points, "version": version}
    with write_atomically(path) as temporary:
        temporary.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


def _name(point: object) -> str:
    name = point.get("name", "") if isinstance(point, JsonObject) else ""
    return str(name).strip()
