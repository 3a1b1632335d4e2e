"""How fast predictions get better with clicks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from lesionlocator.errors import InputError

if TYPE_CHECKING:
    from lesionlocator.evaluation.cases import CaseScore


@dataclass(frozen=True)
class InteractionScore:
    """A case, prediction after prediction.

    Parameters
    ----------
    name
        The case.
    lesion_dice
        Dice after each click of every true lesion, by label.
    case_dice, false_positive_ml, false_negative_ml
        Of the case after each click; None where it has no true lesion, but for false positives.
    """

    name: str
    lesion_dice: Mapping[int, tuple[float, ...]]
    case_dice: tuple[float, ...] | None
    false_positive_ml: tuple[float, ...]
    false_negative_ml: tuple[float, ...] | None


def area_under_curve(values: Sequence[float]) -> float:
    """Return the area under values at equal distances by the trapezoidal rule, over the length: a mean.

    Raises
    ------
    InputError
        Where there are fewer than two values.

    Examples
    --------
    >>> area_under_curve([0.5, 0.75, 1.0])
    0.75
    """
    if len(values) < 2:
        raise InputError(f"a curve of {len(values)} values has no area; legal: two or more")
    y = np.asarray(values, np.float64)
    return float((y[1:] + y[:-1]).sum() / 2 / (len(y) - 1))


def follow_clicks(steps: Sequence[CaseScore]) -> InteractionScore:
    """Put the scores of one case after each click together.

    Parameters
    ----------
    steps
        Scores of the same case against the same truth, in the order of the clicks.
    """
    by_lesion = [{lesion.lesion: lesion.dice for lesion in step.true_lesions} for step in steps]
    return InteractionScore(
        steps[0].name,
        {
            int(lesion): tuple(float(found[lesion] or 0.0) for found in by_lesion)
            for lesion in by_lesion[0]
            if lesion is not None
        },
        _all([step.dice for step in steps]),
        tuple(step.false_positive_ml for step in steps),
        _all([step.false_negative_ml for step in steps]),
    )


def _all(values: Sequence[float | None]) -> tuple[float, ...] | None:
    known = [value for value in values if value is not None]
    return tuple(known) if len(known) == len(values) else None
