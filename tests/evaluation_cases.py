"""Label maps to evaluate, and slow ways to score them that share no code with the package."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import SimpleITK as sitk
from scipy import ndimage

from lesionlocator.geometry import Geometry
from lesionlocator.io import LabelMap

SPACING = (2.5, 0.9, 0.8)
SHAPE = (14, 30, 32)


def geometry(shape: tuple[int, ...] = SHAPE, spacing: tuple[float, ...] = SPACING) -> Geometry:
    return Geometry(shape, spacing, origin_lps=(-12.0, 7.0, 100.0))


def blobs(seed: int, count: int = 5) -> np.ndarray:
    """Return a label map of overlapping balls; later ones are on top."""
    rng = np.random.default_rng(seed)
    labels = np.zeros(SHAPE, np.uint8)
    places = np.stack(np.indices(SHAPE), axis=-1) * SPACING
    for label in range(1, count + 1):
        center, radius = rng.uniform(0, np.array(SHAPE)) * SPACING, rng.uniform(2, 7)
        labels[np.linalg.norm(places - center, axis=-1) < radius] = label
    return labels


def disturbed(labels: np.ndarray, seed: int) -> np.ndarray:
    """Return a prediction of a label map: moved, with lesions lost, invented and called by other numbers."""
    rng = np.random.default_rng(seed)
    moved = np.roll(labels, rng.integers(-2, 3, 3), (0, 1, 2))
    moved[moved == rng.integers(1, 6)] = 0
    numbers = np.concatenate([[0], rng.permutation(np.arange(1, 10))]).astype(np.uint8)
    extra = blobs(seed + 1000, 2)
    return np.where((moved == 0) & (extra > 0), extra + 7, numbers[moved]).astype(np.uint8)


def label_map(labels: np.ndarray, **changes: object) -> LabelMap:
    return LabelMap(labels, geometry(labels.shape, **changes))


def write(path: Path, labels: np.ndarray, spacing: tuple[float, ...] = SPACING) -> None:
    image = sitk.GetImageFromArray(labels)
    image.SetSpacing(spacing[::-1])
    path.parent.mkdir(parents=True, exist_ok=True)
    sitk.WriteImage(image, str(path))


def untouched_ml(mask: np.ndarray, other: np.ndarray) -> float:
    """Return what autoPET calls false volume, by a loop over scipy's components."""
    found, count = ndimage.label(mask > 0, ndimage.generate_binary_structure(3, 2))
    voxels = sum(int((found == n).sum()) for n in range(1, count + 1) if not other[found == n].any())
    return voxels * float(np.prod(SPACING)) / 1000


def dice(one: np.ndarray, other: np.ndarray) -> float:
    return 2 * float((one & other).sum()) / float(one.sum() + other.sum())


def iou(one: np.ndarray, other: np.ndarray) -> float:
    return float((one & other).sum()) / float((one | other).sum())


def iou_table(truth: np.ndarray, predicted: np.ndarray) -> np.ndarray:
    sides = [[n for n in np.unique(labels) if n] for labels in (truth, predicted)]
    return np.array([[iou(truth == a, predicted == b) for b in sides[1]] for a in sides[0]])
