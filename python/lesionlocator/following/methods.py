"""What the ways of tracking have in common."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from lesionlocator.following.origin import Origin
    from lesionlocator.inference.device import DeviceChoice
    from lesionlocator.io import Scan
    from lesionlocator.progress import Progress
    from lesionlocator.prompts.kinds import Kind
    from lesionlocator.results.lesion import LesionMask, LesionResult
    from lesionlocator.results.provenance import ModelIdentity
    from lesionlocator.tracking.field import DisplacementField

LOST_IN_WARP = "lost_in_warp"
"""Marks a lesion that vanished in the registration, in its warnings."""

OnProgress = Callable[["Progress"], None]


@dataclass(frozen=True)
class Carried:
    """What became of a lesion in a follow-up, and where registration took it.

    Parameters
    ----------
    lesion
        What became of it.
    expected
        Where it was looked for, in voxels of the scan; None where it was not.
    """

    lesion: LesionResult
    expected: LesionMask | None = None

    @property
    def in_view(self) -> bool:
        """Whether the follow-up shows its place."""
        return self.last_known is not None

    @property
    def last_known(self) -> LesionMask | None:
        """Where it was found, or else looked for."""
        return self.lesion.found or self.expected


class PairRun(Protocol):
    """Lesions on their way from one scan to another."""

    @property
    def notes(self) -> tuple[str, ...]:
        """What the user should know of the pair; complete after the run."""

    @property
    def seconds(self) -> Mapping[str, float]:
        """Time that the pair took beside its lesions; complete after the run."""

    def places(self) -> dict[int, LesionMask]:
        """Return where the lesions are expected in the follow-up, without segmenting them."""

    def run(self, progress: OnProgress, lesion_ids: Collection[int]) -> Iterator[Carried]:
        """Track lesion after lesion; the scans are registered once, however often this is called."""

    def transform(self) -> DisplacementField | None:
        """Register the scans and return the map to the earlier one; None where nothing is registered."""


class Method(Protocol):
    """A way of tracking."""

    @property
    def name(self) -> str:
        """``learned``, ``classical`` or ``points``."""

    @property
    def kind(self) -> Kind:
        """What the network in use is prompted with."""

    @property
    def identity(self) -> ModelIdentity:
        """Which model it is."""

    @property
    def device(self) -> DeviceChoice:
        """Where it runs."""

    def load(self) -> None:
        """Load the networks."""

    def pair(self, origin: Origin, followup: Scan) -> PairRun:
        """Return the work on the lesions of a scan."""
