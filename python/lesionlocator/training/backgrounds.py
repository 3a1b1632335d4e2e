"""Real CT scans as bodies for synthetic lesions."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from lesionlocator.geometry import Box, Orientation
from lesionlocator.io import read_scan
from lesionlocator.preprocessing.resample import GridChange, linear_block
from lesionlocator.synthetic import Anatomy
from lesionlocator.synthetic.naming import body_mask, named_tissues
from lesionlocator.synthetic.tissue import Tissue
from lesionlocator.training.recipe import SPACING_MM

if TYPE_CHECKING:
    from pathlib import Path


def real_anatomy(path: Path) -> Anatomy:
    """Return a scan on the model's grid, its tissues named by HU alone.

    Raises
    ------
    InputError
        Where the scan cannot be read.
    """
    stored = read_scan(path)
    scan = stored.oriented(Orientation.canonical(stored.geometry))
    z, y, x = (
        max(round(n * s / t), 1)
        for n, s, t in zip(scan.geometry.shape, scan.geometry.spacing, SPACING_MM, strict=True)
    )
    change = GridChange(scan.geometry.shape, (z, y, x))
    hounsfield = linear_block(np.ascontiguousarray(scan.voxels), change, Box.whole(change.target))
    tissue = named_tissues(hounsfield)
    tissue[~body_mask(hounsfield)] = Tissue.AIR
    return Anatomy(tissue, np.clip(np.rint(hounsfield), -1024, 3071).astype(np.int16), SPACING_MM)
