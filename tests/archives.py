"""Reading arrays of the conformance kit."""

from __future__ import annotations

from pathlib import Path

import numpy as np


def arrays_of(path: Path) -> dict[str, np.ndarray]:
    """Return the arrays of an .npz file, and leave it closed."""
    with np.load(path) as archive:
        return dict(archive)
