"""Reading JSON with every key that the file holds, also those that it holds twice."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

from lesionlocator.errors import InputError
from lesionlocator.prompts.entries import read_text


class JsonObject(dict[str, object]):
    """A JSON object; ``pairs`` also holds what a later key of the same name hides."""

    def __init__(self, pairs: list[tuple[str, object]]) -> None:
        super().__init__(pairs)
        self.pairs = pairs

    @property
    def repeated(self) -> list[str]:
        """The keys that occur more than once."""
        return [name for name, times in Counter(name for name, _ in self.pairs).items() if times > 1]


def read_json_object(path: Path) -> JsonObject:
    """Read a file that holds one JSON object.

    Raises
    ------
    InputError
        Where the file cannot be read, is no JSON, or holds something other than an object.
    """
    text = read_text(path)
    try:
        content = json.loads(text, object_pairs_hook=JsonObject)
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path}: is not JSON ({error})") from error
    if not isinstance(content, JsonObject):
        raise InputError(f"{path}: holds a JSON {type(content).__name__}, not an object")
    return content
