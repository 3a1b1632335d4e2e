"""UIDs that follow from others, and so tell nothing of them."""

from __future__ import annotations

import hashlib


def derived_uid(*parts: object) -> str:
    """Return the UID that follows from some parts: the same for the same, as a number below 2.25 (PS3.5 B.2).

    Examples
    --------
    >>> derived_uid("1.2.3", "lesion", 7) == derived_uid("1.2.3", "lesion", 7)
    True
    """
    digest = hashlib.sha256("\0".join(map(str, parts)).encode()).digest()
    return f"2.25.{int.from_bytes(digest[:16], 'big')}"
