"""Unpacking a model's zip file without trusting a word of it."""

from __future__ import annotations

import hashlib
import shutil
import stat
import unicodedata
import zipfile
import zlib
from pathlib import Path, PurePosixPath

from lesionlocator.errors import ModelError, OutputError

MAX_FILES = 10_000
MAX_RATIO = 100
"""Unpacked over packed bytes; weights are numbers close to noise and hardly shrink."""
_FREE_RATIO_BYTES = 16 << 20
_CHUNK = 1 << 20
_ENCRYPTED = 0x1
_IGNORED = {"__MACOSX", ".DS_Store"}


def unpack(archive: Path, folder: Path) -> dict[str, str]:
    """Unpack a zip file into an empty folder.

    Returns
    -------
    dict
        SHA-256 of each file, by its path in the folder with ``/``.

    Raises
    ------
    ModelError
        Where the file is no zip file, is damaged or encrypted, or an entry would leave the folder, is a link
        or a device, occurs twice, or is far larger than the archive can honestly hold.
    OutputError
        Where the disk has no room, or refuses.
    """
    try:
        with zipfile.ZipFile(archive) as file:
            entries = _checked(file, archive)
            _check_room(sum(entry.file_size for entry in entries.values()), folder)
            return {name: _extract(file, entry, folder / name) for name, entry in entries.items()}
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
        raise ModelError(f"{archive}: is not a whole zip file ({error})") from error
    except OSError as error:
        raise OutputError(f"cannot unpack {archive}: {error.strerror or error}") from error


def _checked(file: zipfile.ZipFile, archive: Path) -> dict[str, zipfile.ZipInfo]:
    """Return the files of an archive by a path that is safe, or refuse the archive as a whole."""
    entries: dict[str, zipfile.ZipInfo] = {}
    seen: set[str] = set()
    if len(file.infolist()) > MAX_FILES:
        raise ModelError(f"{archive}: refused, {len(file.infolist())} entries; legal: up to {MAX_FILES}")
    for entry in file.infolist():
        path = _safe_path(entry, archive)
        if entry.is_dir() or _IGNORED & set(path.parts):
            continue
        # Some systems take names for one that differ in case or in how accents are written.
        folded = unicodedata.normalize("NFC", str(path)).casefold()
        if folded in seen:
            raise ModelError(f"{archive}: refused, {entry.filename!r} occurs twice")
        seen.add(folded)
        entries[str(path)] = entry
    unpacked, packed = sum(entry.file_size for entry in entries.values()), archive.stat().st_size
    if unpacked > max(_FREE_RATIO_BYTES, MAX_RATIO * packed):
        raise ModelError(
            f"{archive}: refused, {packed} bytes claim to unpack to {unpacked}; legal: {MAX_RATIO} times"
        )
    return entries


def _safe_path(entry: zipfile.ZipInfo, archive: Path) -> PurePosixPath:
    name, kind = entry.orig_filename, stat.S_IFMT(entry.external_attr >> 16)
    path = PurePosixPath(name)
    reason = None
    if not name or path.is_absolute() or any(part in ("", ".", "..") for part in name.rstrip("/").split("/")):
        reason = "would leave its folder"
    elif any(char in name for char in '\\:*?"<>|') or any(ord(char) < 32 for char in name):
        reason = "has characters that are not legal everywhere"
    elif kind not in (0, stat.S_IFREG, stat.S_IFDIR):
        reason = "is a link or a device"
    elif entry.flag_bits & _ENCRYPTED:
        reason = "is encrypted"
    if reason is not None:
        raise ModelError(f"{archive}: refused, entry {name!r} {reason}")
    return path


def _check_room(needed: int, folder: Path) -> None:
    free = shutil.disk_usage(folder).free
    if needed > free:
        raise OutputError(f"cannot unpack to {folder}: {needed} bytes are needed, {free} are free")


def _extract(file: zipfile.ZipFile, entry: zipfile.ZipInfo, target: Path) -> str:
    """Write one file; zipfile reads no more than the size that was checked, and compares its CRC."""
    target.parent.mkdir(parents=True, exist_ok=True)
    digest = hashlib.sha256()
    with file.open(entry) as packed, target.open("xb") as out:
        while chunk := packed.read(_CHUNK):
            digest.update(chunk)
            out.write(chunk)
    return digest.hexdigest()
