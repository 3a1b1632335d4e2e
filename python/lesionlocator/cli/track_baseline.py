"""The lesions of a baseline, as masks: from label maps, or by segmenting what prompts point at."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from lesionlocator.errors import InputError
from lesionlocator.io import LabelMap, Scan, read_labelmap
from lesionlocator.io.files import IMAGE_ENDINGS
from lesionlocator.results.findings import labelled_in
from lesionlocator.results.labelmap import merged
from lesionlocator.results.lesion import LesionMask
from lesionlocator.tracking.masks import GridMask

if TYPE_CHECKING:
    from numpy.typing import NDArray

_ID_IN_NAME = re.compile(r"_lesion_(\d{1,5})\.")


class FullMasks(Mapping[int, "NDArray[np.uint8]"]):
    """Masks by lesion id as arrays of the scan's shape, each made when it is asked for."""

    def __init__(self, masks: Mapping[int, LesionMask]) -> None:
        self._masks = masks

    def __getitem__(self, lesion_id: int) -> NDArray[np.uint8]:
        return self._masks[lesion_id].full()

    def __iter__(self) -> Iterator[int]:
        return iter(self._masks)

    def __len__(self) -> int:
        return len(self._masks)


@dataclass(frozen=True, eq=False)
class Origin:
    """Lesions where they are known to be.

    Parameters
    ----------
    scan
        The scan.
    masks
        In its voxels, by lesion id.
    labels
        The same lesions as the label map they were given in; None where each was given or found by itself.
    """

    scan: Scan
    masks: Mapping[int, LesionMask]
    labels: LabelMap | None = None


def read_origin(paths: Sequence[Path], scan: Scan) -> Origin:
    """Read one label map, or one mask for each lesion.

    A label map whose only label is 1 holds a lesion for each 26-connected component, numbered by its first
    voxel. Several masks take their ids from ``_lesion_<id>`` in their names where all have one, else from
    their order.

    Raises
    ------
    InputError
        Where a file is no label map on the scan's grid, is empty, or holds several lesions where it should
        hold one, or an id occurs twice.
    """
    for path in paths:
        if not path.name.lower().endswith(IMAGE_ENDINGS):
            raise InputError(
                f"{path}: is no mask; legal with -t prev_mask: label maps ({', '.join(IMAGE_ENDINGS)}). "
                "Boxes and points need -t box or -t point"
            )
    if len(paths) == 1:
        return _of_labelmap(read_labelmap(paths[0]), scan)
    ids = _ids(paths)
    return Origin(scan, {i: _single(read_labelmap(path), scan) for i, path in zip(ids, paths, strict=True)})


def lesion_mask(labels: NDArray[Any]) -> LesionMask | None:
    """Return the nonzero voxels of an array of a scan's shape as a mask; None where there are none."""
    found = GridMask.of((labels != 0).view(np.uint8), (0, 0, 0))
    if found is None:
        return None
    z, y, x = labels.shape
    return LesionMask((z, y, x), found.box, found.region, np.zeros(found.box.shape, np.float32))


def _of_labelmap(labelmap: LabelMap, scan: Scan) -> Origin:
    masks = {label: found.mask for label, found in labelled_in(labelmap, scan).items()}
    if not masks:
        raise InputError(f"{labelmap.path}: holds no lesion, all labels are 0")
    if list(masks) == [1]:
        return Origin(scan, masks)
    labels, _ = merged(masks.items(), scan.geometry.shape)
    return Origin(scan, masks, LabelMap(labels, scan.geometry, labelmap.path))


def _single(labelmap: LabelMap, scan: Scan) -> LesionMask:
    difference = labelmap.geometry.difference(scan.geometry)
    if difference is not None:
        raise InputError(f"{labelmap.path}: is not on the grid of {scan.path or scan.name}: {difference}")
    found = lesion_mask(labelmap.labels)
    if found is None:
        raise InputError(f"{labelmap.path}: holds no lesion, all voxels are 0")
    labels = np.unique(labelmap.labels[found.box.slices])
    several = [int(label) for label in labels if label]
    if len(several) > 1:
        raise InputError(
            f"{labelmap.path}: holds the labels {several}; of several masks, each holds one lesion"
        )
    return found


def _ids(paths: Sequence[Path]) -> list[int]:
    named = [_ID_IN_NAME.search(path.name) for path in paths]
    if not all(named):
        return list(range(1, len(paths) + 1))
    ids = [int(found[1]) for found in named if found]
    for lesion_id, path in zip(ids, paths, strict=True):
        if not 1 <= lesion_id <= 65535:
            raise InputError(f"{path}: lesion id {lesion_id} is not legal: ids go from 1 to 65535")
        if ids.count(lesion_id) > 1:
            raise InputError(f"{path}: lesion id {lesion_id} occurs more than once in the names of the masks")
    return ids
