"""Lesions of chosen sizes and places, for tests of timelines."""

from __future__ import annotations

import numpy as np

from lesionlocator.geometry import Box, Geometry
from lesionlocator.io import Scan
from lesionlocator.results.course import Examination, Tracked
from lesionlocator.results.lesion import LesionMask
from lesionlocator.results.measurements import measure
from lesionlocator.results.relations import Found

SHAPE = (12, 30, 200)
GRID = Geometry(SHAPE, (5.0, 5.0, 5.0))  # a voxel is 0.125 ml
SCAN = Scan("scan", np.zeros(SHAPE, np.int16), GRID)


def block(start: tuple[int, int, int], stop: tuple[int, int, int]) -> LesionMask:
    """A mask that fills a box."""
    box = Box(start, stop)
    return LesionMask(SHAPE, box, np.ones(box.shape, np.uint8), np.zeros(box.shape, np.float32))


def found(mask: LesionMask) -> Found:
    measurements = measure(mask, SCAN)
    if measurements is None:
        raise ValueError("the mask is empty")
    return Found(mask, measurements)


def line(first: int, stop: int, *, row: int = 2) -> Found:
    """A lesion along x: its volume is 0.125 ml for each voxel, its longest diameter 5 mm for each step."""
    return found(block((2, row, first), (3, row + 1, stop)))


def there(lesion: Found, *warnings: str, expected: LesionMask | None = None) -> Tracked:
    return Tracked(lesion, expected=expected, warnings=warnings)


GONE = Tracked()
UNSEEN = Tracked(assessed=False)


def scan_of(name="fu", *, date=None, labelled=None, **lesions) -> Examination:
    """An examination; a keyword is l<id>=what tracking says."""
    return Examination(name, {int(key[1:]): value for key, value in lesions.items()}, date, labelled)
