"""The lesions of truth and prediction, and the volume of what was missed or invented."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from functools import cached_property
from typing import TYPE_CHECKING, Literal

import numpy as np

from lesionlocator import _core
from lesionlocator.errors import InputError
from lesionlocator.prompts.components import Region, regions
from lesionlocator.tracking.matching import Comparison, compare_labels

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lesionlocator.geometry import Geometry
    from lesionlocator.io import LabelMap
    from lesionlocator.tracking.matching import Labels

_AUTOPET: Literal[18] = 18
"""Neighbours of a voxel, by which autoPET makes components."""
_PROJECT: Literal[26] = 26
"""Neighbours by which everything else here does."""


class Kind(str, Enum):
    """What the labels of a map mean."""

    AUTO = "auto"
    INSTANCE = "instance"
    SEMANTIC = "semantic"


@dataclass(frozen=True, eq=False)
class Pairing:
    """Truth and prediction on one grid.

    Parameters
    ----------
    truth, predicted
        Instances, (z, y, x), 0 is background.
    geometry
        The grid.
    """

    truth: Labels
    predicted: Labels
    geometry: Geometry

    @classmethod
    def of(cls, truth: LabelMap, predicted: LabelMap, kind: Kind) -> Pairing:
        """Check that both are on one grid, and make each connected component an instance where that is meant.

        Raises
        ------
        InputError
            Where the grids differ.
        """
        difference = predicted.geometry.difference(truth.geometry)
        if difference is not None:
            name, grid = predicted.path or "the prediction", truth.path or "the truth"
            raise InputError(f"{name}: is not on the grid of {grid}: {difference}")
        are_components = [kind is Kind.SEMANTIC] * 2
        if kind is Kind.AUTO:
            are_components = [_is_binary(truth), _is_binary(truth) and _is_binary(predicted)]
        maps = [
            _components(side.labels, _PROJECT) if splits else side.labels
            for side, splits in zip((truth, predicted), are_components, strict=True)
        ]
        return cls(maps[0], maps[1], truth.geometry)

    @cached_property
    def compared(self) -> Comparison:
        """How the instances of truth (first) and prediction (second) overlap."""
        return compare_labels(self.truth, self.predicted, self.geometry)

    @cached_property
    def truth_regions(self) -> dict[int, Region]:
        """Where each true lesion lies, by label."""
        return {region.label: region for region in regions(self.truth)}

    @cached_property
    def predicted_regions(self) -> dict[int, Region]:
        """Where each predicted lesion lies, by label."""
        return {region.label: region for region in regions(self.predicted)}

    def masks(self, truth: int, predicted: int) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
        """Return a true and a predicted lesion as masks of the smallest block that holds both."""
        one, other = self.truth_regions[truth].box, self.predicted_regions[predicted].box
        block = tuple(
            slice(min(a.start, b.start), max(a.stop, b.stop))
            for a, b in zip(one.slices, other.slices, strict=True)
        )
        return (
            (self.truth[block] == truth).astype(np.uint8),
            (self.predicted[block] == predicted).astype(np.uint8),
        )

    def volume_ml(self, voxels: int) -> float:
        """Return the volume of so many voxels."""
        return voxels * self.geometry.voxel_volume_ml

    @cached_property
    def false_positive_ml(self) -> float:
        """Volume of the predicted components that meet no truth."""
        return self.volume_ml(_untouched(self.predicted, self.truth))

    @cached_property
    def false_negative_ml(self) -> float:
        """Volume of the true components that meet no prediction."""
        return self.volume_ml(_untouched(self.truth, self.predicted))


def _is_binary(labels: LabelMap) -> bool:
    return int(labels.labels.max(initial=0)) <= 1


def _untouched(labels: Labels, other: Labels) -> int:
    """Return the voxels of the 18-connected components of one foreground that share none with the other."""
    found = _core.components_nonzero_box(labels)
    if found is None:
        return 0
    block = tuple(slice(a, b) for a, b in zip(*found, strict=True))
    components = _components(labels[block], _AUTOPET)
    (ids, voxels), _, (pairs, _) = _core.matching_overlap(components, other[block])
    return int(voxels[~np.isin(ids, pairs[:, 0])].sum())


def _components(mask: Labels, connectivity: Literal[18, 26]) -> Labels:
    count = len(_core.components_instances(mask, connectivity=connectivity)[0])
    kind = np.uint16 if count <= np.iinfo(np.uint16).max else np.uint32
    out: Labels = np.zeros(mask.shape, kind)
    _core.components_label(mask, out, connectivity=connectivity)
    return out
