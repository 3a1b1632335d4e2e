"""From the entries of a prompt file to prompts: a bad entry is refused by its id, and the others stay."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from lesionlocator.errors import InputError
from lesionlocator.geometry import Box, Point, Triple
from lesionlocator.prompts.kinds import LARGEST_ID, LesionPrompt, PromptSet, coordinate_problem

LARGEST_FILE = 64 * 2**20
"""Bytes; a prompt needs some 200 of them."""

_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?", re.ASCII | re.IGNORECASE)
_ID = re.compile(r"\d{1,10}", re.ASCII)

Entry = TypeVar("Entry")


@dataclass(frozen=True)
class PromptFile:
    """What a prompt file holds.

    Parameters
    ----------
    prompts
        The prompts that can be used.
    refused
        Why each of the other entries cannot be used, by lesion id, or by the text that stands in the file
        where that is no legal id.
    notes
        What was passed over on purpose.
    box_remarks
        What is not known of the box of a lesion, by its id.
    """

    prompts: PromptSet
    refused: dict[int | str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    box_remarks: dict[int, str] = field(default_factory=dict)


def collect(
    entries: Iterable[tuple[str, Entry]], build: Callable[[Entry], tuple[Box | None, Point | None]]
) -> PromptFile:
    """Build the prompts of all entries (id as written, content) that can be built.

    ``build`` raises InputError, without naming the id, for an entry that cannot be used. An id that occurs
    more than once is refused altogether: nobody knows which entry is meant.
    """
    found = [(lesion_id(key), content) for key, content in entries]
    times = Counter(key for key, _ in found)
    lesions: list[LesionPrompt] = []
    refused: dict[int | str, str] = {}
    for key, content in found:
        try:
            if isinstance(key, str):
                raise InputError(f"{key!r} is not a lesion id: ids are whole numbers from 1 to {LARGEST_ID}")
            if times[key] > 1:
                raise InputError(f"the id occurs {times[key]} times; ids must be unique")
            lesions.append(LesionPrompt(key, *build(content)))
        except InputError as error:
            refused[key] = str(error)
    return PromptFile(PromptSet.of(lesions), refused)


def lesion_id(text: str) -> int | str:
    """Return the id that a text stands for, or the text where it is no legal id.

    Examples
    --------
    >>> lesion_id("07"), lesion_id("-1"), lesion_id("0")
    (7, '-1', '0')
    """
    stripped = text.strip()
    if _ID.fullmatch(stripped) and 1 <= int(stripped) <= LARGEST_ID:
        return int(stripped)
    return text


def numbers(values: object, *, count: int, what: str) -> list[float]:
    """Read ``count`` finite numbers, each a number or its text.

    Raises
    ------
    InputError
        Where ``values`` is not a list of that length, or an element is not a finite number.
    """
    if not isinstance(values, Sequence) or isinstance(values, str):
        raise InputError(f"{what} is {_shown(values)}, not a list of {count} numbers")
    if len(values) != count:
        raise InputError(f"{what} has {len(values)} numbers, {count} are needed")
    read = [_number(value, what) for value in values]
    problem = coordinate_problem(read)
    if problem:
        raise InputError(f"{what}: {problem}")
    return read


def triple(values: object, *, what: str) -> Triple:
    """Read three finite numbers, as :func:`numbers` does."""
    a, b, c = numbers(values, count=3, what=what)
    return a, b, c


def read_text(path: Path) -> str:
    """Read a text file (UTF-8, with or without byte order mark).

    Raises
    ------
    InputError
        Where the file cannot be read, is larger than 64 MiB or is not UTF-8.
    """
    try:
        if path.stat().st_size > LARGEST_FILE:
            raise InputError(f"{path}: larger than {LARGEST_FILE // 2**20} MiB, too large for a prompt file")
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: is not text in UTF-8") from error
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from error


def _number(value: object, what: str) -> float:
    if isinstance(value, str) and _NUMBER.fullmatch(value.strip()):
        return float(value)
    if isinstance(value, str) and value.strip().lstrip("+-").lower() in ("nan", "inf", "infinity"):
        return float(value)  # told as "not finite" rather than as "not a number"
    if isinstance(value, int | float) and not isinstance(value, bool):
        return _as_float(value)
    raise InputError(f"{what}: {_shown(value)} is not a number")


def _as_float(value: float) -> float:
    try:
        return float(value)
    except OverflowError:
        return float("inf")


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 40 else text[:37] + "..."
