"""A synthetic patient with follow-ups, and where each lesion is at each timepoint."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from lesionlocator.io import LabelMap, Scan
from lesionlocator.prompts.components import regions
from lesionlocator.synthetic.fates import Fate
from lesionlocator.synthetic.followup import SyntheticFollowup, make_followup
from lesionlocator.synthetic.patient import make_patient

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lesionlocator.geometry import Triple

_LEAST_FOR_ALL_FATES = 3
_TRUNK_MM = (780.0, 352.8, 420.0)
_COARSE_MM = (4.0, 3.6, 3.0)


@dataclass(frozen=True, eq=False)
class SyntheticCourse:
    """The scans of a patient.

    Parameters
    ----------
    scans
        Baseline and follow-ups.
    labels
        The lesions of each, numbered in each scan by itself.
    label_of
        For each follow-up, the label of each lesion of the baseline that it still shows for the most part, by
        the baseline's.
    gone
        For each follow-up, the lesions of the baseline that are no more.
    """

    scans: tuple[Scan, ...]
    labels: tuple[LabelMap, ...]
    label_of: tuple[Mapping[int, int], ...]
    gone: tuple[frozenset[int], ...]

    def centroid_lps(self, timepoint: int, lesion_id: int) -> NDArray[np.float64] | None:
        """Return where a lesion is, LPS mm ordered x, y, z; None where the scan does not show it."""
        label = lesion_id if timepoint == 0 else self.label_of[timepoint - 1].get(lesion_id)
        if label is None:
            return None
        here = self.labels[timepoint]
        return here.geometry.voxel_to_lps(np.argwhere(here.labels == label).mean(axis=0))


def make_course(seed: int, baseline: Scan, lesions: LabelMap, *, followups: int = 2) -> SyntheticCourse:
    """Return a patient one of whose lesions goes; of the others the largest shrinks, and the smallest grows.

    One more lesion is new. The same arguments give the same voxels. Each follow-up is made of the one
    before: deformed, with another field of view, spacing and noise. All changes but growth happen until the
    first one.

    Parameters
    ----------
    seed
        Decides everything that is random, also which lesion goes.
    baseline, lesions
        The first scan and its lesions, at least 3.
    followups
        How many scans follow.

    Raises
    ------
    InputError
        Where no follow-up can be made of the scan.
    """
    by_size = [region.label for region in sorted(regions(lesions.labels), key=lambda r: r.voxels)]
    fates: dict[int, Fate] = {}
    if len(by_size) >= _LEAST_FOR_ALL_FATES:
        goes = int(np.random.default_rng([seed, 13]).choice(by_size))
        by_size.remove(goes)
        fates = {goes: Fate.GONE, by_size[-1]: Fate.SHRUNK, by_size[0]: Fate.GROWN}
    scans, labels = [baseline], [lesions]
    known = {region.label: region.label for region in regions(lesions.labels)}
    lost: frozenset[int] = frozenset()
    label_of, gone = [], []
    for number in range(1, followups + 1):
        made = make_followup(
            seed + number, scans[-1], labels[-1], fates=fates, new_lesions=1 if number == 1 else 0
        )
        scans.append(Scan(f"followup{number}", made.voxels, made.geometry))
        labels.append(LabelMap(made.labels, made.geometry))
        lost |= {i for i, label in known.items() if _has(made, Fate.GONE, label)}
        known = _carried(made, known)
        label_of.append(dict(known))
        gone.append(lost)
        fates = {known[by_size[0]]: Fate.GROWN} if by_size and by_size[0] in known else {}
    return SyntheticCourse(tuple(scans), tuple(labels), tuple(label_of), tuple(gone))


def make_coarse_course(seed: int) -> SyntheticCourse:
    """Return a patient of 8 lesions with two follow-ups, whose voxels are coarse so that all is quick.

    The same seed gives the same voxels.
    """
    return make_trunk_course(seed, _COARSE_MM)


def make_trunk_course(seed: int, spacing: Triple) -> SyntheticCourse:
    """Return a patient of 8 lesions of 8 to 45 mm with two follow-ups, seen from the thighs to the neck.

    Parameters
    ----------
    seed
        Decides everything that is random.
    spacing
        mm of a voxel of the baseline, z, y, x.
    """
    z, y, x = (round(size / mm) for size, mm in zip(_TRUNK_MM, spacing, strict=True))
    made = make_patient(seed, (z, y, x), spacing, lesions=8, middle_mm=-40.0, diameters_mm=(8.0, 45.0))
    baseline = Scan("baseline", made.voxels, made.geometry)
    return make_course(seed, baseline, LabelMap(made.labels, made.geometry))


def _carried(made: SyntheticFollowup, known: Mapping[int, int]) -> dict[int, int]:
    """Return the label that each lesion has in a follow-up, of those that it shows for the most part."""
    later = {
        change.given: change.followup
        for change in made.changes
        if change.given is not None and change.followup is not None and change.fate is not Fate.OUT_OF_VIEW
    }
    return {i: later[label] for i, label in known.items() if label in later}


def _has(made: SyntheticFollowup, fate: Fate, label: int) -> bool:
    return any(change.fate is fate and change.given == label for change in made.changes)
