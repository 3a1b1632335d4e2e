"""Downloading a file over a connection that may stall, break or lie, and going on where it broke."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.error import HTTPError

from lesionlocator.errors import ModelError, OutputError
from lesionlocator.model.connection import Patience, opened, persistently
from lesionlocator.model.record import RemoteFile

if TYPE_CHECKING:
    from email.message import Message

_CHUNK = 1 << 20
_PARTIAL, _OK, _RANGE_REFUSED = 206, 200, 416


def download(
    file: RemoteFile,
    target: Path,
    *,
    progress: Callable[[int, int | None], None] = lambda _done, _total: None,
    patience: Patience | None = None,
) -> None:
    """Download a file to ``target``, going on from ``<target>.part`` where an earlier try left one.

    Proxies are taken from the environment (``https_proxy``, ``http_proxy``, ``no_proxy``).

    Parameters
    ----------
    file
        What to download.
    target
        Where to; its folder must be there.
    progress
        Called with bytes done, and in all where known.
    patience
        When to give up.

    Raises
    ------
    ModelError
        Where the server does not hand out the file, or what came is not it. Bytes that may be right stay for
        the next try; a whole file with the wrong checksum is removed.
    OutputError
        Where the file cannot be written.
    """
    patience = patience or Patience()
    part = _Part(target, file)
    persistently(file.url, lambda: _fetch(file, part, progress, patience), patience, lambda: part.size)
    found = digest_of(part.path, file.algorithm)
    if found != file.digest:
        part.remove()
        raise ModelError(
            f"{file.url}: came with {file.algorithm} {found}, expected {file.digest}; it was removed"
        )
    part.path.replace(target)
    part.remove()


def digest_of(path: Path, algorithm: str = "sha256") -> str:
    """Return the checksum of a file in hexadecimal."""
    digest = hashlib.new(algorithm)
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


class _Part:
    """The bytes that are there, and of which file they are."""

    def __init__(self, target: Path, file: RemoteFile) -> None:
        self.path = target.with_name(f"{target.name}.part")
        self._origin = target.with_name(f"{target.name}.part.json")
        self._identity = {"url": file.url, "digest": file.digest}
        try:
            is_same = json.loads(self._origin.read_text()) == self._identity
        except (OSError, ValueError):
            is_same = False
        if not is_same:
            self.remove()
            with _writing(self._origin):
                self._origin.write_text(json.dumps(self._identity))

    @property
    def size(self) -> int:
        return self.path.stat().st_size if self.path.exists() else 0

    def remove(self) -> None:
        self.path.unlink(missing_ok=True)
        self._origin.unlink(missing_ok=True)


def _fetch(
    file: RemoteFile, part: _Part, progress: Callable[[int, int | None], None], patience: Patience
) -> None:
    """Add to the part until the file is whole; an OSError where the connection ends before."""
    start = part.size
    if file.size is not None and start >= file.size:
        if start == file.size:
            return
        part.path.unlink()
        start = 0
    headers = {"Range": f"bytes={start}-"} if start else {}
    try:
        answer = opened(file.url, patience, headers)
    except HTTPError as error:
        if error.code == _RANGE_REFUSED and start:
            error.close()
            part.path.unlink()
            raise ConnectionError("the server refused to go on; starting again") from error
        raise
    with answer:
        start, total = _begins_at(answer.status, answer.headers, start), _total(answer.status, answer.headers)
        if None not in (file.size, total) and total != file.size:
            raise ModelError(f"{file.url}: has {total} bytes on the server, expected {file.size}")
        expected = file.size if file.size is not None else total
        with _writing(part.path):
            out = part.path.open("ab" if start else "wb")
        with out:
            done = start
            for chunk in iter(lambda: answer.read1(_CHUNK), b""):
                done += len(chunk)
                if expected is not None and done > expected:
                    raise ModelError(f"{file.url}: sends more than the {expected} bytes expected")
                with _writing(part.path):
                    out.write(chunk)
                progress(done, expected)
    if expected is not None and done < expected:
        raise ConnectionError(f"the connection ended after {done} of {expected} bytes")


def _begins_at(status: int, headers: Message, asked: int) -> int:
    """Return the place of the first byte of an answer: what was asked for, or 0."""
    if status != _PARTIAL:
        return 0
    place = str(headers.get("Content-Range", "")).removeprefix("bytes ").split("-")[0]
    if not (place.isdecimal() and int(place) == asked):
        raise ConnectionError(f"the server sent a part from {place or 'an unknown place'}, asked for {asked}")
    return asked


def _total(status: int, headers: Message) -> int | None:
    """Return how long the whole file is by an answer's headers."""
    stated = str(headers.get("Content-Range", "")).rpartition("/")[2]
    stated = stated if status == _PARTIAL else str(headers.get("Content-Length", ""))
    return int(stated) if stated.isdecimal() else None


class _writing:  # noqa: N801  # reads as a verb where it is used
    """Tells apart a disk that refuses from a connection that breaks: both are OSErrors."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, OSError):
            raise OutputError(f"cannot write {self._path}: {error.strerror or error}") from error
