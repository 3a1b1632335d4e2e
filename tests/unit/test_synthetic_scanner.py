"""What scanners do to bodies, and what can be seen through them."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from lesionlocator.synthetic import LesionSite, Scanner, insert_lesion
from lesionlocator.synthetic.inpaint import grain
from lesionlocator.synthetic.tissue import Tissue

SHARP = (0.0, 0.0, 0.0)


def ball(radius: int) -> NDArray[np.bool_]:
    axis = np.arange(-8, 9)
    inside: NDArray[np.bool_] = axis[:, None, None] ** 2 + axis[:, None] ** 2 + axis**2 <= radius**2
    return inside


@pytest.mark.parametrize(("hu", "is_seen"), [(15.0, False), (20.0, True)])
def test_what_stands_out_five_times_from_the_noise_is_seen(hu: float, *, is_seen: bool) -> None:
    one_voxel = ball(0)
    assert Scanner(SHARP, SHARP, 3.5).shows((hu * one_voxel).astype(np.float32), one_voxel) is is_seen


def test_more_voxels_show_a_faint_lesion_and_blur_hides_a_small_one() -> None:
    sharp, blurred = Scanner(SHARP, SHARP, 10.0), Scanner((0.3, 0.2, 0.2), SHARP, 10.0)
    assert not sharp.shows((10.0 * ball(1)).astype(np.float32), ball(1))
    assert sharp.shows((10.0 * ball(4)).astype(np.float32), ball(4))
    assert sharp.shows((60.0 * ball(0)).astype(np.float32), ball(0))
    assert not blurred.shows((60.0 * ball(0)).astype(np.float32), ball(0))


def test_the_noise_of_a_scan_is_found_beside_its_edges() -> None:
    scan = np.random.default_rng(1).normal(40, 12, (30, 40, 40)).astype(np.float32)
    scan[:, 20:] += 500
    assert 8 < Scanner.that_left(grain(scan)).noise_hu < 14


def test_lesions_that_nobody_sees_in_the_noise_are_not_drawn() -> None:
    tissue = np.full((30, 30, 30), Tissue.LIVER, np.uint8)
    drawn = {5.0: 0, 5000.0: 0}
    for noise in drawn:
        for seed in range(20):
            kind = insert_lesion(
                np.random.default_rng(seed),
                np.full(tissue.shape, 100, np.float32),
                np.zeros(tissue.shape, np.uint8),
                tissue,
                spacing=(1.5, 1.5, 1.5),
                site=LesionSite((15, 15, 15), Tissue.LIVER),
                diameter_mm=8.0,
                label=1,
                scanner=Scanner(SHARP, SHARP, noise),
            )
            drawn[noise] += kind is not None
    assert drawn == {5.0: 20, 5000.0: 0}
