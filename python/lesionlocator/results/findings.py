"""From the lesions of a scan to what a timeline compares."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from lesionlocator.errors import InputError
from lesionlocator.prompts.components import component_regions, is_unnumbered, regions
from lesionlocator.results.course import Tracked
from lesionlocator.results.lesion import LesionMask, LesionStatus
from lesionlocator.results.measurements import measure
from lesionlocator.results.relations import Found

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lesionlocator.io import LabelMap, Scan
    from lesionlocator.results.lesion import LesionResult


def found_in(mask: LesionMask | None, scan: Scan) -> Found | None:
    """Return a mask with its measurements; None where it has no voxel."""
    measurements = None if mask is None else measure(mask, scan)
    return None if mask is None or measurements is None else Found(mask, measurements)


def tracked_in(
    lesion: LesionResult, scan: Scan, *, in_view: bool = True, expected: LesionMask | None = None
) -> Tracked:
    """Return what a timeline needs of a lesion that was segmented in a scan.

    Parameters
    ----------
    lesion
        The lesion; one that was refused counts as not assessed.
    scan
        The scan.
    in_view
        Whether the scan shows the place of the lesion at all.
    expected
        Where registration took it, on the scan's grid.
    """
    assessed = in_view and lesion.status is not LesionStatus.REFUSED
    return Tracked(found_in(lesion.found, scan), assessed, expected, lesion.warnings)


def labelled_in(labelmap: LabelMap, scan: Scan) -> dict[int, Found]:
    """Return the lesions of a label map of a scan, by label.

    As with prompts, where the only label is 1, each 26-connected component is a lesion, numbered by its first
    voxel.

    Raises
    ------
    InputError
        Where the label map is not on the scan's grid, or has more than 65535 components.
    """
    difference = labelmap.geometry.difference(scan.geometry)
    if difference is not None:
        raise InputError(f"{labelmap.path or 'label map'}: is not on the grid of {scan.name}: {difference}")
    labels: NDArray[np.uint8] | NDArray[np.uint16] = labelmap.labels
    found_regions = regions(labels)
    if is_unnumbered(found_regions):
        labels = np.zeros(scan.geometry.shape, np.uint16)
        found_regions = component_regions(labelmap.labels, labels)
    lesions = {}
    for region in found_regions:
        mask = np.ascontiguousarray(labels[region.box.slices] == region.label, np.uint8)
        logits = np.zeros(mask.shape, np.float32)
        found = found_in(LesionMask(scan.geometry.shape, region.box, mask, logits), scan)
        if found is not None:
            lesions[region.label] = found
    return lesions
