"""The work on one scan: its prompts on the model grid, and the lesions they lead to, one by one."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from time import perf_counter
from typing import TYPE_CHECKING

from lesionlocator.inference.sights import Sight
from lesionlocator.progress import Progress, ProgressCounter
from lesionlocator.prompts.kinds import PromptKind
from lesionlocator.prompts.masks import GridMask
from lesionlocator.results.export import part_within, scan_mask
from lesionlocator.results.lesion import LesionMask, LesionResult, LesionStatus
from lesionlocator.results.segmentation import Segmentation

if TYPE_CHECKING:
    from lesionlocator.inference.ensemble import Ensemble
    from lesionlocator.inference.segmenter import PromptAnswer
    from lesionlocator.preprocessing import ModelGrid
    from lesionlocator.prompts.kinds import Kind
    from lesionlocator.prompts.on_grid import GridPrompt
    from lesionlocator.results.provenance import ModelIdentity
    from lesionlocator.segmentation.targets import Targets

_EMPTY = "the network found no lesion at this prompt"
_CUT = "more than half of what the network found lies beyond the box, and was left out"
_BEYOND_BOX = 1 / 8
"""How far a lesion may reach beyond a drawn box, as a fraction of its sides; see decision 11."""
_NOT_AXIAL = "the scan is not stored as axial slices, which models expect; canonical orientation makes it so"


class ScanWork:
    """The prompts of one scan, and the lesions they lead to.

    Parameters
    ----------
    load
        Returns the networks, when they are first needed.
    identity
        Which model they are.
    grid
        The scan on the model grid.
    targets, kind
        The prompts there, and of which kind they are.
    step_size
        Distance of neighbouring tiles as a fraction of the patch.
    within_boxes
        Whether masks end a little beyond their boxes.

    Attributes
    ----------
    scan
        The scan as stored.
    refused_entries, notes
        Entries of the prompts that cannot be used, and what the user should know of scan and prompts.
    """

    def __init__(
        self,
        load: Callable[[], Ensemble],
        identity: ModelIdentity,
        grid: ModelGrid,
        targets: Targets,
        *,
        kind: Kind,
        step_size: float,
        within_boxes: bool = False,
    ) -> None:
        self.scan = grid.scan
        self.refused_entries = targets.refused_entries
        self.notes = (*(() if grid.is_axial else (_NOT_AXIAL,)), *targets.notes)
        self._load = load
        self._identity = identity
        self._grid = grid
        self._targets = targets
        self._kind = kind
        self._step_size = step_size
        self._within_boxes = within_boxes

    @property
    def lesion_ids(self) -> list[int]:
        """All ids, those of refused prompts included, in the order of the prompts."""
        return [*self._targets.refused, *(prompt.lesion_id for prompt in self._targets.placed)]

    def run(
        self, progress: Callable[[Progress], None] | None = None, *, only: Sequence[int] | None = None
    ) -> Generator[LesionResult, None, None]:
        """Segment lesion after lesion; while one is worked on, the network is busy with the next.

        Parameters
        ----------
        progress
            Called after every network call, from the thread that runs the networks.
        only
            Ids to segment; all by default.

        Yields
        ------
        LesionResult
            Refused prompts first.
        """
        yield from self._targets.refused.values()
        chosen = [prompt for prompt in self._targets.placed if only is None or prompt.lesion_id in only]
        if not chosen:
            return
        from lesionlocator.inference.points import segment_points
        from lesionlocator.inference.segmenter import segment_prompts

        ensemble = self._load()
        counter = ProgressCounter(self._forwards(chosen, ensemble), progress)
        segment = segment_points if self._looks_closer else segment_prompts
        answers = segment(ensemble, self._grid, chosen, step_size=self._step_size, on_forward=counter.count)
        with closing(answers):
            for answer in answers:
                yield self._exported(answer)

    def result(self, lesions: dict[int, LesionResult]) -> Segmentation:
        """Return the result of the scan, given that of each lesion."""
        return Segmentation(self.scan, self._kind, lesions, self.refused_entries, self.notes, self._identity)

    def restored(self, lesion_id: int, mask: LesionMask | None) -> LesionResult:
        """Return the result of a lesion that was segmented before and has the given mask."""
        prompt = next(prompt for prompt in self._targets.placed if prompt.lesion_id == lesion_id)
        return self._outcome(prompt, mask, {})

    def _exported(self, answer: PromptAnswer) -> LesionResult:
        from torch.profiler import record_function

        started = perf_counter()
        with record_function("lesionlocator: export"):
            mask, notes = self._cut(answer.prompt, scan_mask(answer.logits, answer.grid))
        seconds = answer.seconds | {"export": perf_counter() - started}
        return self._outcome(answer.prompt, mask, seconds, (*answer.notes, *notes))

    def _cut(self, prompt: GridPrompt, mask: LesionMask | None) -> tuple[LesionMask | None, tuple[str, ...]]:
        """Return a mask without what lies beyond the box that was drawn for it, and what to tell of that."""
        source = self._targets.sources.get(prompt.lesion_id)
        if mask is None or not self._within_boxes or source is None or source.box is None:
            return mask, ()
        kept = part_within(mask, source.box.widened(_BEYOND_BOX))
        most_is_beyond = kept is None or kept.voxels < mask.voxels / 2
        return kept, (_CUT,) if most_is_beyond else ()

    def _outcome(
        self,
        prompt: GridPrompt,
        mask: LesionMask | None,
        seconds: dict[str, float],
        notes: tuple[str, ...] = (),
    ) -> LesionResult:
        return LesionResult(
            prompt.lesion_id,
            LesionStatus.EMPTY if mask is None else LesionStatus.SEGMENTED,
            self._targets.sources.get(prompt.lesion_id),
            prompt.extent if isinstance(prompt.target, GridMask) else prompt.target,
            mask,
            (*self._remarks(prompt.lesion_id), *notes, *((_EMPTY,) if mask is None else ())),
            seconds,
        )

    def _remarks(self, lesion_id: int) -> tuple[str, ...]:
        known = self._targets.remarks
        return (known[lesion_id],) if lesion_id in known else ()

    def _forwards(self, prompts: Sequence[GridPrompt], ensemble: Ensemble) -> int:
        from lesionlocator.inference.points import point_sights

        grid, step = self._grid, self._step_size
        if self._looks_closer:
            sights = [sight for prompt in prompts for sight in point_sights(prompt, grid)]
            last = len(prompts)  # mostly in one patch
            return len(sights) * len(ensemble.folds) + last * ensemble.forwards
        sights = [Sight.of(prompt, grid, step) for prompt in prompts]
        return sum(len(sight.tiling.tiles) for sight in sights) * ensemble.forwards

    @property
    def _looks_closer(self) -> bool:
        return self._kind is PromptKind.POINT and bool(self._grid.plans.fitted_patches)
