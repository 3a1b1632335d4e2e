"""Which predicted lesion is which true one, and how well each was found."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

import numpy as np

from lesionlocator import _core
from lesionlocator.evaluation.surfaces import SurfaceAgreement, surface_agreement

if TYPE_CHECKING:
    from lesionlocator.evaluation.instances import Pairing


class Match(str, Enum):
    """What makes a predicted lesion the answer to a true one."""

    OVERLAP = "overlap"
    ID = "id"


class Outcome(str, Enum):
    """What became of a lesion."""

    DETECTED = "detected"
    MISSED = "missed"
    FALSE_POSITIVE = "false_positive"


@dataclass(frozen=True)
class LesionScore:
    """How one lesion was found, or what was found where there is none.

    Parameters
    ----------
    lesion
        Its label in the truth; None for a false positive.
    predicted
        The label that answers it; None where nothing does.
    outcome
        Detected where the IoU reaches the threshold.
    truth_ml, predicted_ml
        Volumes; None for what is not there.
    dice, iou
        0 where nothing answers it; None for a false positive, which has no truth to compare with.
    surfaces
        None where there is nothing to compare; normalized surface Dice counts as 0 there for a true lesion.
    """

    lesion: int | None
    predicted: int | None
    outcome: Outcome
    truth_ml: float | None
    predicted_ml: float | None
    dice: float | None
    iou: float | None
    surfaces: SurfaceAgreement | None


def score_lesions(pairing: Pairing, match: Match, threshold: float) -> list[LesionScore]:
    """Score every true lesion by its label, then every prediction that detects none.

    Parameters
    ----------
    pairing
        Truth and prediction.
    match
        By overlap, one to one so that the sum of IoU is the largest possible; or by label.
    threshold
        IoU from which on a lesion is detected, above 0 and up to 1.
    """
    compared = pairing.compared
    rows, columns = _by_id(pairing) if match is Match.ID else _by_overlap(pairing)
    answered = dict(zip(rows, columns, strict=True))
    scores, detecting = [], set()
    for i, lesion in enumerate(compared.first.ids.tolist()):
        j = answered.get(i)
        truth_ml = pairing.volume_ml(int(compared.first.voxels[i]))
        if j is None:
            scores.append(LesionScore(lesion, None, Outcome.MISSED, truth_ml, None, 0.0, 0.0, None))
            continue
        predicted, iou = int(compared.second.ids[j]), float(compared.iou[i, j])
        if iou >= threshold:
            detecting.add(j)
        scores.append(
            LesionScore(
                lesion,
                predicted,
                Outcome.DETECTED if iou >= threshold else Outcome.MISSED,
                truth_ml,
                pairing.volume_ml(int(compared.second.voxels[j])),
                float(compared.dice[i, j]),
                iou,
                surface_agreement(*pairing.masks(lesion, predicted), pairing.geometry.spacing),
            )
        )
    return scores + [
        LesionScore(
            None,
            predicted,
            Outcome.FALSE_POSITIVE,
            None,
            pairing.volume_ml(int(compared.second.voxels[j])),
            None,
            None,
            None,
        )
        for j, predicted in enumerate(compared.second.ids.tolist())
        if j not in detecting
    ]


def _by_overlap(pairing: Pairing) -> tuple[list[int], list[int]]:
    iou = pairing.compared.iou
    rows, columns = _core.matching_assign(-iou)
    overlapping = iou[rows, columns] > 0
    return rows[overlapping].tolist(), columns[overlapping].tolist()


def _by_id(pairing: Pairing) -> tuple[list[int], list[int]]:
    compared = pairing.compared
    _, rows, columns = np.intersect1d(
        compared.first.ids, compared.second.ids, assume_unique=True, return_indices=True
    )
    return rows.tolist(), columns.tolist()
