"""Images of one case that a network sees together, such as CT and PET, named as nnU-Net names them."""

from __future__ import annotations

from pathlib import Path

from lesionlocator.errors import InputError
from lesionlocator.io.files import ending

CHANNEL_SUFFIX = "_0000"
"""What nnU-Net appends to the name of a case's first image, and not to its label map."""


def channel_files(first: Path) -> tuple[Path, ...]:
    """Return all images of a case, given the first: ``<case>_0000``, then ``<case>_0001`` and so on.

    An image of another name is the only one.
    """
    found = [first]
    while (path := _beside(first, len(found))) is not None and path.is_file():
        found.append(path)
    return tuple(found)


def chosen_channel_files(first: Path, count: int) -> tuple[Path, ...]:
    """Return as many images of a case as a model takes.

    Raises
    ------
    InputError
        Where there are fewer.
    """
    found = channel_files(first)
    if len(found) < count:
        missing = _beside(first, len(found))
        legal = f"a first image called <case>{CHANNEL_SUFFIX}" if missing is None else f"a file {missing}"
        raise InputError(
            f"{first}: has {len(found)} of {count} channels that the model takes; legal: {legal}"
        )
    return found[:count]


def _beside(first: Path, number: int) -> Path | None:
    suffix = ending(first)
    stem = first.name.removesuffix(suffix)
    if not stem.endswith(CHANNEL_SUFFIX):
        return None
    return first.with_name(f"{stem.removesuffix(CHANNEL_SUFFIX)}_{number:04d}{suffix}")
