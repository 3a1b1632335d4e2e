"""The JSON that says what was found in a scan, and the CSV with a row for each lesion."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from lesionlocator.errors import InputError
from lesionlocator.geometry import Box
from lesionlocator.io.files import write_atomically
from lesionlocator.results.measurements import BLANK, measure

if TYPE_CHECKING:
    from pathlib import Path

    from lesionlocator.geometry import Geometry, Shape
    from lesionlocator.prompts.kinds import LesionPrompt
    from lesionlocator.results.lesion import LesionResult
    from lesionlocator.results.segmentation import Segmentation

_LIST_OF_NUMBERS = re.compile(r"\[(\n[-+.,\d\seE]+)\]")
"""In indented JSON, whose texts hold no line breaks."""


def case_document(segmentation: Segmentation) -> dict[str, Any]:
    """Return what is known of a scan's lesions as plain values; lesions by ascending id."""
    scan, other = segmentation.scan, segmentation.other_model
    return {
        "case": scan.name,
        "image": {"path": None if scan.path is None else str(scan.path), **_geometry(scan.geometry)},
        "prompt_type": segmentation.kind.value,
        "model": segmentation.model.as_dict(),
        **({} if other is None else {"other_model": other.as_dict()}),
        "lesions": {
            str(lesion_id): _lesion(lesion, segmentation)
            for lesion_id, lesion in sorted(segmentation.lesions.items())
        },
        "refused_entries": dict(segmentation.refused_entries),
        "overlap_voxels": segmentation.overlap_voxels,
        "notes": list(segmentation.notes),
    }


def read_document(path: Path) -> dict[str, Any]:
    """Read a JSON object.

    Raises
    ------
    InputError
        Where the file cannot be read or holds something else.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(f"{path}: cannot be read as JSON ({error})") from error
    if not isinstance(content, dict):
        raise InputError(f"{path}: holds a JSON {type(content).__name__}, not an object")
    return content


def write_document(path: Path, content: Mapping[str, Any]) -> None:
    """Write a JSON object; wholly or not at all.

    Raises
    ------
    OutputError
        Where the file cannot be written.
    """
    with write_atomically(path) as partial:
        text = json.dumps(content, indent=1, allow_nan=False)
        partial.write_text(_LIST_OF_NUMBERS.sub(_on_one_line, text) + "\n", encoding="utf-8")


def write_table(path: Path, documents: Iterable[Mapping[str, Any]]) -> None:
    """Write a CSV with a row for each lesion of several cases; columns are named as in the documents.

    Raises
    ------
    OutputError
        Where the file cannot be written.
    """
    rows = [
        {"case": document["case"], "lesion_id": lesion_id, "status": lesion["status"]}
        | flattened(lesion["measurements"] or {})
        for document in documents
        for lesion_id, lesion in document["lesions"].items()
    ]
    write_rows(path, ["case", "lesion_id", "status", *measurement_columns()], rows)


def write_rows(path: Path, columns: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> None:
    """Write a CSV with a header; wholly or not at all.

    Raises
    ------
    OutputError
        Where the file cannot be written.
    """
    with write_atomically(path) as partial, partial.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, columns, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def measurement_columns() -> list[str]:
    """Return the columns of a CSV that measurements fill."""
    return list(flattened(BLANK.as_dict()))


def flattened(values: Mapping[str, Any]) -> dict[str, Any]:
    """Spread positions over one column an axis, and both ends of a line over one column an axis and end."""
    row: dict[str, Any] = {}
    for name, value in values.items():
        axes = "xyz" if "_lps" in name else "zyx"
        if isinstance(value, list) and isinstance(value[0], list):
            for number, end in enumerate(value, start=1):
                row |= {f"{name}_{number}_{axis}": part for axis, part in zip(axes, end, strict=True)}
        elif isinstance(value, list):
            row |= {f"{name}_{axis}": part for axis, part in zip(axes, value, strict=True)}
        else:
            row[name] = value
    return row


def _lesion(lesion: LesionResult, segmentation: Segmentation) -> dict[str, Any]:
    measurements = None if lesion.found is None else measure(lesion.found, segmentation.scan)
    return {
        "status": lesion.status.value,
        "prompt": {"kind": (lesion.kind or segmentation.kind).value, **_prompt(lesion.prompt, lesion.target)},
        "warnings": list(lesion.warnings),
        "measurements": None if measurements is None else measurements.as_dict(),
    }


def _prompt(prompt: LesionPrompt | None, target: Box | Shape | None) -> dict[str, Any]:
    """Return the prompt in voxels of the scan, where it was given so, and where it fell on the model grid."""
    from_labels = prompt is None and target is not None
    return {
        "source": "label map" if from_labels else None if prompt is None else "coordinates",
        "box_voxel": None if prompt is None or prompt.box is None else _edges(prompt.box),
        "point_voxel": None if prompt is None or prompt.point is None else list(prompt.point),
        "box_on_model_grid": _edges(target) if isinstance(target, Box) else None,
        "point_on_model_grid": list(target) if isinstance(target, tuple) else None,
    }


def _edges(box: Box) -> list[int]:
    """Return z0, z1, y0, y1, x0, x1, as prompt files do."""
    return [edge for pair in zip(box.start, box.stop, strict=True) for edge in pair]


def _geometry(geometry: Geometry) -> dict[str, Any]:
    return {
        "shape_voxel": list(geometry.shape),
        "spacing_mm": list(geometry.spacing),
        "origin_lps_mm": list(geometry.origin_lps),
        "direction_lps": list(geometry.direction_lps),
    }


def _on_one_line(found: re.Match[str]) -> str:
    return f"[{' '.join(found[1].split())}]"
