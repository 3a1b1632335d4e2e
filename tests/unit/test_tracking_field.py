"""A registration written as a displacement field says the same to SimpleITK."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import SimpleITK
from tracking_cases import PLANS, identity_map, scan

from lesionlocator.geometry import Geometry
from lesionlocator.model import Plans
from lesionlocator.preprocessing import ModelGrid
from lesionlocator.tracking.cube import CUBE
from lesionlocator.tracking.frames import Frame
from lesionlocator.tracking.registration import Registration

TURNED = (0.0, 0.6, -0.8, -1.0, 0.0, 0.0, 0.0, 0.8, 0.6)
"""Oblique, and with other axes stored first."""


@pytest.mark.parametrize("canonical", [False, True])
@pytest.mark.parametrize("axes", [(), (0,), (0, 1, 2)])
def test_a_point_of_the_followup_goes_where_the_map_says(
    tmp_path: Path, axes: tuple[int, ...], canonical: bool
) -> None:
    """Where the map is the identity of the cube, both grids correspond face by face."""
    baseline = replace(scan(), geometry=Geometry((24, 30, 28), (1.5, 0.8, 1.1), (10.0, -40.0, 7.0)))
    turned = Geometry((20, 33, 40), (0.9, 1.2, 0.7), (-3.0, 11.0, 90.0), TURNED)
    followup = replace(scan(turned.shape, seed=1), geometry=turned)
    grids = [ModelGrid(one, Plans.parse(PLANS, "plans"), canonical=canonical) for one in (baseline, followup)]
    last = grids[0].shape[0] - 2
    frames = [Frame(grids[0], (3, last), axes), Frame(grids[1], (0, grids[1].shape[0]), axes)]
    nothing = np.zeros(CUBE, np.float32)
    path = tmp_path / "map.nii.gz"
    Registration(frames[0], frames[1], identity_map(), nothing, nothing).field().write(path)
    field = SimpleITK.ReadImage(str(path), SimpleITK.sitkVectorFloat64)
    transform = SimpleITK.DisplacementFieldTransform(field)

    seen = [grid.orientation.geometry(grid.scan.geometry) for grid in grids]
    sizes = [np.array(geometry.shape) for geometry in seen]
    for voxel in np.random.default_rng(2).uniform(1, sizes[1] - 2, (20, 3)):
        part = (voxel + 0.5) / sizes[1]
        slices = grids[0].shape[0]
        part[0] = (3 + part[0] * (last - 3)) / slices
        wanted = seen[0].voxel_to_lps(part * sizes[0] - 0.5)
        moved = transform.TransformPoint(seen[1].voxel_to_lps(voxel).tolist())
        np.testing.assert_allclose(moved, wanted, atol=1e-3)
