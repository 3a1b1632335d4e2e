"""Where registration expects the lesions of a baseline in its follow-ups, for a person to verify."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from lesionlocator.prompts.kinds import LesionPrompt, PromptSet
from lesionlocator.prompts.longitudinal import FollowedLesion, Pair, write_longitudinal
from lesionlocator.prompts.published import write_published

if TYPE_CHECKING:
    from lesionlocator.following.methods import PairRun
    from lesionlocator.following.origin import Origin
    from lesionlocator.geometry import Point
    from lesionlocator.results.lesion import LesionMask

PROPOSED = "proposed.json"


@dataclass(frozen=True)
class Proposal:
    """Where the lesions of a baseline are expected in one follow-up.

    Parameters
    ----------
    baseline, followup
        Names of the scans.
    points
        Of the baseline's lesions, by id: in its voxels, z, y, x.
    prompts
        Of the lesions that the follow-up shows: the box and the centroid of the place, in its voxels.
    notes
        What the user should know of the registration.
    """

    baseline: str
    followup: str
    points: Mapping[int, Point]
    prompts: PromptSet
    notes: tuple[str, ...]

    @property
    def out_of_view(self) -> list[int]:
        """The lesions whose place the follow-up does not show."""
        return [i for i in self.points if i not in self.prompts.ids]

    def followed(self, verified: Mapping[int, Point | None] | None = None) -> Pair:
        """Return the entries of LongiSeg's tracking file.

        Parameters
        ----------
        verified
            Points that a person has moved, in voxels of the follow-up, by lesion id; None for a lesion that
            is struck, which has no entry.
        """
        moved = verified or {}
        return tuple(
            FollowedLesion(
                i,
                self.baseline,
                self.followup,
                point,
                self.prompts[i].point if i in self.prompts.ids else None,
                moved.get(i),
            )
            for i, point in sorted(self.points.items())
            if moved.get(i, point) is not None
        )


def propose(origin: Origin, followup: str, pair: PairRun) -> Proposal:
    """Register a pair of scans and return where the lesions of the first are expected in the second.

    Raises
    ------
    LesionLocatorError
        Where the follow-up cannot be used.
    """
    places = pair.places()
    prompts = PromptSet.of(
        LesionPrompt(i, place.box, _centroid(place)) for i, place in sorted(places.items())
    )
    points = {i: _centroid(mask) for i, mask in sorted(origin.masks.items())}
    return Proposal(origin.scan.name, followup, points, prompts, pair.notes)


def write_proposals(pairs: Sequence[Pair], proposals: Sequence[Proposal], folder: Path) -> Path:
    """Write ``proposed.json`` and, for each follow-up, ``<followup>_proposed.json``.

    The first is LongiSeg's tracking file, with points, and is returned; the others are prompt files in the
    published format, with points and boxes.

    Parameters
    ----------
    pairs
        What :meth:`Proposal.followed` gave for each follow-up, in order.
    proposals
        As they came from registration.
    folder
        Where to write; it exists.

    Raises
    ------
    OutputError
        Where a file cannot be written.
    """
    for proposal in proposals:
        write_published(proposal.prompts, folder / f"{proposal.followup}_{PROPOSED}")
    file = folder / PROPOSED
    write_longitudinal({proposals[0].baseline: pairs}, file)
    return file


def _centroid(mask: LesionMask) -> Point:
    z, y, x = (np.argwhere(mask.region).mean(axis=0) + mask.box.start).tolist()
    return z, y, x
