"""Lesions as DICOM knows them: a number, a name and a UID that stay with a lesion through time."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lesionlocator.io.dicom.uids import derived_uid
from lesionlocator.results.measurements import measure

if TYPE_CHECKING:
    from lesionlocator.dicom.identity import Maker
    from lesionlocator.io import Scan
    from lesionlocator.results.lesion import LesionMask
    from lesionlocator.results.measurements import Measurements


@dataclass(frozen=True)
class TrackedMask:
    """A lesion of one scan.

    Parameters
    ----------
    lesion_id
        As in the prompts.
    mask
        Its voxels; at least one.
    measurements
        Of the mask.
    tracking_uid
        The same at all timepoints of the lesion.
    """

    lesion_id: int
    mask: LesionMask
    measurements: Measurements
    tracking_uid: str

    @property
    def name(self) -> str:
        """What the lesion is called, at all timepoints too."""
        return f"Lesion {self.lesion_id}"


def tracked_masks(masks: Mapping[int, LesionMask], scan: Scan, *, root: str) -> list[TrackedMask]:
    """Measure masks and give them tracking UIDs; lesions without a voxel are left out.

    Parameters
    ----------
    masks
        By lesion id.
    scan
        The scan that they are of.
    root
        The UID of the series in which the lesions were first known: that of the baseline.
    """
    measured = ((lesion_id, mask, measure(mask, scan)) for lesion_id, mask in sorted(masks.items()))
    return [
        TrackedMask(lesion_id, mask, found, derived_uid(root, "lesion", lesion_id))
        for lesion_id, mask, found in measured
        if found is not None
    ]


def result_uid(image: Any, lesions: Iterable[TrackedMask], maker: Maker, *, kind: str) -> str:
    """Return the UID of a result of an image's series: the same only for the same masks of the same maker."""
    parts = [
        (lesion.tracking_uid, lesion.mask.box, hashlib.sha256(lesion.mask.region.tobytes()).hexdigest())
        for lesion in lesions
    ]
    return derived_uid(image.SOPInstanceUID, kind, maker.algorithm_name, maker.version, parts)
