"""The grid that the network sees, over a scan that stays as it was read."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from lesionlocator import _core
from lesionlocator.errors import InputError
from lesionlocator.geometry import Box, Orientation, Shape
from lesionlocator.model.plans import Normalization, Plans
from lesionlocator.preprocessing.intensity import applied, intensity_map, normalized_in_mask, standardizing
from lesionlocator.preprocessing.resample import (
    GridChange,
    IntensityMap,
    cubic_block,
    label_block,
    label_volume,
    linear_block,
    value_range,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lesionlocator.io import Scan


class ModelGrid:
    """The resampled, normalized image that the network sees, of which any block can be computed on demand.

    Parameters
    ----------
    scan
        The scan as stored.
    plans
        The model's plan.
    canonical
        Whether the network sees the axes in superior, posterior, left order, or as stored; None for what the
        plan says.
    crop
        The box around everything that is not zero, where it is known.

    Attributes
    ----------
    scan, plans
        As given.
    orientation
        What takes the scan as stored to the axis order that the network expects.
    crop
        The box around everything that is not zero, in voxels of the oriented scan.
    shape
        Voxels of the grid, z, y, x.
    to_grid, to_scan
        The change of grid from the crop to the model grid for images, and back for logits.

    Raises
    ------
    InputError
        Where all voxels are zero, or the scan has fewer channels than the network sees.
    """

    def __init__(
        self, scan: Scan, plans: Plans, *, canonical: bool | None = None, crop: Box | None = None
    ) -> None:
        if 1 + len(scan.further) < plans.channels:
            raise InputError(
                f"{scan.path or scan.name}: the model takes {plans.channels} channels, "
                f"the scan has {1 + len(scan.further)}"
            )
        self.scan = scan
        self.plans = plans
        self._canonical = Orientation.canonical(scan.geometry)
        self._reorients = plans.canonical_orientation if canonical is None else canonical
        self.orientation = self._canonical if self._reorients else Orientation()
        voxels = self.orientation.view(scan.voxels)
        self.crop = crop or _nonzero_box(voxels, scan)
        source, target = self.orientation.geometry(scan.geometry).spacing, plans.spacing
        z, y, x = (
            max(1, round(old / new * size))
            for old, new, size in zip(source, target, self.crop.shape, strict=True)
        )
        self.shape: Shape = (z, y, x)
        self.to_grid = GridChange(
            self.crop.shape, self.shape, plans.image_resampling.separate_axis(source, target)
        )
        self.to_scan = GridChange(
            self.shape, self.crop.shape, plans.logits_resampling.separate_axis(target, source)
        )
        self._label_change = GridChange(
            self.crop.shape, self.shape, plans.label_resampling.separate_axis(source, target)
        )
        further = (self.orientation.view(other.voxels) for other in scan.further[: plans.channels - 1])
        self._channels = [
            self._first_channel(voxels[self.crop.slices]),
            *(_Channel(volume, standardizing(volume)) for volume in (f[self.crop.slices] for f in further)),
        ]

    @cached_property
    def fine(self) -> ModelGrid | None:
        """The finer grid of the plan over the same scan; None where the plan has none."""
        plans = self.plans.fine
        if plans is None:
            return None
        return ModelGrid(self.scan, plans, canonical=self._reorients, crop=self.crop)

    @property
    def is_axial(self) -> bool:
        """Whether the network's slices are axial, its rows coronal and its columns sagittal, up to flips."""
        return self._canonical.axes == self.orientation.axes

    def image(self, block: Box) -> NDArray[np.float32]:
        """Return a block of the grid's image; parts outside the grid are 0.

        Parameters
        ----------
        block
            Voxels of the grid; may reach outside.

        Returns
        -------
        ndarray
            float32 of the block's shape, in units of the normalization.
        """
        return self._padded(self._channels[0], block)

    def images(self, block: Box) -> Iterator[NDArray[np.float32]]:
        """Yield a block of each channel that the network sees, as :meth:`image` returns it of the first."""
        for channel in self._channels:
            yield self._padded(channel, block)

    def labels(
        self, labels: NDArray[np.uint8] | NDArray[np.uint16]
    ) -> NDArray[np.uint8] | NDArray[np.uint16]:
        """Return a label map of the scan's shape on the whole model grid."""
        cropped = self.orientation.view(labels)[self.crop.slices]
        return label_volume(cropped, self._label_change, self.plans.label_resampling.family)

    def label_block(self, labels: NDArray[np.uint8], box: Box) -> tuple[NDArray[np.uint8], Box] | None:
        """Return labels that fill a block of the scan as stored, on the block of the grid that they touch.

        None where the block lies outside the region that holds an image.
        """
        whole = self.orientation.box(box, self.scan.geometry.shape)
        inside = whole.intersection(self.crop)
        if inside is None:
            return None
        z, y, x = (-n for n in whole.start)
        known = self.orientation.view(labels)[inside.shifted((z, y, x)).slices]
        z, y, x = (-n for n in self.crop.start)
        return label_block(
            known, inside.shifted((z, y, x)), self._label_change, self.plans.label_resampling.family
        )

    def _first_channel(self, volume: NDArray[Any]) -> _Channel:
        intensity = None
        if self.plans.normalization is Normalization.Z_SCORE and self.plans.normalize_in_mask:
            volume = normalized_in_mask(volume)
        else:
            intensity = intensity_map(volume, self.plans)
        limits = None
        if self.plans.image_resampling.cubic:
            limits = applied(value_range(volume, self.to_grid.separate_axis), intensity)
        return _Channel(volume, intensity, limits)

    def _padded(self, channel: _Channel, block: Box) -> NDArray[np.float32]:
        inside = block.clipped(self.shape)
        if inside == block:
            return channel.block(self.to_grid, block)
        out = np.zeros(block.shape, np.float32)
        if inside is not None:
            z, y, x = (-n for n in block.start)
            out[inside.shifted((z, y, x)).slices] = channel.block(self.to_grid, inside)
        return out


def _nonzero_box(voxels: NDArray[Any], scan: Scan) -> Box:
    found = _core.components_nonzero_box(voxels)
    if found is None:
        raise InputError(f"{scan.path or scan.name}: all voxels are zero")
    return Box(*found)


@dataclass(frozen=True, eq=False)
class _Channel:
    """An image as stored, cropped, and how its blocks are made: cubic where there are limits, else linear."""

    volume: NDArray[Any]
    intensity: IntensityMap | None
    limits: NDArray[np.float32] | None = None

    def block(self, change: GridChange, block: Box) -> NDArray[np.float32]:
        """Return a block of the target grid, which must lie inside it."""
        if self.limits is None:
            return linear_block(self.volume, change, block, intensity=self.intensity)
        return cubic_block(self.volume, change, block, limits=self.limits, intensity=self.intensity)
