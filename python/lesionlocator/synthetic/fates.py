"""What becomes of lesions until a follow-up."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

import numpy as np

from lesionlocator.errors import InputError

if TYPE_CHECKING:
    from lesionlocator.geometry import Triple
    from lesionlocator.prompts.components import Region


class Fate(str, Enum):
    """What becomes of a lesion."""

    STABLE = "stable"
    GROWN = "grown"
    SHRUNK = "shrunk"
    MOVED = "moved"
    GONE = "gone"
    MERGED = "merged"
    SPLIT = "split"
    NEW = "new"
    OUT_OF_VIEW = "out of view"
    """Cut off by half or more by the field of view of the follow-up, or lost between its voxels."""


_SHARES = {
    Fate.STABLE: 0.25, Fate.GROWN: 0.25, Fate.SHRUNK: 0.2, Fate.MOVED: 0.12, Fate.GONE: 0.12,
    Fate.SPLIT: 0.06,
}  # fmt: skip
_MERGING_SHARE = 0.2
_MERGING_GAP_MM = 25.0


@dataclass(frozen=True)
class LesionChange:
    """One lesion at both timepoints.

    Parameters
    ----------
    fate
        What became of it.
    baseline, followup
        Its label at each timepoint, None where it is not there. Of a merged lesion, that of the smallest
        label among those that merged; of the smaller part of a split one, a new label. What is left in view
        of a lesion that is cut off keeps its label.
    given
        Its label in the map that the follow-up was made from; None for a new lesion.
    """

    fate: Fate
    baseline: int | None
    followup: int | None
    given: int | None


@dataclass(frozen=True)
class Plan:
    """Who merges with whom, and what the others do.

    Parameters
    ----------
    single
        Fate of each label that does not merge.
    pairs
        Labels that merge, the smaller one first.
    """

    single: Mapping[int, Fate]
    pairs: tuple[tuple[int, int], ...]

    @classmethod
    def of(cls, wanted: Mapping[int, Fate], regions: list[Region], spacing: Triple) -> Plan:
        """Return the plan in which lesions do as wanted, the others staying as they are.

        Raises
        ------
        InputError
            Where a label is not in the map, a fate cannot be chosen, or a lesion has none to merge with.
        """
        present = {region.label: region for region in regions}
        for label, fate in wanted.items():
            if label not in present:
                raise InputError(f"lesion {label} is not in the label map; it has {sorted(present)}")
            if fate in (Fate.NEW, Fate.OUT_OF_VIEW):
                raise InputError(f"lesion {label}: fate {fate.value!r} cannot be chosen")
        merging = [present[label] for label in sorted(present) if wanted.get(label) is Fate.MERGED]
        if len(merging) % 2:
            raise InputError(f"lesions {[r.label for r in merging]} are to merge; legal: pairs of lesions")
        pairs = []
        while merging:
            first = merging.pop(0)
            other = min(merging, key=lambda region: gap_mm(first, region, spacing))
            merging.remove(other)
            pairs.append((first.label, other.label))
        paired = {label for pair in pairs for label in pair}
        single = {label: wanted.get(label, Fate.STABLE) for label in sorted(present) if label not in paired}
        return cls(single, tuple(pairs))

    @classmethod
    def drawn(cls, rng: np.random.Generator, regions: list[Region], spacing: Triple) -> Plan:
        """Return a plan in which some near neighbours merge, and the other lesions do anything else."""
        fates, shares = list(_SHARES), np.array(list(_SHARES.values()))
        wanted = {r.label: fates[int(rng.choice(len(fates), p=shares / shares.sum()))] for r in regions}
        free = list(regions)
        pairs = []
        while free:
            first = free.pop(0)
            near = [r for r in free if gap_mm(first, r, spacing) <= _MERGING_GAP_MM]
            if near and rng.random() < _MERGING_SHARE:
                other = min(near, key=lambda region: gap_mm(first, region, spacing))
                free.remove(other)
                pairs.append((first.label, other.label))
        paired = {label for pair in pairs for label in pair}
        return cls({label: fate for label, fate in wanted.items() if label not in paired}, tuple(pairs))


def gap_mm(first: Region, second: Region, spacing: Triple) -> float:
    """Return the distance between the boxes of two lesions in mm, 0 where they touch."""
    apart = [
        max(0, a0 - b1, b0 - a1) * s
        for a0, a1, b0, b1, s in zip(
            first.box.start, first.box.stop, second.box.start, second.box.stop, spacing, strict=True
        )
    ]
    return float(np.linalg.norm(apart))
