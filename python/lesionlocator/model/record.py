"""Where a model's zip file is and what it must be, from the manifest or from the record of its archive."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from lesionlocator.errors import ModelError
from lesionlocator.model.connection import Patience, opened, persistently
from lesionlocator.model.manifest import ModelSource, check_address

_RECORD_LIMIT = 4 << 20


@dataclass(frozen=True)
class RemoteFile:
    """A file to download, and what is known of it.

    Parameters
    ----------
    url
        Its address.
    size
        Bytes, or None.
    algorithm, digest
        Its checksum, such as ``sha256``, in hexadecimal.
    licence
        What its source says.
    """

    url: str
    size: int | None
    algorithm: str
    digest: str
    licence: str | None


def remote_file(source: ModelSource, patience: Patience | None = None) -> RemoteFile:
    """Return the zip file of a model; where a record names it, the record is asked.

    Raises
    ------
    ModelError
        Where the record cannot be had, or does not name one zip file with size and checksum.
    """
    if source.url is not None and source.sha256 is not None:
        return RemoteFile(source.url, source.size, "sha256", source.sha256, source.licence)
    address = str(source.record)
    patience = patience or Patience()
    found = persistently(address, lambda: _read_record(address, patience), patience)
    try:
        archives = [file for file in found["files"] if str(file["key"]).lower().endswith(".zip")]
        if len(archives) != 1:
            names = ", ".join(str(file["key"]) for file in found["files"])
            raise ModelError(f"{address}: holds {len(archives)} zip files, expected one; its files: {names}")
        algorithm, digest = str(archives[0]["checksum"]).split(":")
        url, size = str(archives[0]["links"]["self"]), int(archives[0]["size"])
        licence = (found.get("metadata") or {}).get("license") or {}
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ModelError(f"{address}: is not a record with files, sizes and checksums ({error!r})") from error
    if algorithm not in {"md5", "sha256", "sha512"}:
        raise ModelError(f"{address}: states a checksum by {algorithm!r}; legal: md5, sha256 or sha512")
    check_address(url, is_pinned=False)
    return RemoteFile(url, size, algorithm, digest.lower(), source.licence or licence.get("id"))


def _read_record(address: str, patience: Patience) -> dict[str, Any]:
    with opened(address, patience) as answer:
        content = answer.read(_RECORD_LIMIT + 1)
    try:
        found = json.loads(content)
    except ValueError as error:
        raise ModelError(f"{address}: did not answer with a record ({error})") from error
    if not isinstance(found, dict):
        raise ModelError(f"{address}: did not answer with a record")
    return found
