"""How a scan shows itself in a notebook."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

import numpy as np

from lesionlocator.geometry import Orientation
from lesionlocator.planes import SOFT_TISSUE, Frame, Plane, data_url, rgb

if TYPE_CHECKING:
    from lesionlocator.io.scans import Scan

_PIXELS = 150


def scan_html(scan: Scan) -> str:
    """Return the middle planes of a scan and what is known of its grid, as HTML."""
    orientation = Orientation.canonical(scan.geometry)
    upright, voxels = orientation.geometry(scan.geometry), orientation.view(scan.voxels)
    z, y, x = ((n - 1) / 2 for n in upright.shape)
    side = float(np.multiply(upright.shape, upright.spacing).max())
    frames = [Frame(plane, (z, y, x), side, _PIXELS, upright.spacing) for plane in Plane]
    picture = np.hstack([rgb(SOFT_TISSUE.gray(frame.values(voxels))) for frame in frames])
    shape = " x ".join(map(str, scan.geometry.shape))
    spacing = " x ".join(f"{size:.4g}" for size in scan.geometry.spacing)
    return (
        f'<figure style="margin:0"><img src="{data_url(picture)}" alt="middle planes">'
        f"<figcaption><b>{escape(scan.name)}</b>: {shape} voxels of {spacing} mm (z, y, x), "
        f"{scan.voxels.dtype}</figcaption></figure>"
    )
