"""Lesions that a follow-up shows in part."""

from __future__ import annotations

import numpy as np
import pytest

from lesionlocator.following.classical import is_cut_off
from lesionlocator.geometry import Box, Geometry
from lesionlocator.results.lesion import LesionMask

HERE, THERE = Geometry((40, 40, 40), (2.0, 1.0, 1.0)), Geometry((30, 50, 50), (1.0, 1.0, 1.0))


def block(geometry: Geometry, start: tuple[int, int, int], stop: tuple[int, int, int]) -> LesionMask:
    box = Box(start, stop)
    return LesionMask(geometry.shape, box, np.ones(box.shape, np.uint8), np.zeros(box.shape, np.float32))


@pytest.mark.parametrize(
    ("start", "stop", "cut"),
    [
        ((0, 10, 10), (7, 18, 18), True),
        ((0, 10, 10), (9, 18, 18), False),
        ((23, 10, 10), (30, 18, 18), True),
        ((5, 45, 10), (13, 50, 18), True),
        ((5, 10, 10), (12, 18, 18), False),
    ],
    ids=[
        "at the lowest slice",
        "more than half",
        "at the highest slice",
        "at the back",
        "shrunk in the middle",
    ],
)
def test_less_than_half_at_the_end_of_a_scan_is_cut_off(
    start: tuple[int, int, int], stop: tuple[int, int, int], cut: bool
) -> None:
    before = block(HERE, (10, 10, 10), (18, 18, 18))
    assert is_cut_off(block(THERE, start, stop), THERE, before, HERE) is cut
