"""The tissues of a synthetic body, and how bright each is in a CT."""

from __future__ import annotations

from enum import Enum, IntEnum
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


class Tissue(IntEnum):
    """What fills a voxel."""

    AIR = 0
    SKIN = 1
    FAT = 2
    MUSCLE = 3
    LUNG = 4
    HEART = 5
    BLOOD = 6
    LIVER = 7
    SPLEEN = 8
    KIDNEY = 9
    MEDULLA = 10
    BONE = 11
    MARROW = 12
    DISC = 13
    BOWEL = 14
    FLUID = 15
    GAS = 16
    BRAIN = 17
    PANCREAS = 18
    COUCH = 19


WALLS = (Tissue.BONE, Tissue.MARROW, Tissue.DISC)
"""What lesions that arise elsewhere do not grow into."""


class Phase(Enum):
    """Contrast phase of a scan."""

    NATIVE = 0
    ARTERIAL = 1
    PORTAL = 2


# HU in the three phases, spread between patients, and amplitude of the texture inside.
_TABLE: dict[Tissue, tuple[float, float, float, float, float]] = {
    Tissue.AIR: (-1000, -1000, -1000, 0, 0),
    Tissue.SKIN: (10, 20, 25, 10, 5),
    Tissue.FAT: (-100, -100, -98, 8, 9),
    Tissue.MUSCLE: (50, 58, 64, 7, 9),
    Tissue.LUNG: (-840, -835, -830, 35, 30),
    Tissue.HEART: (45, 105, 105, 10, 6),
    Tissue.BLOOD: (42, 290, 155, 18, 4),
    Tissue.LIVER: (58, 72, 108, 10, 5),
    Tissue.SPLEEN: (48, 110, 118, 10, 6),
    Tissue.KIDNEY: (34, 185, 175, 18, 6),
    Tissue.MEDULLA: (32, 75, 150, 15, 6),
    Tissue.BONE: (480, 490, 490, 110, 90),
    Tissue.MARROW: (170, 175, 180, 50, 40),
    Tissue.DISC: (75, 78, 82, 10, 6),
    Tissue.BOWEL: (38, 65, 78, 10, 14),
    Tissue.FLUID: (8, 8, 10, 8, 3),
    Tissue.GAS: (-930, -930, -930, 30, 10),
    Tissue.BRAIN: (35, 40, 42, 3, 3),
    Tissue.PANCREAS: (42, 95, 88, 10, 10),
    Tissue.COUCH: (-120, -120, -120, 60, 10),
}


def intensities(rng: np.random.Generator, phase: Phase) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return one patient's HU and texture amplitude, each indexed by tissue."""
    rows = np.array([_TABLE[tissue] for tissue in Tissue], dtype=np.float32)
    spread = rng.uniform(-1, 1, len(rows)).astype(np.float32)
    return rows[:, phase.value] + rows[:, 3] * spread, rows[:, 4].copy()
