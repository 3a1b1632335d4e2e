"""The models of this machine: where downloaded ones are kept, and what is known of each."""

from __future__ import annotations

import json
import os
import secrets
import shutil
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timezone
from pathlib import Path

from lesionlocator.errors import ModelError, OutputError
from lesionlocator.model.archive import unpack
from lesionlocator.model.download import digest_of

BUILTIN_FOLDER = Path(__file__).parent / "builtin"
BUILTIN_ID = "builtin"
RECORD_FILE = "source.json"
_PARTS = ("LesionLocatorSeg", "LesionLocatorTrack")


@dataclass(frozen=True)
class Provenance:
    """Where an installed model came from.

    Parameters
    ----------
    model_id
        Its id.
    origin
        Address or path of the zip file.
    sha256
        Of the zip file as it was installed.
    verified
        Against what the zip file was held.
    licence
        What its source says, or None.
    installed
        When, ISO 8601.
    files
        SHA-256 of each file by its path in the model's folder.
    """

    model_id: str
    origin: str
    sha256: str
    verified: str
    licence: str | None
    installed: str
    files: dict[str, str]

    @classmethod
    def read(cls, folder: Path) -> Provenance | None:
        """Return what is known of a folder; None where it was not installed by a download.

        Raises
        ------
        ModelError
            Where the record is damaged.
        """
        path = folder / RECORD_FILE
        if not path.is_file():
            return None
        try:
            record = cls(**json.loads(path.read_text(encoding="utf-8")))
            return replace(record, files={str(name): str(sha) for name, sha in record.files.items()})
        except (OSError, ValueError, TypeError, AttributeError) as error:
            raise ModelError(f"{path}: is not the record of a model ({error})") from error

    def damaged(self, folder: Path) -> list[str]:
        """Return what differs from the files that were installed."""
        found = []
        for name, digest in self.files.items():
            path = folder / name
            if not path.is_file():
                found.append(f"{path}: is missing")
            elif digest_of(path) != digest:
                found.append(f"{path}: is not the file that was installed (its SHA-256 differs)")
        return found


def home() -> Path:
    """Return the folder that models are kept in: ``LESIONLOCATOR_HOME``, or ``~/.lesionlocator``."""
    chosen = os.environ.get("LESIONLOCATOR_HOME")
    return Path(chosen).expanduser() if chosen else Path.home() / ".lesionlocator"


def installed() -> dict[str, Path]:
    """Return the folders of the downloaded models by id."""
    root = home() / "models"
    if not root.is_dir():
        return {}
    return {path.name: path for path in sorted(root.iterdir()) if path.is_dir() and path.name[0] != "."}


def find_model(name: Path) -> Path:
    """Return a model's folder by its path, or by the id of one that is built in or downloaded.

    Raises
    ------
    ModelError
        Where there is neither.
    """
    if name.is_dir():
        return name
    by_id = {BUILTIN_ID: BUILTIN_FOLDER, **installed()}
    if str(name) in by_id:
        return by_id[str(name)]
    raise ModelError(
        f"{name}: no such model folder, and no model of that id is installed; there are: {', '.join(by_id)}. "
        "More: lesionlocator model list"
    )


def install(
    archive: Path, model_id: str, *, origin: str, sha256: str, verified: str, licence: str | None
) -> Path:
    """Unpack a zip file whose checksum was found right, in place of an older model of that id.

    Returns
    -------
    Path
        The model's folder.

    Raises
    ------
    ModelError
        Where the zip file is not safe to unpack, or holds no model.
    OutputError
        Where the folder cannot be written.
    """
    root = home() / "models"
    staging = root / f".{model_id}.{secrets.token_hex(4)}"
    try:
        (staging / "new").mkdir(parents=True)
        files = unpack(archive, staging / "new")
        inside = _model_in(staging / "new", archive)
        prefix = inside.relative_to(staging / "new").as_posix()
        prefix = "" if prefix == "." else f"{prefix}/"
        own = {n.removeprefix(prefix): digest for n, digest in files.items() if n.startswith(prefix)}
        now = datetime.now(timezone.utc).isoformat(timespec="seconds")
        record = Provenance(model_id, origin, sha256, verified, licence, now, own)
        (inside / RECORD_FILE).write_text(json.dumps(asdict(record), indent=2) + "\n", encoding="utf-8")
        return _put_in_place(inside, root / model_id, staging / "old")
    except OSError as error:
        raise OutputError(f"cannot install to {root}: {error.strerror or error}") from error
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def _put_in_place(new: Path, target: Path, old: Path) -> Path:
    """Rename a folder to its place; an older one stays until the last moment, and comes back on failure."""
    had_older = target.exists()
    if had_older:
        target.rename(old)
    try:
        return new.rename(target)
    except OSError:
        if had_older:
            old.rename(target)
        raise


def _model_in(folder: Path, archive: Path) -> Path:
    """Return the one folder that holds the networks, wherever the zip file has it."""
    holders = {path.parent for part in _PARTS for path in folder.rglob(part) if path.is_dir()}
    if len(holders) != 1:
        names = ", ".join(sorted(path.relative_to(folder).as_posix() for path in holders)) or "none"
        raise ModelError(f"{archive}: expected one folder with {' or '.join(_PARTS)}; found: {names}")
    return holders.pop()
