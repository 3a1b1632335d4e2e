"""Outlines of masks: closed polygons along the borders of voxels, with holes joined by keyholes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

Corner = tuple[float, float]
"""Row and column of a corner between pixels: pixel (0, 0) reaches from corner (0, 0) to (1, 1)."""

_ASIDE = 0.25
"""Where a keyhole passes between two rows of corners: beside the centres of pixels, which are at 0.5."""


def outlines(mask: NDArray[np.uint8]) -> list[list[Corner]]:
    """Return the polygons around the pixels of a mask, shape (rows, columns).

    Pixels that touch at a corner only are parts of different polygons. A hole becomes part of the polygon
    around it: a channel of no width leads there and back (the keyhole of PS3.3 C.8.8.6.3). A pixel's centre
    lies within a polygon where the mask is set, and only there.

    Examples
    --------
    >>> outlines(np.array([[0, 1], [0, 1]], np.uint8))
    [[(0, 1), (0, 2), (2, 2), (2, 1)]]
    """
    loops = _loops(mask)
    polygons = [loop for loop in loops if _area(loop) > 0]
    holes = sorted((loop for loop in loops if _area(loop) < 0), key=lambda loop: min(c for _, c in loop))
    for hole in holes:  # from left to right, so that what lies left of a hole is joined already
        _join(polygons, hole)
    return polygons


def _loops(mask: NDArray[np.uint8]) -> list[list[Corner]]:
    """Follow the borders of pixels with the mask on the right (rows grow downwards)."""
    steps = _steps(np.pad(mask != 0, 1))
    loops = []
    while steps:
        start = min(steps)
        loop, place, heading = [start], steps[start][0], None
        _take(steps, start, place)
        while place != start:
            came = loop[-1]
            heading = (place[0] - came[0], place[1] - came[1])
            loop.append(place)
            # Where two pixels touch at a corner, turning right stays with the same pixel.
            right = (place[0] + heading[1], place[1] - heading[0])
            following = right if right in steps[place] else steps[place][0]
            _take(steps, place, following)
            place = following
        loops.append(_without_straight_corners(loop))
    return loops


def _steps(padded: NDArray[np.bool_]) -> dict[tuple[int, int], list[tuple[int, int]]]:
    """Return where each corner leads to."""
    steps: dict[tuple[int, int], list[tuple[int, int]]] = defaultdict(list)
    down, across = np.diff(padded.astype(np.int8), axis=0), np.diff(padded.astype(np.int8), axis=1)
    for row, column in np.argwhere(down[:, 1:-1]).tolist():  # between pixels above and below
        ends = (row, column), (row, column + 1)
        begin, end = ends if down[row, column + 1] > 0 else ends[::-1]
        steps[begin].append(end)
    for row, column in np.argwhere(across[1:-1]).tolist():  # between pixels left and right
        ends = (row, column), (row + 1, column)
        begin, end = ends if across[row + 1, column] < 0 else ends[::-1]
        steps[begin].append(end)
    return steps


def _take(
    steps: dict[tuple[int, int], list[tuple[int, int]]], begin: tuple[int, int], end: tuple[int, int]
) -> None:
    steps[begin].remove(end)
    if not steps[begin]:
        del steps[begin]


def _without_straight_corners(loop: Sequence[tuple[int, int]]) -> list[Corner]:
    before, after = [loop[-1], *loop[:-1]], [*loop[1:], loop[0]]
    return [
        b
        for a, b, c in zip(before, loop, after, strict=True)
        if not (a[0] == b[0] == c[0] or a[1] == b[1] == c[1])
    ]


def _area(loop: Sequence[Corner]) -> float:
    """Return twice the area: above 0 around pixels, below 0 around a hole."""
    rows, columns = np.asarray(loop, np.float64).T
    return float(np.sum(columns * np.roll(rows, -1) - np.roll(columns, -1) * rows))


def _join(polygons: list[list[Corner]], hole: list[Corner]) -> None:
    """Join a hole to the polygon that lies nearest to its left."""
    left = min(column for _, column in hole)
    start = next(
        i for i, (one, other) in enumerate(_edges(hole)) if one[1] == other[1] == left and one[0] != other[0]
    )
    row = min(hole[start][0], hole[(start + 1) % len(hole)][0]) + _ASIDE
    crossed = [
        (one[1], polygon, i)
        for polygon in polygons
        for i, (one, other) in enumerate(_edges(polygon))
        if one[1] == other[1] and one[1] < left and min(one[0], other[0]) < row < max(one[0], other[0])
    ]
    column, polygon, place = max(crossed, key=lambda found: found[0])
    around = [(row, left), *hole[start + 1 :], *hole[: start + 1], (row, left)]
    polygon[place + 1 : place + 1] = [(row, column), *around, (row, column)]


def _edges(loop: Sequence[Corner]) -> list[tuple[Corner, Corner]]:
    return list(zip(loop, [*loop[1:], loop[0]], strict=True))
