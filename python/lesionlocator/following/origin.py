"""The lesions of a baseline, as masks: from label maps, or by segmenting what prompts point at."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from lesionlocator.errors import InputError
from lesionlocator.following.appearance import Appearance
from lesionlocator.geometry import Box, Shape
from lesionlocator.io import LabelMap, Scan, read_labelmap
from lesionlocator.io.dicom import is_dicom
from lesionlocator.io.files import IMAGE_ENDINGS
from lesionlocator.prompts.dicom_segments import read_segment_voxels
from lesionlocator.prompts.kinds import LARGEST_ID
from lesionlocator.prompts.masks import GridMask
from lesionlocator.results.findings import labelled_in
from lesionlocator.results.labelmap import merged
from lesionlocator.results.lesion import LesionMask
from lesionlocator.results.segmentation import Segmentation

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
    is_one_map
        Whether they were given in one label map; each was given or found by itself otherwise.
    path
        Of that map, where it has one.
    earlier
        How lesions looked in scans before this one, by lesion id: in the baseline, and, of one that this scan
        does not show, in the last one that did.
    missed
        The lesions that this scan does not show.
    """

    scan: Scan
    masks: Mapping[int, LesionMask]
    is_one_map: bool = False
    path: Path | None = None
    earlier: Mapping[int, tuple[Appearance, ...]] = field(default_factory=dict)
    missed: frozenset[int] = frozenset()

    def prompts(self) -> LabelMap | FullMasks:
        """Return the lesions as they were given; made anew each time, as it takes as much as a scan."""
        if not self.is_one_map:
            return FullMasks(self.masks)
        labels, _ = merged(self.masks.items(), self.scan.geometry.shape)
        return LabelMap(labels, self.scan.geometry, self.path)

    def appearances(self, lesion_id: int) -> tuple[Appearance, ...]:
        """Return how a lesion looked in the baseline and in the last scan that showed it."""
        earlier = self.earlier.get(lesion_id, ())
        if lesion_id in self.missed:
            return earlier
        return *earlier, Appearance.of(self.scan, self.masks[lesion_id])


def read_origin(paths: Sequence[Path], scan: Scan) -> Origin:
    """Read one label map, one DICOM segmentation, or one mask for each lesion.

    A label map whose only label is 1 holds a lesion for each 26-connected component, numbered by its first
    voxel. Several masks take their ids from ``_lesion_<id>`` in their names where all have one, else from
    their order.

    Raises
    ------
    InputError
        Where a file is no label map on the scan's grid, is empty, or holds several lesions where it should
        hold one, or an id occurs twice.
    """
    if len(paths) == 1 and is_dicom(paths[0]):
        found = read_segment_voxels(paths[0], scan.geometry)
        return Origin(scan, {_legal(i): _of_voxels(voxels, scan) for i, voxels in found.items()})
    for path in paths:
        if not path.name.lower().endswith(IMAGE_ENDINGS):
            raise InputError(
                f"{path}: is no mask; legal with -t prev_mask: label maps ({', '.join(IMAGE_ENDINGS)}), or a "
                "single DICOM segmentation. Boxes and points need -t box or -t point"
            )
    if len(paths) == 1:
        return origin_of(read_labelmap(paths[0]), scan)
    ids = _ids(paths)
    return Origin(scan, {i: _single(read_labelmap(path), scan) for i, path in zip(ids, paths, strict=True)})


def origin_of(prompts: object, scan: Scan) -> Origin:
    """Return lesions that are given as a label map, by what segmenting the scan gave, or by arrays.

    Parameters
    ----------
    prompts
        A :class:`LabelMap` on the scan's grid, a :class:`Segmentation` of it, or arrays of its shape by id,
        of which every nonzero voxel counts.
    scan
        The scan.

    Raises
    ------
    InputError
        Where they hold no lesion, lie on another grid, or are something else.
    """
    if isinstance(prompts, LabelMap):
        return _of_labelmap(prompts, scan)
    if isinstance(prompts, Segmentation):
        masks: dict[int, LesionMask] = prompts.masks
    elif isinstance(prompts, Mapping):
        masks = {_legal(i): _of_array(i, array, scan) for i, array in prompts.items()}
    else:
        raise InputError(
            f"prompts are a {type(prompts).__name__}; legal: a label map, a segmentation, or arrays by id"
        )
    if not masks:
        raise InputError("there is no lesion to track: no mask is given")
    return Origin(scan, masks)


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
    return Origin(scan, masks, is_one_map=list(masks) != [1], path=labelmap.path)


def _legal(lesion_id: Any) -> int:
    if isinstance(lesion_id, bool) or not isinstance(lesion_id, int) or not 1 <= lesion_id <= LARGEST_ID:
        raise InputError(f"lesion id is {lesion_id!r}, legal: 1 to {LARGEST_ID}")
    return lesion_id


def _of_array(lesion_id: int, array: Any, scan: Scan) -> LesionMask:
    mask = np.asarray(array)
    if mask.shape != scan.geometry.shape:
        raise InputError(
            f"lesion {lesion_id}: its mask has shape {mask.shape}, {scan.path or scan.name} has "
            f"{scan.geometry.shape} (z, y, x)"
        )
    found = lesion_mask(mask)
    if found is None:
        raise InputError(f"lesion {lesion_id}: its mask is empty")
    return found


def _of_voxels(voxels: NDArray[np.intp], scan: Scan) -> LesionMask:
    first, last = voxels.min(axis=0), voxels.max(axis=0)
    box = Box(_triple(first), _triple(last + 1))
    region = np.zeros(box.shape, np.uint8)
    region[tuple((voxels - first).T)] = 1
    return LesionMask(scan.geometry.shape, box, region, np.zeros(box.shape, np.float32))


def _triple(values: NDArray[np.intp]) -> Shape:
    z, y, x = values.tolist()
    return z, y, x


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
        if not 1 <= lesion_id <= LARGEST_ID:
            raise InputError(f"{path}: lesion id {lesion_id} is not legal: ids go from 1 to {LARGEST_ID}")
        if ids.count(lesion_id) > 1:
            raise InputError(f"{path}: lesion id {lesion_id} occurs more than once in the names of the masks")
    return ids
