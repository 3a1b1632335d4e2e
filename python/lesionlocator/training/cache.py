"""Preprocessed cases on disk, mapped into memory and not read as a whole."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from lesionlocator.errors import InputError, OutputError
from lesionlocator.geometry import Box
from lesionlocator.io import read_channels, read_labelmap, read_scan, write_atomically
from lesionlocator.preprocessing import ModelGrid
from lesionlocator.prompts.components import is_unnumbered, regions
from lesionlocator.synthetic.pieces import instances

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lesionlocator.geometry import Shape
    from lesionlocator.model.plans import Plans
    from lesionlocator.training.cases import TrainingCase

_FORMAT = 1


@dataclass(frozen=True)
class CachedLesion:
    """A lesion on the model grid: its label, centre (z, y, x) and the diameter of a ball of its volume."""

    label: int
    center: Shape
    diameter_mm: float


@dataclass(frozen=True, eq=False)
class CachedCase:
    """A preprocessed case.

    Parameters
    ----------
    name
        Of the case.
    image
        Normalised channels on the model grid, float16, (channel, z, y, x), mapped from disk.
    labels
        Lesions, uint16, (z, y, x), mapped from disk.
    lesions
        Those of the map.
    """

    name: str
    image: NDArray[np.float16]
    labels: NDArray[np.uint16]
    lesions: tuple[CachedLesion, ...]


def cached(
    cases: list[TrainingCase], plans: Plans, folder: Path, *, done: Callable[[str], None] = lambda _name: None
) -> list[CachedCase]:
    """Return all cases preprocessed; only what ``folder`` does not have of the same files and plans is made.

    Raises
    ------
    InputError
        Where a file cannot be used; the message names it.
    OutputError
        Where the cache cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"cannot make folder {folder}: {error.strerror}") from error
    opened = []
    for case in cases:
        index = folder / f"{case.name}.{_key(case, plans)}.json"
        if not index.is_file():
            _write(case, plans, index)
        opened.append(_open(case.name, index))
        done(case.name)
    return opened


def _key(case: TrainingCase, plans: Plans) -> str:
    """Return what changes with any of the case's files and with all of the plan that preprocessing reads."""
    files = [(str(p.resolve()), p.stat().st_size, p.stat().st_mtime_ns) for p in (*case.images, case.labels)]
    grid = replace(plans, architecture=None, patch_size=(1, 1, 1))  # type: ignore[arg-type]  # only for its text
    return hashlib.sha256(repr((_FORMAT, files, grid)).encode()).hexdigest()[:16]


def _write(case: TrainingCase, plans: Plans, index: Path) -> None:
    scan, lesions = read_channels(case.images), read_labelmap(case.labels)
    difference = scan.geometry.difference(lesions.geometry)
    if difference is not None:
        raise InputError(f"{case.labels}: is not on the grid of {case.images[0]}: {difference}")
    grid = ModelGrid(scan, plans)
    whole = Box.whole(grid.shape)
    channels = list(grid.images(whole))
    labels = grid.labels(lesions.labels).astype(np.uint16)
    if is_unnumbered(regions(labels)):
        labels = instances(labels.astype(np.uint8)).astype(np.uint16)
    volume = float(np.prod(plans.spacing))
    found = [
        {
            "label": region.label,
            "center": [round(c) for c in region.centroid],
            "diameter_mm": float((6 * region.voxels * volume / np.pi) ** (1 / 3)),
        }
        for region in regions(labels)
    ]
    for kind, array in (("image", np.stack(channels).astype(np.float16)), ("labels", labels)):
        with write_atomically(_array(index, kind)) as partial:
            np.save(partial, array)
    with write_atomically(index) as partial:  # last, so that its being there says that all is
        partial.write_text(json.dumps({"lesions": found}), encoding="utf-8")


def _open(name: str, index: Path) -> CachedCase:
    content: dict[str, Any] = json.loads(index.read_text(encoding="utf-8"))
    image, labels = (np.load(_array(index, kind), mmap_mode="r") for kind in ("image", "labels"))
    lesions = tuple(
        CachedLesion(entry["label"], _shape(entry["center"]), entry["diameter_mm"])
        for entry in content["lesions"]
    )
    return CachedCase(name, image, labels, lesions)


def _array(index: Path, kind: str) -> Path:
    return index.with_name(f"{index.name.removesuffix('.json')}.{kind}.npy")


def _shape(values: list[int]) -> Shape:
    z, y, x = values
    return z, y, x


def foreground_intensity(cases: list[TrainingCase]) -> dict[str, float]:
    """Return percentiles, mean and deviation of the first channel in all lesions, as plans hold them.

    Raises
    ------
    InputError
        Where no case has a lesion voxel.
    """
    found = []
    rng = np.random.default_rng(0)
    for case in cases:
        values = read_scan(case.images[0]).voxels[read_labelmap(case.labels).labels > 0].astype(np.float32)
        found.append(values if len(values) <= 10000 else rng.choice(values, 10000, replace=False))
    values = np.concatenate(found)
    if not len(values):
        raise InputError(
            f"{cases[0].labels.parent}: no label map has a lesion; there is nothing to learn from"
        )
    lower, upper = (float(np.percentile(values, p)) for p in (0.5, 99.5))
    return {
        "mean": float(values.mean()),
        "std": float(max(values.std(), 1.0)),
        "percentile_00_5": lower,
        "percentile_99_5": max(upper, lower + 1.0),
    }
