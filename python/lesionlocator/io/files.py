"""File names, and writing that either happens wholly or not at all."""

from __future__ import annotations

import os
import secrets
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from lesionlocator.errors import OutputError

if TYPE_CHECKING:
    from collections.abc import Iterator

IMAGE_ENDINGS = (".nii.gz", ".nii", ".nrrd", ".mha")
PROMPT_ENDINGS = (".json", ".csv", ".dcm", *IMAGE_ENDINGS)


def ending(path: Path) -> str:
    """Return the ending of a file name as written, ``.nii.gz`` counting as one.

    Examples
    --------
    >>> ending(Path("patient.1.nii.gz"))
    '.nii.gz'
    """
    name = path.name
    known = next((end for end in IMAGE_ENDINGS if name.lower().endswith(end)), path.suffix)
    return name[len(name) - len(known) :]


def case_name(path: str | Path) -> str:
    """Return the name of a file without its folder and ending.

    Examples
    --------
    >>> case_name("scans/patient.1_0000.nii.gz")
    'patient.1_0000'
    """
    path = Path(path)
    return path.name.removesuffix(ending(path))


@contextmanager
def write_atomically(path: str | Path) -> Iterator[Path]:
    """Give a temporary name beside ``path``, with its ending; rename it to ``path`` if all goes well.

    Whatever goes wrong, an interrupt included, nothing new is left behind and an older ``path`` stays.

    Raises
    ------
    OutputError
        Where the system refuses to write: no space, no permission, no such folder.
    """
    path = Path(path)
    partial = path.with_name(f".{case_name(path)}.{secrets.token_hex(4)}{ending(path)}")
    try:
        yield partial
        partial.replace(path)
    except OSError as error:
        raise OutputError(f"cannot write {path}: {error.strerror or error}") from error
    finally:
        _remove(partial)


def _remove(path: Path) -> None:
    # A failure here must not hide the error that led here.
    try:
        os.unlink(path)
    except OSError:
        return
