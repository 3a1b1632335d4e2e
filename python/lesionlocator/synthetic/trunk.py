"""The frame of a synthetic body: outline, fat, muscle, skeleton, head and thighs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from lesionlocator.synthetic.tissue import Tissue

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lesionlocator.synthetic.canvas import Canvas

# z, half width and half depth of the trunk in mm, for a body of size 1.
_OUTLINE = np.array(
    [
        (-430, 120, 90), (-390, 165, 105), (-300, 172, 112), (-160, 150, 105), (0, 155, 112),
        (140, 165, 115), (215, 195, 95), (255, 120, 75), (280, 62, 60), (370, 58, 66),
    ]
)  # fmt: skip
_THORAX = (-70.0, 235.0)


@dataclass(frozen=True)
class Build:
    """How one patient is built: overall size and layer thicknesses in mm."""

    size: float
    fat: float
    muscle: float
    squareness: float

    @classmethod
    def random(cls, rng: np.random.Generator) -> Build:
        """Draw a patient from slim and small to large."""
        fat = float(rng.uniform(5, 32))
        return cls(
            size=float(rng.uniform(0.88, 1.12)) + fat / 300,
            fat=fat,
            muscle=float(rng.uniform(13, 22)),
            squareness=float(rng.uniform(2.1, 2.8)),
        )

    def half_depth(self, z: float) -> float:
        """Half the depth of the trunk at height ``z``."""
        return float(np.interp(z / self.size, _OUTLINE[:, 0], _OUTLINE[:, 2])) * self.size

    @property
    def spine_y(self) -> float:
        """Where the vertebral bodies have their centre."""
        return self.half_depth(-160) - self.fat - self.muscle - 24


def paint_trunk(canvas: Canvas, build: Build, rng: np.random.Generator) -> None:
    """Paint everything that is not an inner organ."""
    _paint_walls(canvas, build)
    _paint_spine(canvas, build, rng)
    _paint_pelvis(canvas, build)
    _paint_head(canvas, build)
    if rng.random() < 0.8:
        _paint_couch(canvas, build)


def _paint_walls(canvas: Canvas, build: Build) -> None:
    z, y, x = canvas.position
    heights = canvas.axes[0] / build.size
    width, depth = (
        (np.interp(heights, _OUTLINE[:, 0], column) * build.size).astype(np.float32)[:, None, None]
        for column in (_OUTLINE[:, 1], _OUTLINE[:, 2])
    )
    legs = (heights < -400)[:, None, None]
    separate = np.where(legs, np.float32(88 * build.size), np.float32(0))
    px = np.abs(np.abs(x) - separate) if np.any(legs) else np.abs(x)
    width, depth = (
        np.where(legs, np.float32(84 * build.size), width),
        np.where(legs, np.float32(86 * build.size), depth),
    )
    e = np.float32(build.squareness)
    rho = ((px / width) ** e + (np.abs(y) / depth) ** e) ** (1 / e)
    inward = np.hypot(px, y) * (1 / np.maximum(rho, np.float32(1e-3)) - 1)  # mm from the skin, along the ray
    inward[(heights > 380 / build.size) | (heights < -700)] = -1
    tissue = canvas.tissue
    wall = build.fat + build.muscle
    tissue[inward > 0] = Tissue.SKIN
    tissue[inward > 2] = Tissue.FAT
    tissue[inward > build.fat] = Tissue.MUSCLE
    trunk = (heights > -380) & (heights < 240)
    tissue[(inward > wall) & trunk[:, None, None]] = Tissue.FAT
    _paint_ribs(canvas, build, inward, (z, y))


def _paint_ribs(
    canvas: Canvas, build: Build, inward: NDArray[np.float32], position: tuple[NDArray[np.float32], ...]
) -> None:
    z, y = position
    low, high = np.searchsorted(canvas.axes[0], np.asarray(_THORAX) * build.size)
    if low >= high:
        return
    z, y, inward = z[low:high], y[low:high], inward[low:high]
    level = (z - np.float32(0.45) * y) % np.float32(27 * build.size)
    middle = build.fat + 0.62 * build.muscle
    off = ((level - 6) / 6) ** 2 + ((inward - middle) / np.float32(4.2)) ** 2
    view = canvas.tissue[low:high]
    view[off < 1] = Tissue.BONE
    view[off < 0.3] = Tissue.MARROW


def _paint_spine(canvas: Canvas, build: Build, rng: np.random.Generator) -> None:
    y, pitch = build.spine_y, 29 * build.size
    for z in np.arange(-330 * build.size, 350 * build.size, pitch):
        wide = float(np.interp(z, (-300, 300), (25, 13))) * build.size
        height = 0.39 * pitch
        sway = y + 8 * np.sin(z / 110.0) - (0.25 * max(z - 200, 0))
        canvas.ellipsoid((z, sway, 0), (pitch * 0.62, wide * 0.75, wide * 0.95), Tissue.DISC)
        for scale, tissue in ((1.0, Tissue.BONE), (0.86, Tissue.MARROW)):
            r = scale * wide
            canvas.tube([(z - height + 2, sway, 0), (z + height - 2, sway, 0)], r * 0.86, tissue)
        back = sway + wide * 0.9
        for side in (-1, 1):
            canvas.tube([(z, back, side * 10), (z, back + 16, side * 11)], 4, Tissue.BONE)
            canvas.tube(
                [(z, back + 12, side * 8), (z + rng.uniform(-4, 4), back + 14, side * 34)], 4, Tissue.BONE
            )
        canvas.tube([(z, back + 16, 0), (z - 14, back + 34, 0)], 4, Tissue.BONE)
        canvas.tube([(z - pitch / 2, back + 7, 0), (z + pitch / 2, back + 7, 0)], 7, Tissue.BRAIN)
    front = -(build.half_depth(120) - build.fat - 0.5 * build.muscle)
    canvas.tube([(40, front, 0), (190, front + 8, 0)], 7, Tissue.BONE)
    canvas.tube([(42, front, 0), (188, front + 8, 0)], 5, Tissue.MARROW)
    for side in (-1, 1):
        canvas.ellipsoid((150, y + 10, side * 112), (62, 5, 40), Tissue.BONE, tilt_degrees=side * 15)
        canvas.tube([(205, front + 22, side * 20), (222, 0, side * 150)], 6, Tissue.BONE)


def _paint_pelvis(canvas: Canvas, build: Build) -> None:
    s, back = build.size, build.spine_y
    canvas.ellipsoid((-320 * s, back + 12, 0), (52, 20, 44), Tissue.BONE)
    canvas.ellipsoid((-320 * s, back + 12, 0), (48, 16, 40), Tissue.MARROW)
    for side in (-1, 1):
        canvas.ellipsoid((-270 * s, back - 22, side * 88), (60, 48, 11), Tissue.BONE, tilt_degrees=side * 28)
        canvas.ellipsoid((-270 * s, back - 22, side * 88), (56, 44, 7), Tissue.MARROW, tilt_degrees=side * 28)
        canvas.ellipsoid((-352 * s, back - 45, side * 82), (30, 34, 24), Tissue.BONE)
        canvas.ellipsoid((-352 * s, back - 45, side * 82), (26, 30, 20), Tissue.MARROW)
        leg = [
            (-352 * s, back - 45, side * 90),
            (-385 * s, back - 40, side * 112),
            (-720, back - 45, side * 88),
        ]
        canvas.tube(leg, 16, Tissue.BONE)
        canvas.tube(leg, 11, Tissue.MARROW)
        for lateral in (45, 75):
            canvas.ellipsoid(
                (-345 * s, back + 22, side * lateral), (55, 20, 28), Tissue.MUSCLE, only=[Tissue.FAT]
            )


def _paint_head(canvas: Canvas, build: Build) -> None:
    center = np.array([440 * build.size, 0, 0])
    shells = ((1.0, Tissue.MUSCLE), (0.93, Tissue.BONE), (0.84, Tissue.FLUID), (0.81, Tissue.BRAIN))
    for scale, tissue in shells:
        canvas.ellipsoid(center, scale * np.array([108, 92, 76]), tissue)
    canvas.ellipsoid(center, (14, 30, 12), Tissue.FLUID, only=[Tissue.BRAIN])
    shell_tissues = (Tissue.BRAIN, Tissue.FLUID, Tissue.BONE)
    canvas.ellipsoid(np.add(center, (-75, -45, 0)), (28, 30, 16), Tissue.GAS, only=shell_tissues)


def _paint_couch(canvas: Canvas, build: Build) -> None:
    top = build.half_depth(-300) + 12
    _, y, x = canvas.axes
    bent = y[:, None] + (x[None, :] / 60) ** 2
    slab = (bent > top) & (bent < top + 9) & (np.abs(x) < 210)[None, :]
    canvas.tissue[(canvas.tissue == Tissue.AIR) & slab[None]] = Tissue.COUCH
