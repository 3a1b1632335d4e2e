"""From a manifest's entry, or a zip file at hand, to an installed model."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from lesionlocator.errors import InputError, ModelError, OutputError
from lesionlocator.model.connection import Patience
from lesionlocator.model.download import digest_of, download
from lesionlocator.model.manifest import ModelSource
from lesionlocator.model.record import remote_file
from lesionlocator.model.store import home, install


@dataclass(frozen=True)
class Acquired:
    """An installed model, and how far its zip file could be verified.

    Parameters
    ----------
    folder
        Where it is.
    sha256
        Of the zip file.
    verified
        Against what it was held, in words.
    is_verified
        Whether there was anything to hold it against.
    """

    folder: Path
    sha256: str
    verified: str
    is_verified: bool = True


def acquire(
    source: ModelSource,
    *,
    sha256: str | None = None,
    say: Callable[[str], None] = lambda _line: None,
    progress: Callable[[int, int | None], None] = lambda _done, _total: None,
    patience: Patience | None = None,
) -> Acquired:
    """Download, verify and install a model.

    Parameters
    ----------
    source
        The manifest's entry.
    sha256
        What the zip file's SHA-256 must be, beside what the source states.
    say
        Told what is downloaded, before it is.
    progress
        Called with bytes done, and in all where known.
    patience
        When to give up.

    Raises
    ------
    ModelError
        Where the file cannot be had, is not what it must be, or holds no model.
    OutputError
        Where a file or folder cannot be written.
    """
    file = remote_file(source, patience)
    size = "of unknown size" if file.size is None else f"{file.size / 2**20:,.0f} MiB"
    say(f"{source.title}\n{file.url}, {size}, licence: {file.licence or 'not stated'}")
    if source.note:
        say(source.note)
    target = home() / "downloads" / f"{source.model_id}.zip"
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"cannot write {target.parent}: {error.strerror or error}") from error
    download(file, target, progress=progress, patience=patience)
    try:
        found = _matching(target, sha256)
        stated = "the manifest" if source.sha256 else f"{source.record}, which may change with its files"
        verified = f"its {file.algorithm.upper()} is that of {stated}"
        if sha256 is not None:
            verified += ", and its SHA-256 the one given"
        folder = install(
            target, source.model_id, origin=file.url, sha256=found, verified=verified, licence=file.licence
        )
    finally:
        target.unlink(missing_ok=True)
    return Acquired(folder, found, verified)


def acquire_local(source: ModelSource, archive: Path, *, sha256: str | None = None) -> Acquired:
    """Verify and install a model from a zip file that is there; nothing is downloaded.

    Raises
    ------
    InputError
        Where there is no such file.
    ModelError
        Where it is not what it must be, or holds no model.
    OutputError
        Where a folder cannot be written.
    """
    if not archive.is_file():
        raise InputError(f"{archive}: no such file")
    if source.size is not None and archive.stat().st_size != source.size:
        raise ModelError(f"{archive}: has {archive.stat().st_size} bytes, expected {source.size}")
    found = _matching(archive, source.sha256)
    _matching(archive, sha256)
    known = {"of the manifest": source.sha256, "given": sha256}
    against = " and ".join(f"the one {name}" for name, digest in known.items() if digest is not None)
    verified = f"its SHA-256 is {against}" if against else "not verified: no checksum of it is known here"
    folder = install(
        archive,
        source.model_id,
        origin=str(archive.resolve()),
        sha256=found,
        verified=verified,
        licence=source.licence,
    )
    return Acquired(folder, found, verified, bool(against))


def _matching(archive: Path, sha256: str | None) -> str:
    found = digest_of(archive)
    if sha256 is not None and found != sha256.strip().lower():
        raise ModelError(f"{archive}: has SHA-256 {found}, expected {sha256}; nothing was installed")
    return found
