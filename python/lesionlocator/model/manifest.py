"""Which models can be downloaded: a manifest of addresses and of what their files must be."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from lesionlocator.errors import ModelError

MANIFEST = Path(__file__).parent / "manifest.json"
_ID = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_LOOPBACK = {"127.0.0.1", "::1", "localhost"}


@dataclass(frozen=True)
class ModelSource:
    """Where a model can be had, and what its file must be.

    Parameters
    ----------
    model_id
        What ``-m`` takes once it is installed: lower-case letters, digits, ``.``, ``_`` and ``-``.
    title
        What it is.
    licence
        Its licence; None where only its record says it.
    homepage
        Where to read about it.
    url
        The zip file; None where ``record`` names it.
    record
        A record of Zenodo's API, which names one zip file with size and MD5.
    sha256
        Of the zip file; None where it is not known, as for every record.
    size
        Of the zip file in bytes, or None.
    note
        What else its user should know.

    Raises
    ------
    ModelError
        Where a value is not as above. Plain http is legal only where a SHA-256 is given, or to this machine.
    """

    model_id: str
    title: str
    licence: str | None
    homepage: str
    url: str | None = None
    record: str | None = None
    sha256: str | None = None
    size: int | None = None
    note: str = ""

    def __post_init__(self) -> None:
        if not _ID.fullmatch(self.model_id):
            raise ModelError(
                f"model id is {self.model_id!r}; legal: a-z, 0-9, '.', '_' and '-', first a letter or digit"
            )
        if (self.url is None) == (self.record is None):
            raise ModelError(f"{self.model_id}: legal is either a url or a record")
        if self.url is not None and self.sha256 is None:
            raise ModelError(f"{self.model_id}: a url needs the sha256 of its file")
        if self.sha256 is not None and not _SHA256.fullmatch(self.sha256):
            raise ModelError(f"{self.model_id}: sha256 is {self.sha256!r}; legal: 64 hexadecimal digits")
        if self.size is not None and self.size <= 0:
            raise ModelError(f"{self.model_id}: size is {self.size}; legal: a positive number of bytes")
        check_address(self.url or self.record or "", is_pinned=self.sha256 is not None)


def check_address(address: str, *, is_pinned: bool) -> None:
    """Refuse an address that could hand out anything unnoticed.

    Raises
    ------
    ModelError
        Where it is neither https, nor http to this machine, nor http for a file whose SHA-256 is known.
    """
    parts = urlsplit(address)
    is_open = parts.scheme == "http" and (is_pinned or parts.hostname in _LOOPBACK)
    if not parts.hostname or not (parts.scheme == "https" or is_open):
        raise ModelError(f"{address!r} is no address to download from; legal: https")


def read_manifest(path: Path = MANIFEST) -> dict[str, ModelSource]:
    """Read a manifest; models by id.

    Raises
    ------
    ModelError
        Where the file cannot be read, or an entry is not legal.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ModelError(f"{path}: cannot be read as a manifest ({error})") from error
    entries = content.get("models") if isinstance(content, dict) else None
    if not isinstance(entries, list):
        raise ModelError(f"{path}: has no list of models")
    sources: dict[str, ModelSource] = {}
    for entry in entries:
        source = _source(entry, path)
        if source.model_id in sources:
            raise ModelError(f"{path}: {source.model_id} occurs twice")
        sources[source.model_id] = source
    return sources


def _source(entry: object, path: Path) -> ModelSource:
    if not isinstance(entry, Mapping):
        raise ModelError(f"{path}: a model is {entry!r}; legal: an object")
    fields: dict[str, Any] = {"homepage": "", "licence": None, "title": "", **entry}
    fields["model_id"] = fields.pop("id", None)
    kinds = {"size": int, "licence": str, "url": str, "record": str, "sha256": str}
    always = {"model_id": str, "title": str, "homepage": str, "note": str}
    for name, value in fields.items():
        legal = always.get(name) or kinds.get(name)
        if legal is None:
            raise ModelError(
                f"{path}: unknown entry {name!r}; legal: id, {', '.join([*kinds, *always][:-1])}"
            )
        if not (isinstance(value, legal) or (name in kinds and value is None)) or isinstance(value, bool):
            raise ModelError(f"{path}: {name.removeprefix('model_')} is {value!r}; legal: {legal.__name__}")
    try:
        return ModelSource(**fields)
    except ModelError as error:
        raise ModelError(f"{path}: {error}") from error
