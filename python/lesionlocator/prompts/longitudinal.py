"""LongiSeg's tracking file: JSON, where each lesion of a baseline is in a follow-up, proposed and verified.

``{patient: {lesion id: {...}}}``, or for more than two scans ``{patient: [{lesion id: {...}}, ...]}``, one
object for each pair of consecutive scans. An entry holds ``img_bl`` and ``img_fu``, the names of the scans;
``bl_point``, ``fu_point_prop`` (where registration puts it) and ``fu_point`` (where a person does), in voxels
of the scan as stored, x, y, z, or NaN where there is none; and ``merged_lesions``, the labels that the lesion
has in the follow-up, [0] where it has disappeared.
"""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from lesionlocator.errors import InputError, PromptError
from lesionlocator.geometry import Point
from lesionlocator.io.files import write_atomically
from lesionlocator.prompts.entries import lesion_id, triple
from lesionlocator.prompts.json_file import JsonObject, read_json_object
from lesionlocator.prompts.kinds import LARGEST_ID, LesionPrompt, PromptSet, coordinate_problem

_POINTS = ("bl_point", "fu_point_prop", "fu_point")


@dataclass(frozen=True)
class FollowedLesion:
    """One lesion in a pair of scans; points are in voxels, z, y, x, of the scan as stored.

    Parameters
    ----------
    lesion_id
        Its id in the baseline, 1 to 65535.
    baseline, followup
        Names of the scans.
    point
        Where it is in the baseline.
    proposed
        Where registration puts it in the follow-up.
    verified
        Where a person puts it in the follow-up.
    merged
        The labels that it has in the follow-up: (0,) where it has disappeared, empty where the file does not
        say.

    Raises
    ------
    PromptError
        Where an id or a coordinate is not legal.
    """

    lesion_id: int
    baseline: str
    followup: str
    point: Point | None = None
    proposed: Point | None = None
    verified: Point | None = None
    merged: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        if not 1 <= self.lesion_id <= LARGEST_ID:
            raise PromptError(f"lesion id {self.lesion_id} is not legal: ids go from 1 to {LARGEST_ID}")
        problem = coordinate_problem(c for p in (self.point, self.proposed, self.verified) for c in p or ())
        if problem:
            raise PromptError(f"lesion {self.lesion_id}: {problem}")

    @property
    def accepted(self) -> Point | None:
        """The verified point, or the proposed one where nobody has verified it."""
        return self.proposed if self.verified is None else self.verified


Pair = tuple[FollowedLesion, ...]
"""The lesions of one pair of scans in the order of the file; no id occurs twice."""


@dataclass(frozen=True)
class LongitudinalFile:
    """What a tracking file holds.

    Parameters
    ----------
    patients
        The pairs of scans of each patient, in order.
    refused
        Why entries cannot be used, by where they stand, such as ``patient_1, pair 1, lesion 3``.
    """

    patients: Mapping[str, tuple[Pair, ...]]
    refused: Mapping[str, str] = field(default_factory=dict)


def is_longitudinal(content: JsonObject) -> bool:
    """Whether a JSON object is a tracking file: some entry in it has a point of one.

    Examples
    --------
    >>> point = JsonObject([("bl_point", [1, 2, 3])])
    >>> is_longitudinal(JsonObject([("patient", JsonObject([("1", point)]))]))
    True
    """
    patients = [pairs for pairs in content.values() if isinstance(pairs, JsonObject | list)]
    pairs = [pair for found in patients for pair in (found if isinstance(found, list) else [found])]
    entries = [entry for pair in pairs if isinstance(pair, JsonObject) for entry in pair.values()]
    return any(isinstance(entry, JsonObject) and not entry.keys().isdisjoint(_POINTS) for entry in entries)


def read_longitudinal(path: Path) -> LongitudinalFile:
    """Read a tracking file; entries that cannot be used are refused in the result.

    Raises
    ------
    InputError
        Where the file cannot be read, is no JSON object, or holds something other than pairs for a patient.
    """
    content = read_json_object(path)
    if content.repeated:
        raise InputError(f"{path}: the patients {content.repeated} occur more than once")
    patients: dict[str, tuple[Pair, ...]] = {}
    refused: dict[str, str] = {}
    for patient, found in content.items():
        pairs = found if isinstance(found, list) else [found]
        if not all(isinstance(pair, JsonObject) for pair in pairs):
            raise InputError(f"{path}: {patient} is not an object of lesions or a list of such")
        read = [
            _pair(pair, f"{patient}, pair {number}", refused) for number, pair in enumerate(pairs, start=1)
        ]
        patients[patient] = tuple(read)
    return LongitudinalFile(patients, refused)


def write_longitudinal(patients: Mapping[str, Sequence[Pair]], path: Path) -> None:
    """Write a tracking file: a patient with one pair as an object, one with more as a list.

    Raises
    ------
    OutputError
        Where the file cannot be written.
    """
    content = {
        patient: _pair_content(pairs[0]) if len(pairs) == 1 else [_pair_content(pair) for pair in pairs]
        for patient, pairs in patients.items()
    }
    with write_atomically(path) as temporary:
        temporary.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


def baseline_prompts(pair: Pair) -> PromptSet:
    """Return the points of the baseline, of the lesions that have one."""
    points = [(lesion.lesion_id, lesion.point) for lesion in pair]
    return PromptSet.of(LesionPrompt(i, point=point) for i, point in points if point is not None)


def followup_prompts(pair: Pair) -> PromptSet:
    """Return the accepted points of the follow-up, of the lesions that have one."""
    points = [(lesion.lesion_id, lesion.accepted) for lesion in pair]
    return PromptSet.of(LesionPrompt(i, point=point) for i, point in points if point is not None)


def _pair(pair: JsonObject, where: str, refused: dict[str, str]) -> Pair:
    times = Counter(name for name, _ in pair.pairs)
    lesions = []
    for name, entry in pair.pairs:
        try:
            if times[name] > 1:
                raise InputError(f"the id occurs {times[name]} times; ids must be unique")
            lesions.append(_lesion(name, entry))
        except InputError as error:
            refused[f"{where}, lesion {name}"] = str(error)
    twice = {i for i, n in Counter(lesion.lesion_id for lesion in lesions).items() if n > 1}
    for number in sorted(twice):
        refused[f"{where}, lesion {number}"] = "the id occurs more than once; ids must be unique"
    return tuple(lesion for lesion in lesions if lesion.lesion_id not in twice)


def _lesion(name: str, entry: object) -> FollowedLesion:
    number = lesion_id(name)
    if isinstance(number, str):
        raise InputError(f"{name!r} is not a lesion id: ids are whole numbers from 1 to {LARGEST_ID}")
    if not isinstance(entry, JsonObject):
        raise InputError("is not an object with points")
    if entry.repeated:
        raise InputError(f"the keys {entry.repeated} occur more than once")
    point, proposed, verified = (_point(entry.get(key), key) for key in _POINTS)
    if point is None and proposed is None and verified is None:
        raise InputError(f"has none of the points {', '.join(_POINTS)}")
    names = [_name(entry.get(key), key) for key in ("img_bl", "img_fu")]
    merged = _labels(entry.get("merged_lesions", []))
    return FollowedLesion(number, names[0], names[1], point, proposed, verified, merged)


def _point(value: object, key: str) -> Point | None:
    """Read x, y, z; None for the ways in which files say that there is no point."""
    parts = value if isinstance(value, list) else [value]
    if all(part is None or (isinstance(part, float) and math.isnan(part)) for part in parts):
        return None
    x, y, z = triple(value, what=key)
    return z, y, x


def _name(value: object, key: str) -> str:
    if isinstance(value, str) or (isinstance(value, int) and not isinstance(value, bool)):
        return str(value)
    raise InputError(f"{key} is {value!r}, not the name of a scan")


def _labels(value: object) -> tuple[int, ...]:
    labels = value if isinstance(value, list) else [value]
    if any(isinstance(n, bool) or not isinstance(n, int) or not 0 <= n <= LARGEST_ID for n in labels):
        raise InputError(f"merged_lesions is {value!r}, not a list of labels from 0 to {LARGEST_ID}")
    return tuple(labels)


def _pair_content(pair: Pair) -> dict[str, dict[str, object]]:
    return {
        str(lesion.lesion_id): {
            "img_bl": lesion.baseline,
            "img_fu": lesion.followup,
            "bl_point": _xyz(lesion.point),
            "fu_point_prop": _xyz(lesion.proposed),
            "fu_point": _xyz(lesion.verified),
            "merged_lesions": list(lesion.merged),
        }
        for lesion in pair
    }


def _xyz(point: Point | None) -> list[float] | float:
    """Return x, y, z; where there is no point, the NaN that the format asks for, though JSON has none."""
    return math.nan if point is None else [float(value) for value in point[::-1]]
