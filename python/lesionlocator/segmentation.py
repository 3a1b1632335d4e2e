"""Segmenting lesions: a model loaded once, and the way of one scan through it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING

from lesionlocator.errors import InputError
from lesionlocator.inference.device import DeviceChoice, choose_device
from lesionlocator.inference.precision import choose_precision
from lesionlocator.inference.tiles import Tiling
from lesionlocator.io import LabelMap, Scan
from lesionlocator.model import NetworkFolder, segmentation_folder
from lesionlocator.preprocessing import ModelGrid
from lesionlocator.progress import Progress, ProgressCounter
from lesionlocator.prompts.components import regions
from lesionlocator.prompts.entries import PromptFile
from lesionlocator.prompts.files import read_prompts
from lesionlocator.prompts.kinds import LesionPrompt, PromptKind, PromptSet
from lesionlocator.prompts.on_grid import GridPrompt, prompt_from_voxels, prompts_from_labels
from lesionlocator.results.export import scan_mask
from lesionlocator.results.lesion import LesionMask, LesionResult, LesionStatus
from lesionlocator.results.provenance import ModelIdentity
from lesionlocator.results.segmentation import Segmentation

if TYPE_CHECKING:
    from lesionlocator.geometry import Box, Shape
    from lesionlocator.inference.ensemble import Ensemble

Prompts = PromptSet | PromptFile | LabelMap | str | Path
"""What points at the lesions of a scan: prompts, a label map on its grid, or a file that holds either."""

_NOT_AXIAL = "the scan is not stored as axial slices, which models expect; canonical orientation makes it so"


def load_model(
    folder: str | Path | None = None,
    *,
    device: str = "auto",
    folds: Sequence[int] | None = None,
    mirroring: bool = True,
    precision: str = "auto",
    compiled: bool = False,
) -> SegmentationModel:
    """Load a segmentation model.

    Parameters
    ----------
    folder
        A checkpoint folder in the published layout, or a downloaded model's id; None for the built-in one.
    device
        ``"auto"``, ``"cuda"``, ``"cuda:N"``, ``"mps"`` or ``"cpu"``.
    folds
        Which folds to average; all there are by default.
    mirroring
        Whether to average over the mirrorings that the model allows.
    precision
        ``"auto"`` (float16 on CUDA, else float32), ``"fp32"``, ``"bf16"`` or ``"fp16"``.
    compiled
        Whether torch.compile is to make a program of each network, for which its first call takes a minute or
        more; it needs a C++ compiler.

    Raises
    ------
    ModelError
        Where the folder holds no usable model.
    DeviceError
        Where there is no such device, or it does not compute in this precision.
    """
    root = None if folder is None else Path(folder)
    chosen = choose_device(device)
    choose_precision(precision, chosen.device)  # refused before anything is loaded
    return SegmentationModel(
        root, chosen, folds=folds, mirroring=mirroring, precision=precision, compiled=compiled
    )


class SegmentationModel:
    """The networks for box and point prompts, each loaded when first needed and kept on the device.

    Use :func:`load_model` to make one.
    """

    def __init__(
        self,
        root: Path | None,
        device: DeviceChoice,
        *,
        folds: Sequence[int] | None,
        mirroring: bool,
        precision: str,
        compiled: bool,
    ) -> None:
        self.device = device
        self._root = root
        self._folds = folds
        self._mirroring = mirroring
        self._precision = precision
        self._compiled = compiled
        self._ensembles: dict[Path, Ensemble] = {}
        self._identities: dict[PromptKind, ModelIdentity] = {}

    def ensemble(self, kind: PromptKind) -> Ensemble:
        """Return the loaded networks for a kind of prompt.

        Raises
        ------
        ModelError
            Where the model has no usable network for it.
        """
        from lesionlocator.inference.ensemble import Ensemble

        folder = self.folder(kind)
        if folder.path not in self._ensembles:
            self._ensembles[folder.path] = Ensemble(
                folder,
                folds=self._folds,
                device=self.device.device,
                mirroring=self._mirroring,
                precision=self._precision,
                compiled=self._compiled,
            )
        return self._ensembles[folder.path]

    def folder(self, kind: PromptKind) -> NetworkFolder:
        """Return the files of the network for a kind of prompt."""
        return segmentation_folder(self._root, kind.value)

    def identity(self, kind: PromptKind) -> ModelIdentity:
        """Return which model answers a kind of prompt; its files are read when its checksum is asked for."""
        if kind not in self._identities:
            folder = self.folder(kind)
            folds = tuple(sorted(folder.chosen(self._folds)))
            self._identities[kind] = ModelIdentity(folder, folds, self._mirroring)
        return self._identities[kind]

    def segment(
        self,
        scan: Scan,
        prompts: Prompts,
        *,
        prompt_type: str | PromptKind = PromptKind.BOX,
        step_size: float = 0.5,
        canonical: bool | None = None,
        progress: Callable[[Progress], None] | None = None,
    ) -> Segmentation:
        """Segment the lesions that prompts point at.

        Parameters
        ----------
        scan
            The scan; its voxels are not modified.
        prompts
            Prompts in voxels of the scan as stored, a label map on its grid, or a file with either.
        prompt_type
            ``"box"`` or ``"point"``: which prompt of each lesion is used.
        step_size
            Distance of neighbouring tiles as a fraction of the patch, for prompts larger than a patch.
        canonical
            Whether the network sees the scan in superior, posterior, left axis order, so that a mask does not
            depend on how the scan is stored, or in the order it is stored in, as the published system does.
            None for what the model was trained for: canonical for the built-in model, else as stored.
        progress
            Called after every network call.

        Returns
        -------
        Segmentation
            What became of each prompt, by lesion id.

        Raises
        ------
        InputError
            Where the scan or the prompts as a whole cannot be used. Single prompts that cannot be used are
            refused in the result.
        ModelError
            Where the model has no usable network for this kind of prompt.
        """
        work = self.prepare(scan, prompts, prompt_type=prompt_type, step_size=step_size, canonical=canonical)
        found = {lesion.lesion_id: lesion for lesion in work.run(progress)}
        return work.result(found)

    def prepare(
        self,
        scan: Scan,
        prompts: Prompts,
        *,
        prompt_type: str | PromptKind = PromptKind.BOX,
        step_size: float = 0.5,
        canonical: bool | None = None,
    ) -> ScanWork:
        """Return the work that :meth:`segment` would do, lesion by lesion; parameters are the same."""
        kind = _kind(prompt_type)
        if not 0 < step_size <= 1:
            raise InputError(f"step size is {step_size}, legal: above 0 and up to 1")
        return ScanWork(self, scan, _read(prompts, scan), kind, step_size, canonical=canonical)


class ScanWork:
    """The prompts of one scan on the model grid, and the lesions they lead to, one by one."""

    def __init__(
        self,
        model: SegmentationModel,
        scan: Scan,
        prompts: PromptFile | LabelMap,
        kind: PromptKind,
        step_size: float,
        *,
        canonical: bool | None,
    ) -> None:
        self.model = model
        self.scan = scan
        self.kind = kind
        self._step_size = step_size
        self._grid = ModelGrid(scan, model.folder(kind).plans, canonical=canonical)
        self._refused: dict[int, LesionResult] = {}
        self.refused_entries: dict[str, str] = {}
        self.notes: tuple[str, ...] = () if self._grid.is_axial else (_NOT_AXIAL,)
        self._sources: dict[int, LesionPrompt] = {}
        self._targets = self._of_labels(prompts) if isinstance(prompts, LabelMap) else self._of_file(prompts)

    @property
    def lesion_ids(self) -> list[int]:
        """All ids, those of refused prompts included, in the order of the prompts."""
        return [*self._refused, *(prompt.lesion_id for prompt in self._targets)]

    def run(
        self, progress: Callable[[Progress], None] | None = None, *, only: Sequence[int] | None = None
    ) -> Iterator[LesionResult]:
        """Segment lesion after lesion.

        Parameters
        ----------
        progress
            Called after every network call.
        only
            Ids to segment; all by default.

        Yields
        ------
        LesionResult
            Refused prompts first.
        """
        yield from self._refused.values()
        chosen = [prompt for prompt in self._targets if only is None or prompt.lesion_id in only]
        if not chosen:
            return
        ensemble = self.model.ensemble(self.kind)
        counter = ProgressCounter(self._forwards(chosen, ensemble), progress)
        for prompt in chosen:
            yield self._segment(prompt, ensemble, counter)

    def result(self, lesions: dict[int, LesionResult]) -> Segmentation:
        """Return the result of the scan, given that of each lesion."""
        model = self.model.identity(self.kind)
        return Segmentation(self.scan, self.kind, lesions, self.refused_entries, self.notes, model)

    def restored(self, lesion_id: int, mask: LesionMask | None) -> LesionResult:
        """Return the result of a lesion that was segmented before and has the given mask."""
        target = next(prompt.target for prompt in self._targets if prompt.lesion_id == lesion_id)
        return self._outcome(lesion_id, target, mask, {})

    def _segment(self, prompt: GridPrompt, ensemble: Ensemble, counter: ProgressCounter) -> LesionResult:
        from torch.profiler import record_function

        from lesionlocator.inference.segmenter import segment_prompt

        before, started, known = ensemble.seconds, perf_counter(), len(ensemble.memory_notes)
        logits = segment_prompt(
            ensemble,
            self._grid,
            prompt,
            step_size=self._step_size,
            on_forward=lambda: counter.count(prompt.lesion_id),
        )
        answered, network = perf_counter(), ensemble.seconds - before
        with record_function("lesionlocator: export"):
            mask = scan_mask(logits, self._grid)
        seconds = {
            "prepare": answered - started - network,
            "network": network,
            "export": perf_counter() - answered,
        }
        notes = tuple(ensemble.memory_notes[known:])
        return self._outcome(prompt.lesion_id, prompt.target, mask, seconds, notes)

    def _outcome(
        self,
        lesion_id: int,
        target: Box | Shape,
        mask: LesionMask | None,
        seconds: dict[str, float],
        notes: tuple[str, ...] = (),
    ) -> LesionResult:
        return LesionResult(
            lesion_id,
            LesionStatus.EMPTY if mask is None else LesionStatus.SEGMENTED,
            self._sources.get(lesion_id),
            target,
            mask,
            (*notes, *(("the network found no lesion at this prompt",) if mask is None else ())),
            seconds,
        )

    def _of_file(self, file: PromptFile) -> list[GridPrompt]:
        """Place the prompts of a file on the model grid, and keep why others are refused."""
        for key, reason in file.refused.items():
            if isinstance(key, int):
                self._refuse(key, reason)
            else:
                self.refused_entries[key] = reason
        self.notes += file.notes
        accepted, wrong_kind = file.prompts.select(self.kind)
        for lesion_id, reason in wrong_kind.items():
            self._refuse(lesion_id, reason, file.prompts[lesion_id])
        placed = []
        for lesion in accepted:
            prompt = prompt_from_voxels(lesion, self.kind, self._grid)
            if isinstance(prompt, str):
                self._refuse(lesion.lesion_id, prompt, lesion)
            else:
                self._sources[lesion.lesion_id] = lesion
                placed.append(prompt)
        return placed

    def _of_labels(self, prompts: LabelMap) -> list[GridPrompt]:
        """Find the lesions of a label map on the model grid, and name those that are too small for it."""
        where = prompts.path or "label map"
        difference = prompts.geometry.difference(self.scan.geometry)
        if difference is not None:
            raise InputError(
                f"{where}: is not on the grid of {self.scan.path or self.scan.name}: {difference}"
            )
        in_scan = {region.label: region for region in regions(prompts.labels)}
        if not in_scan:
            raise InputError(f"{where}: holds no lesion, all labels are 0")
        found = prompts_from_labels(prompts.labels, self.kind, self._grid)
        if list(in_scan) == [1] and found:
            return found
        for label in in_scan.keys() - {prompt.lesion_id for prompt in found}:
            region = in_scan[label]
            self._refuse(
                label,
                f"{region.voxels} voxels are too few: they vanish on the model grid; prompt by box or point",
            )
        return found

    def _refuse(self, lesion_id: int, reason: str, source: LesionPrompt | None = None) -> None:
        self._refused[lesion_id] = LesionResult(lesion_id, LesionStatus.REFUSED, source, warnings=(reason,))

    def _forwards(self, prompts: Sequence[GridPrompt], ensemble: Ensemble) -> int:
        shape, patch = self._grid.shape, self._grid.plans.patch_size
        tiles = sum(len(Tiling.around(p.extent, shape, patch, self._step_size).tiles) for p in prompts)
        return tiles * ensemble.forwards


def _kind(prompt_type: str | PromptKind) -> PromptKind:
    try:
        return PromptKind(prompt_type)
    except ValueError:
        legal = ", ".join(repr(kind.value) for kind in PromptKind)
        raise InputError(f"prompt type is {prompt_type!r}, legal: {legal}") from None


def _read(prompts: Prompts, scan: Scan) -> PromptFile | LabelMap:
    if isinstance(prompts, (str, Path)):
        return read_prompts(Path(prompts), scan.geometry, source=scan.source)
    return PromptFile(prompts) if isinstance(prompts, PromptSet) else prompts
