"""The lesions of one scan on their way to another scan of the patient."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from time import perf_counter
from typing import TYPE_CHECKING

from lesionlocator.progress import Progress, ProgressCounter
from lesionlocator.prompts.kinds import MaskKind
from lesionlocator.prompts.masks import GridMask
from lesionlocator.results.export import scan_mask
from lesionlocator.results.lesion import LesionResult, LesionStatus
from lesionlocator.results.segmentation import Segmentation
from lesionlocator.tracking.propagation import prompt_all, register, segment_prompts
from lesionlocator.tracking.void import void_mask

if TYPE_CHECKING:
    from lesionlocator.inference.segmenter import GridLogits
    from lesionlocator.preprocessing import ModelGrid
    from lesionlocator.results.provenance import ModelIdentity
    from lesionlocator.tracking.ensemble import TrackingEnsemble
    from lesionlocator.tracking.lesions import KnownLesions
    from lesionlocator.tracking.propagation import Prompt, TrackedGrid
    from lesionlocator.tracking.registration import Registration

LOW_SIMILARITY = 0.7
"""Correlation of two registered scans below which they hardly show the same part of a body.

Bodies resemble each other: a higher value does not say that both scans are of one patient.
"""

_LOST = "the lesion vanished in the registration; it was looked for where its centroid falls"
OUT_OF_VIEW = "the lesion lies outside what the follow-up shows"
"""Warning of a lesion that was not looked for."""

_EMPTY = "the network found no lesion at this prompt"


def doubt(earlier: str, similarity: float, expected: float) -> str:
    """Return the warning of a lesion carried over between scans that hardly resemble each other."""
    return (
        f"doubtful registration: similarity to {earlier} is {similarity:.2f}, expected at least {expected}, "
        "so that the scans may be of different patients or parts of the body"
    )


@dataclass(frozen=True)
class TrackedLesion(LesionResult):
    """What became of a lesion at a follow-up.

    Parameters
    ----------
    in_view
        Whether the follow-up shows the place of the lesion at all.
    lost_in_warp
        Whether the lesion vanished in the registration and was looked for where its centroid falls.
    similarity
        Correlation of both scans around the lesion after registration, -1 to 1; None where it is not known.
    warped
        The lesion carried over to the follow-up's model grid, before the network looked; None out of view.
    """

    in_view: bool = True
    lost_in_warp: bool = False
    similarity: float | None = None
    warped: GridMask | None = None


class PairWork:
    """The lesions of a baseline on their way to a follow-up, one by one.

    Parameters
    ----------
    load
        Returns the networks, when they are first needed.
    identity
        Which model they are.
    baseline, followup
        Both scans on the model grid.
    lesions
        The lesions of the baseline.
    marks_void
        Whether the networks see -1 where the baseline is 0 up to its border.
    notes
        What is known of the pair already.

    Attributes
    ----------
    notes
        What its user should know of the pair; complete once a lesion has been tracked.
    registration
        The first fold's unmirrored registration; None before :meth:`run` has come to it.
    views
        By lesion id, how each fold and mirroring sees the lesion in the follow-up; that of the first fold,
        unmirrored, comes first. Filled by :meth:`run`; lesions out of view are not in it.
    seconds
        Time that both scans took together, by stage.
    """

    def __init__(
        self,
        load: Callable[[], TrackingEnsemble],
        identity: ModelIdentity,
        baseline: TrackedGrid,
        followup: TrackedGrid,
        lesions: KnownLesions,
        *,
        marks_void: bool = False,
        notes: tuple[str, ...] = (),
    ) -> None:
        self.notes = notes
        self.registration: Registration | None = None
        self.seconds: dict[str, float] = {}
        self._load = load
        self._identity = identity
        self._baseline = baseline
        self._followup = followup
        self._lesions = lesions
        self._marks_void = marks_void
        self._doubts: tuple[str, ...] = ()
        self.views: dict[int, list[Prompt]] = {}

    @property
    def lesion_ids(self) -> list[int]:
        """All ids, those of refused prompts first."""
        return [*self._lesions.refused, *self._lesions.masks]

    @property
    def followup_grid(self) -> ModelGrid:
        """The follow-up on the model grid, in whose voxels a lesion is carried over."""
        return self._followup.grid

    def registered(self) -> Registration:
        """Register the scans and return the first fold's unmirrored map."""
        self._carry_over(lambda: None)
        if self.registration is None:
            raise ValueError("the model has no fold")
        return self.registration

    def carry_over(self) -> dict[int, GridMask]:
        """Register the scans and return where lesions lie on the follow-up's model grid; segment nothing."""
        self._carry_over(lambda: None)
        return {i: views[0].frame.to_grid(views[0].mask) for i, views in self.views.items()}

    def run(
        self, progress: Callable[[Progress], None] | None = None, *, only: Sequence[int] | None = None
    ) -> Iterator[LesionResult]:
        """Track lesion after lesion; the scans are registered before the first one.

        Parameters
        ----------
        progress
            Called after every registration (for which the lesion is 0) and every network call.
        only
            Ids to track; all by default.

        Yields
        ------
        LesionResult
            Refused prompts first; all others are :class:`TrackedLesion`.
        """
        for lesion_id, reason in self._lesions.refused.items():
            yield LesionResult(lesion_id, LesionStatus.REFUSED, warnings=(reason,))
        chosen = [i for i in self._lesions.masks if only is None or i in only]
        if not chosen:
            return
        views = len(list(self._load().views))
        count = ProgressCounter(views * (1 + len(chosen)), progress).count
        self._carry_over(lambda: count(0))
        size = self._load().lesions_at_once
        for first in range(0, len(chosen), size):
            yield from self._track(chosen[first : first + size], count)

    def result(self, lesions: Mapping[int, LesionResult]) -> Segmentation:
        """Return the result of the follow-up, given that of each lesion."""
        scan = self._followup.grid.scan
        return Segmentation(scan, MaskKind.PREVIOUS, lesions, {}, self.notes, self._identity)

    def _carry_over(self, on_registration: Callable[[], None]) -> None:
        """Warp all lesions by every view's registration, of which only the first is kept."""
        if self.registration is not None:
            return
        started = perf_counter()
        void = void_mask(self._baseline.grid) if self._marks_void else None
        for fold, registration in register(self._load(), self._baseline, self._followup):
            self.registration = self.registration or registration
            for lesion_id, prompt in prompt_all(fold, registration, self._lesions.masks, void):
                self.views.setdefault(lesion_id, []).append(prompt)
            on_registration()
        if self.registration is not None and not self.registration.similarity >= LOW_SIMILARITY:
            self._warn(self.registration.similarity)
        self.seconds["registration"] = perf_counter() - started

    def _warn(self, similarity: float) -> None:
        """Tell of the pair, and of each of its lesions, that the scans hardly resemble each other."""
        name = self._baseline.grid.scan.name
        self._doubts = (doubt(name, similarity, LOW_SIMILARITY),)
        self.notes += (
            f"{self._followup.grid.scan.name} hardly resembles {name}: their correlation after registration "
            f"is {similarity:.2f}, expected: at least {LOW_SIMILARITY}",
        )

    def _track(self, lesion_ids: Sequence[int], count: Callable[[int], None]) -> Iterator[TrackedLesion]:
        """Segment some lesions together, whose patches may be one batch of the network."""
        seen = {i: views for i in lesion_ids if (views := self.views.get(i))}
        ensemble = self._load()
        before, started = ensemble.seconds["network"], perf_counter()
        logits = segment_prompts(ensemble, seen, on_forward=count)
        network = (ensemble.seconds["network"] - before) / max(len(seen), 1)
        prepare = (perf_counter() - started) / max(len(seen), 1) - network
        self.notes += ensemble.new_notes()
        for lesion_id in lesion_ids:
            if lesion_id in seen:
                seconds = {"prepare": prepare, "network": network}
                yield self._tracked(lesion_id, logits[lesion_id], seconds)
            else:
                why = (OUT_OF_VIEW, *self._doubts)
                yield TrackedLesion(lesion_id, LesionStatus.EMPTY, warnings=why, in_view=False)

    def _tracked(self, lesion_id: int, logits: GridLogits, seconds: dict[str, float]) -> TrackedLesion:
        started, views = perf_counter(), self.views[lesion_id]
        mask = scan_mask(logits, self._followup.grid)
        warped = views[0].frame.to_grid(views[0].mask)
        lost = any(view.is_lost for view in views)
        told = ((_LOST,) if lost else ()) + ((_EMPTY,) if mask is None else ())
        return TrackedLesion(
            lesion_id,
            LesionStatus.EMPTY if mask is None else LesionStatus.SEGMENTED,
            target=warped.box,
            found=mask,
            warnings=told + self._doubts,
            seconds=seconds | {"export": perf_counter() - started},
            lost_in_warp=lost,
            similarity=views[0].similarity,
            warped=warped,
        )
