"""The inner organs of a synthetic body, with their vessels and airways."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from lesionlocator.synthetic.tissue import Tissue

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from lesionlocator.geometry import Triple
    from lesionlocator.synthetic.canvas import Canvas
    from lesionlocator.synthetic.trunk import Build

_INSIDE = (Tissue.FAT, Tissue.LUNG)
_CROSSED_BY_VESSELS = (
    *_INSIDE, Tissue.MUSCLE, Tissue.BOWEL, Tissue.LIVER, Tissue.PANCREAS, Tissue.HEART,
)  # fmt: skip


def paint_organs(canvas: Canvas, build: Build, rng: np.random.Generator) -> None:
    """Paint the organs of chest, abdomen and pelvis."""
    _paint_chest(canvas, build, rng)
    _paint_upper_abdomen(canvas, build, rng)
    _paint_bowel(canvas, build, rng)
    _paint_great_vessels(canvas, build, rng)


def _vary(rng: np.random.Generator, values: ArrayLike, fraction: float) -> NDArray[np.float64]:
    """Return values each multiplied by a factor up to ``fraction`` away from 1."""
    array = np.asarray(values, dtype=float)
    return array * rng.uniform(1 - fraction, 1 + fraction, array.shape)


def _jitter(rng: np.random.Generator, center: ArrayLike, mm: float) -> NDArray[np.float64]:
    """Return a position moved by up to ``mm`` along each axis."""
    return np.asarray(center, dtype=float) + rng.uniform(-mm, mm, 3)


def _branches(
    canvas: Canvas,
    rng: np.random.Generator,
    *,
    root: ArrayLike,
    spread: ArrayLike,
    tissue: Tissue,
    only: Tissue,
    count: int,
    radius: float,
) -> None:
    """Paint ``count`` tapering vessels that wander from ``root`` to about ``spread`` away."""
    for _ in range(count):
        direction = rng.normal(size=3)
        end = np.asarray(root) + direction / np.linalg.norm(direction) * np.asarray(spread)
        path = np.linspace(np.asarray(root, dtype=float), end, 7)
        path[1:] += np.cumsum(rng.normal(0, 3.5, (6, 3)), axis=0)
        width = radius * rng.uniform(0.6, 1.2)
        canvas.tube(path, width, tissue, end_radius=0.35 * width, only=[only])
        twig = path[3] + np.linspace(0, 1, 4)[:, None] * (rng.normal(0, 0.4, 3) * np.asarray(spread))
        canvas.tube(twig, 0.55 * width, tissue, end_radius=0.3 * width, only=[only])


def _paint_chest(canvas: Canvas, build: Build, rng: np.random.Generator) -> None:
    s = build.size
    for side in (-1, 1):
        center = np.array([95 * s, 2, side * 78 * s])
        canvas.ellipsoid(center, _vary(rng, (140 * s, 92 * s, 66 * s), 0.06), Tissue.LUNG, only=[Tissue.FAT])
        hilum = np.add(center, (0, 10, -side * 48))
        _branches(
            canvas,
            rng,
            root=hilum,
            spread=(115, 75, 75),
            tissue=Tissue.BLOOD,
            only=Tissue.LUNG,
            count=26,
            radius=4.2,
        )
        _branches(
            canvas,
            rng,
            root=hilum,
            spread=(60, 45, 45),
            tissue=Tissue.GAS,
            only=Tissue.LUNG,
            count=6,
            radius=3,
        )
    canvas.ellipsoid((105 * s, 5, 0), (120, 75, 27), Tissue.FAT, only=[Tissue.LUNG])
    heart = _jitter(rng, (45 * s, -28, 22), 8)
    size = _vary(rng, (52, 46, 56), 0.1)
    canvas.ellipsoid(heart, size * 1.06, Tissue.FAT, only=_INSIDE)
    canvas.ellipsoid(heart, size, Tissue.HEART, only=_INSIDE, tilt_degrees=-25)
    chambers = (((5, -8, 20), (30, 20, 19)), ((8, -14, -20), (32, 20, 17)), ((26, 18, 0), (16, 16, 26)))
    for offset, radii in chambers:
        canvas.ellipsoid(np.add(heart, offset), _vary(rng, radii, 0.1), Tissue.BLOOD, only=[Tissue.HEART])
    for node in rng.uniform((60, -20, -30), (180, 35, 30), (8, 3)):
        canvas.ellipsoid(node, _vary(rng, (4, 3, 4), 0.4), Tissue.MUSCLE, only=[Tissue.FAT])


def _paint_upper_abdomen(canvas: Canvas, build: Build, rng: np.random.Generator) -> None:
    s, back = build.size, build.spine_y
    liver = _jitter(rng, (-48 * s, 0, -68 * s), 8)
    canvas.ellipsoid(liver, _vary(rng, (78 * s, 78 * s, 82 * s), 0.1), Tissue.LIVER, only=_INSIDE)
    canvas.ellipsoid(np.add(liver, (12, -38, 66)), _vary(rng, (40, 32, 62), 0.15), Tissue.LIVER, only=_INSIDE)
    hilum = np.add(liver, (5, 5, 25))
    _branches(
        canvas,
        rng,
        root=hilum,
        spread=(58, 55, 75),
        tissue=Tissue.BLOOD,
        only=Tissue.LIVER,
        count=9,
        radius=5,
    )
    if rng.random() < 0.8:
        canvas.ellipsoid(np.add(liver, (-52, -35, 28)), _vary(rng, (26, 14, 14), 0.25), Tissue.FLUID)
    spleen = _jitter(rng, (-42 * s, 38, 100 * s), 8)
    canvas.ellipsoid(spleen, _vary(rng, (52, 36, 26), 0.2), Tissue.SPLEEN, only=_INSIDE, tilt_degrees=12)
    stomach = _jitter(rng, (-60 * s, -30, 55 * s), 10)
    canvas.ellipsoid(stomach, (52, 36, 40), Tissue.BOWEL, only=_INSIDE, tilt_degrees=-30)
    canvas.ellipsoid(stomach, (46, 31, 35), Tissue.FLUID, only=[Tissue.BOWEL], tilt_degrees=-30)
    canvas.ellipsoid(
        np.add(stomach, (0, -20, 0)), _vary(rng, (34, 18, 26), 0.2), Tissue.GAS, only=[Tissue.FLUID]
    )
    pancreas = _jitter(rng, (-105 * s, back - 52, -20), 6)
    bend = pancreas + np.array([(-12, -2, -12), (0, -8, 14), (12, 0, 40), (22, 16, 72)])
    canvas.tube(bend, 13, Tissue.PANCREAS, end_radius=9, only=[Tissue.FAT])
    for side in (-1, 1):
        kidney = _jitter(rng, (-120 * s + 8 * side, back - 14, side * 66 * s), 7)
        radii = _vary(rng, (55, 27, 27), 0.12)
        canvas.ellipsoid(kidney, radii, Tissue.KIDNEY, only=[Tissue.FAT], tilt_degrees=-side * 12)
        canvas.ellipsoid(kidney, radii * 0.68, Tissue.MEDULLA, only=[Tissue.KIDNEY], tilt_degrees=-side * 12)
        canvas.ellipsoid(
            np.add(kidney, (0, -4, -side * 12)),
            (22, 10, 12),
            Tissue.FAT,
            only=[Tissue.MEDULLA, Tissue.KIDNEY],
        )
        psoas = [(-150 * s, back, side * 34), (-350 * s, back - 50, side * 74)]
        canvas.tube(psoas, 17, Tissue.MUSCLE, only=[Tissue.FAT])


def _paint_bowel(canvas: Canvas, build: Build, rng: np.random.Generator) -> None:
    s = build.size
    reach = np.array([95 * s, 52 * s, 95 * s])
    home = np.array([-225 * s, -22, 0])
    for _ in range(int(rng.integers(14, 26))):
        path = home + rng.uniform(-1, 1, 3) * reach + np.cumsum(rng.normal(0, 15, (9, 3)), axis=0)
        path = np.clip(path, home - reach, home + reach)
        radius = float(rng.uniform(9, 17))
        content = Tissue(int(rng.choice([Tissue.FLUID, Tissue.BOWEL, Tissue.GAS], p=[0.35, 0.4, 0.25])))
        canvas.tube(path, radius, Tissue.BOWEL, only=[Tissue.FAT])
        canvas.tube(path[1:-1], radius - 3.5, content, only=[Tissue.BOWEL])
        bubble = path[int(rng.integers(1, 8))]
        canvas.ellipsoid(bubble, _vary(rng, (9, 5, 9), 0.3), Tissue.GAS, only=[Tissue.BOWEL, Tissue.FLUID])
    for side in (-1, 1):
        turns = np.array([(-130, 10 / s, side * 112), (-230, 5 / s, side * 116), (-290, -10 / s, side * 95)])
        colon = s * turns
        canvas.tube(colon, 21, Tissue.BOWEL, only=[Tissue.FAT])
        canvas.tube(colon, 16, Tissue.GAS if rng.random() < 0.6 else Tissue.BOWEL, only=[Tissue.BOWEL])
    bladder = _jitter(rng, (-355 * s, -35, 0), 6)
    size = _vary(rng, (34, 34, 42), 0.25)
    canvas.ellipsoid(bladder, size + 4, Tissue.MUSCLE, only=[Tissue.FAT, Tissue.BOWEL])
    canvas.ellipsoid(bladder, size, Tissue.FLUID)
    canvas.ellipsoid(np.add(bladder, (8, 52, 0)), (40, 15, 17), Tissue.BOWEL, only=[Tissue.FAT])


def _paint_great_vessels(canvas: Canvas, build: Build, rng: np.random.Generator) -> None:
    s, back = build.size, build.spine_y
    front = back - 36
    wide = float(rng.uniform(9, 14))
    arch: list[Triple] = [
        (70 * s, -12, 0), (150 * s, -14, -12), (172 * s, 6, 4), (160 * s, back - 24, 22),
        (60 * s, front + 6, 20),
    ]  # fmt: skip
    fork: list[Triple] = [(-60 * s, front, 12), (-215 * s, front, 6)]
    vessels: list[tuple[list[Triple], float]] = [(arch + fork, wide)]
    vessels.append(([(20 * s, front - 16, -22), (-60 * s, front - 4, -20), (-220 * s, front, -18)], wide + 1))
    vessels.append(([(75 * s, -5, -30), (200 * s, -12, -30)], 9))
    vessels.append(([(110 * s, -5, -32), (118 * s, -18, 0), (110 * s, 5, 34)], 11))
    for side in (-1, 1):
        iliac: list[Triple] = [
            (-215 * s, front, side * 8), (-300 * s, front - 8, side * 50), (-390 * s, -38, side * 78),
            (-720, -30, side * 80),
        ]  # fmt: skip
        vessels += [(iliac, 6.5), ([(z, y + 10, x + 6) for z, y, x in iliac], 7)]
        vessels.append(([(-118 * s, front, 0), (-122 * s, back - 18, side * 50)], 4))
        vessels.append(([(175 * s, 0, side * 12), (380 * s, 8, side * 32)], 4.5))
    for path, radius in vessels:
        canvas.tube(path, radius, Tissue.BLOOD, only=_CROSSED_BY_VESSELS)
    trachea = [(340 * s, -8, 0), (200 * s, 5, 0), (128 * s, 14, 0)]
    canvas.tube(trachea, 11, Tissue.MUSCLE)
    canvas.tube(trachea, 9, Tissue.GAS)
    for side in (-1, 1):
        canvas.tube([(128 * s, 14, 0), (100 * s, 14, side * 38)], 6.5, Tissue.GAS)
    canvas.tube(
        [(330 * s, 14, 3), (120 * s, 28, 4), (-40 * s, front - 14, 18)], 8, Tissue.BOWEL, only=_INSIDE
    )
