"""All that is measured of one case."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from lesionlocator.errors import InputError
from lesionlocator.evaluation.instances import Kind, Pairing
from lesionlocator.evaluation.lesions import LesionScore, Match, Outcome, score_lesions
from lesionlocator.evaluation.tracking import TrackingScore, score_tracking

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from lesionlocator.io import LabelMap

_PANOPTIC_IOU = 0.5
"""Above it, two lesions of one side cannot match the same lesion of the other."""


@dataclass(frozen=True)
class Options:
    """How predictions are compared with truth.

    Parameters
    ----------
    kind
        What the labels mean. By default each connected component of the truth is a lesion where it has no
        label above 1, and so is each of the prediction where it has none either; otherwise each label is.
    match
        What makes a prediction the answer to a lesion. Labels stay as they are where it is the label.
    detection_iou
        IoU from which on a lesion is detected, above 0 and up to 1.
    tracking
        Whether equal labels mean the same lesion of a patient, so that tracking is measured too.

    Raises
    ------
    InputError
        Where a value is not as above, or tracking is asked of components, which have no identity.
    """

    kind: Kind = Kind.AUTO
    match: Match = Match.OVERLAP
    detection_iou: float = 0.1
    tracking: bool = False

    def __post_init__(self) -> None:
        if not 0 < self.detection_iou <= 1:
            raise InputError(f"detection IoU is {self.detection_iou}; legal: above 0 and up to 1")
        if self.kind is Kind.SEMANTIC and (self.tracking or self.match is Match.ID):
            raise InputError("components of a semantic map have no identity: legal is kind instance")

    @property
    def effective_kind(self) -> Kind:
        """What the labels mean where they have to be identities."""
        return Kind.INSTANCE if self.tracking or self.match is Match.ID else self.kind


@dataclass(frozen=True)
class Panoptic:
    """What panoptic quality is made of: matches with an IoU above 0.5, their IoU in all, and the others."""

    iou_sum: float
    true_positives: int
    false_positives: int
    false_negatives: int


@dataclass(frozen=True)
class CaseScore:
    """How well a case was done.

    Parameters
    ----------
    name
        The case.
    lesions
        The score of each lesion and false positive.
    dice
        Of all lesions together as one mask; None where there is no true lesion.
    false_positive_ml, false_negative_ml
        As autoPET defines them; the latter None where there is no true lesion.
    panoptic
        Parts of the panoptic quality.
    tracking
        The score of each tracked lesion or group; empty where tracking was not asked for.
    """

    name: str
    lesions: tuple[LesionScore, ...]
    dice: float | None
    false_positive_ml: float
    false_negative_ml: float | None
    panoptic: Panoptic
    tracking: tuple[TrackingScore, ...] = ()

    def count(self, outcome: Outcome) -> int:
        """Return how many lesions have an outcome."""
        return sum(lesion.outcome is outcome for lesion in self.lesions)

    @property
    def true_lesions(self) -> list[LesionScore]:
        """The scores of the lesions that are there."""
        return [lesion for lesion in self.lesions if lesion.lesion is not None]

    def as_dict(self) -> dict[str, Any]:
        """Return plain values, one row of cases.csv."""
        true = self.true_lesions
        return {
            "case": self.name,
            "lesions": len(true),
            "detected": self.count(Outcome.DETECTED),
            "missed": self.count(Outcome.MISSED),
            "false_positives": self.count(Outcome.FALSE_POSITIVE),
            "lesion_dice_mean": float(np.mean([lesion.dice for lesion in true])) if true else None,
            "case_dice": self.dice,
            "false_positive_ml": self.false_positive_ml,
            "false_negative_ml": self.false_negative_ml,
        }


def evaluate_case(
    name: str,
    truth: LabelMap,
    predicted: LabelMap,
    options: Options | None = None,
    *,
    groups: Sequence[Sequence[int]] = (),
    known: Collection[int] | None = None,
) -> CaseScore:
    """Compare a prediction with the truth.

    Parameters
    ----------
    name
        The case.
    truth, predicted
        Label maps on one grid.
    options
        How to compare.
    groups
        Labels that have merged into one lesion, for tracking.
    known
        Labels that the baseline has, for tracking: others are new, and not tracked. None for all.

    Raises
    ------
    InputError
        Where the grids differ, or a group is not legal.
    """
    options = options or Options()
    pairing = Pairing.of(truth, predicted, options.effective_kind)
    lesions = score_lesions(pairing, options.match, options.detection_iou)
    has_truth = len(pairing.compared.first.ids) > 0
    compared = pairing.compared
    sizes = int(compared.first.voxels.sum()) + int(compared.second.voxels.sum())
    return CaseScore(
        name,
        tuple(lesions),
        2 * int(compared.common.sum()) / sizes if has_truth else None,
        pairing.false_positive_ml,
        pairing.false_negative_ml if has_truth else None,
        _panoptic(pairing),
        tuple(score_tracking(compared, groups, known=known)) if options.tracking else (),
    )


def _panoptic(pairing: Pairing) -> Panoptic:
    iou = pairing.compared.iou
    matched = iou[iou > _PANOPTIC_IOU]
    truths, predictions = iou.shape
    return Panoptic(float(matched.sum()), matched.size, predictions - matched.size, truths - matched.size)
