"""What a run has done of a follow-up that is not finished, lesion by lesion, so that a later one goes on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lesionlocator.errors import InputError, OutputError
from lesionlocator.geometry import Box, Point, Shape
from lesionlocator.prompts.kinds import LesionPrompt
from lesionlocator.results.documents import read_document, write_document
from lesionlocator.results.lesion import LesionMask, LesionResult, LesionStatus


@dataclass
class Unfinished:
    """The record of a follow-up that is being tracked; it is there until the follow-up is finished.

    Parameters
    ----------
    path
        Its file.
    inputs
        Checksum of all that the follow-up depends on.
    notes
        What the user should know of each pair of scans, by the name of the earlier one.
    lesions
        What a document says of each lesion that is done, by id.
    """

    path: Path
    inputs: str
    notes: dict[str, list[str]] = field(default_factory=dict)
    lesions: dict[int, dict[str, Any]] = field(default_factory=dict)

    @classmethod
    def read(cls, path: Path, inputs: str) -> Unfinished:
        """Return what an earlier run with the same inputs has left; nothing done where there is none."""
        try:
            content = read_document(path)
            if content["inputs"] == inputs:
                notes = {str(name): [str(note) for note in more] for name, more in content["notes"].items()}
                lesions = {int(lesion_id): dict(entry) for lesion_id, entry in content["lesions"].items()}
                return cls(path, inputs, notes, lesions)
        except (InputError, KeyError, TypeError, ValueError, AttributeError):
            pass  # no such file, or not ours: everything is done again
        return cls(path, inputs)

    def add(self, lesion: LesionResult, earlier: str, notes: Sequence[str]) -> None:
        """Note that the masks of a lesion are written.

        Parameters
        ----------
        lesion
            What became of it.
        earlier
            The scan from which it was tracked.
        notes
            What the user should know of both scans.

        Raises
        ------
        OutputError
            Where the record cannot be written.
        """
        self.lesions[lesion.lesion_id] = _entry(lesion)
        known = self.notes.setdefault(earlier, [])
        known += [note for note in notes if note not in known]
        lesions = {str(lesion_id): entry for lesion_id, entry in sorted(self.lesions.items())}
        write_document(self.path, {"inputs": self.inputs, "notes": self.notes, "lesions": lesions})

    def result(self, lesion_id: int, found: LesionMask | None) -> LesionResult:
        """Return a lesion that is done, given its mask.

        Raises
        ------
        KeyError, TypeError, ValueError
            Where the record is not one that this program wrote.
        """
        return _lesion(lesion_id, self.lesions[lesion_id], found)

    def remove(self) -> None:
        """Remove the record, as the follow-up is finished.

        Raises
        ------
        OutputError
            Where it cannot be removed.
        """
        try:
            self.path.unlink(missing_ok=True)
        except OSError as error:
            raise OutputError(f"cannot remove {self.path}: {error.strerror or error}") from error


def _entry(lesion: LesionResult) -> dict[str, Any]:
    prompt, target = lesion.prompt, lesion.target
    return {
        "status": lesion.status.value,
        "warnings": list(lesion.warnings),
        "prompt_box": None if prompt is None or prompt.box is None else _edges(prompt.box),
        "prompt_point": None if prompt is None or prompt.point is None else list(prompt.point),
        "target_box": _edges(target) if isinstance(target, Box) else None,
        "target_point": list(target) if isinstance(target, tuple) else None,
    }


def _lesion(lesion_id: int, entry: Mapping[str, Any], found: LesionMask | None) -> LesionResult:
    box, point = _box(entry["prompt_box"]), _point(entry["prompt_point"])
    target: Box | Shape | None = _box(entry["target_box"])
    if entry["target_point"] is not None:
        z, y, x = map(int, entry["target_point"])
        target = (z, y, x)
    return LesionResult(
        lesion_id,
        LesionStatus(entry["status"]),
        None if box is None and point is None else LesionPrompt(lesion_id, box=box, point=point),
        target,
        found,
        tuple(map(str, entry["warnings"])),
    )


def _edges(box: Box) -> list[int]:
    return [*box.start, *box.stop]


def _box(edges: Sequence[int] | None) -> Box | None:
    if edges is None:
        return None
    z0, y0, x0, z1, y1, x1 = map(int, edges)
    return Box((z0, y0, x0), (z1, y1, x1))


def _point(values: Sequence[float] | None) -> Point | None:
    if values is None:
        return None
    z, y, x = map(float, values)
    return z, y, x
