"""Where DICOM files are: in a folder at any depth, in a zip, or alone."""

from __future__ import annotations

import os
import shutil
import zipfile
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, BinaryIO, cast

from lesionlocator.errors import InputError
from lesionlocator.io.files import IMAGE_ENDINGS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_PREAMBLE = 128
_MAGIC = b"DICM"
_LARGEST_SERIES = 16 * 2**30
"""Bytes that are unpacked from a zip; a whole-body CT has less than one of these 16 GiB."""


def is_dicom(path: Path) -> bool:
    """Whether a path is to be read as DICOM: a folder, a zip, or a file that says so.

    A file is known by its magic number, so that it needs no ending.
    """
    if path.is_dir():
        return True
    name = path.name.lower()
    if name.endswith(IMAGE_ENDINGS) or not path.is_file():
        return False
    return name.endswith((".zip", ".dcm")) or has_magic(path)


def has_magic(path: Path) -> bool:
    """Whether a file begins as DICOM does."""
    try:
        with path.open("rb") as file:
            return starts_as_dicom(file)
    except OSError:
        return False


def holds_dicom(folder: Path) -> bool:
    """Whether a folder has a DICOM file at any depth."""
    return folder.is_dir() and any(has_magic(folder / name) for name in listed(folder)[1])


def starts_as_dicom(file: BinaryIO) -> bool:
    """Whether an open file begins as DICOM does; it stands at its start afterwards."""
    start = file.read(_PREAMBLE + len(_MAGIC))
    file.seek(0)
    return start[_PREAMBLE:] == _MAGIC


def listed(path: Path) -> tuple[Path, list[str]]:
    """Return a location, and the names of all visible files in it, sorted.

    The location is a folder or a zip; that of a single file is its folder.

    Raises
    ------
    InputError
        Where there is no such path, or it is no zip though it is called so.
    """
    if path.is_dir():
        names = []
        for folder, inner, files in os.walk(path):
            inner[:] = [name for name in inner if not name.startswith(".")]
            names += [str(Path(folder, name).relative_to(path)) for name in files]
        return path, sorted(name for name in names if not Path(name).name.startswith("."))
    if not path.is_file():
        raise InputError(f"{path}: no such file or folder")
    if path.suffix.lower() == ".zip":
        with _archive(path) as archive:
            return path, sorted(info.filename for info in archive.infolist() if not info.is_dir())
    return path.parent, [path.name]


def opened(location: Path, names: Sequence[str]) -> Iterator[tuple[str, BinaryIO]]:
    """Yield the name and the open file of each of several files of a location.

    Raises
    ------
    InputError
        Where one cannot be opened.
    """
    if location.is_file():
        with _archive(location) as archive:
            for name in names:
                with archive.open(name) as member:
                    yield name, cast("BinaryIO", member)
        return
    for name in names:
        try:
            file = (location / name).open("rb")
        except OSError as error:
            raise InputError(f"{location / name}: cannot be read ({error.strerror})") from error
        with file:
            yield name, file


@contextmanager
def on_disk(location: Path, names: Sequence[str]) -> Iterator[dict[str, Path]]:
    """Give paths of files of a location, by name; those of a zip are unpacked for as long as it takes.

    Raises
    ------
    InputError
        Where they cannot be unpacked, or are larger than 16 GiB together.
    """
    if not location.is_file():
        yield {name: location / name for name in names}
        return
    with TemporaryDirectory(prefix="lesionlocator-") as folder:
        # Members get names of ours: theirs could lead out of the folder.
        paths = {name: Path(folder, f"{number}.dcm") for number, name in enumerate(names)}
        with _archive(location) as archive:
            size = sum(archive.getinfo(name).file_size for name in names)
            if size > _LARGEST_SERIES:
                raise InputError(f"{location}: the series has {size / 2**30:.0f} GiB; legal: up to 16 GiB")
            for name, path in paths.items():
                with archive.open(name) as member, path.open("wb") as file:
                    shutil.copyfileobj(member, file)
        yield paths


@contextmanager
def _archive(path: Path) -> Iterator[zipfile.ZipFile]:
    try:
        with zipfile.ZipFile(path) as archive:
            yield archive
    except (zipfile.BadZipFile, EOFError, NotImplementedError) as error:
        raise InputError(f"{path}: is no zip file that can be read ({error})") from error
    except RuntimeError as error:
        if "encrypted" not in str(error):
            raise
        raise InputError(f"{path}: is encrypted; unpack it first") from error
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror or error})") from error
