"""What points at the lesions of a scan, placed on the model grid; what cannot be used is refused."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from lesionlocator.errors import InputError
from lesionlocator.io import LabelMap, Scan
from lesionlocator.prompts.entries import PromptFile
from lesionlocator.prompts.files import read_prompts
from lesionlocator.prompts.kinds import Kind, LesionPrompt, MaskKind, PromptKind, PromptSet
from lesionlocator.prompts.on_grid import (
    OUTSIDE,
    GridPrompt,
    prompt_from_mask,
    prompt_from_voxels,
    prompts_from_labels,
)
from lesionlocator.results.lesion import LesionMask, LesionResult, LesionStatus

if TYPE_CHECKING:
    from lesionlocator.preprocessing import ModelGrid

Prompts = PromptSet | PromptFile | LabelMap | Mapping[int, LesionMask] | str | Path
"""What points at the lesions of a scan: prompts, a label map on its grid, masks, or a file that holds one."""


class Targets:
    """What points at lesions, on the model grid of a scan.

    Parameters
    ----------
    prompts
        As :meth:`lesionlocator.SegmentationModel.segment` takes them.
    kind
        Which prompt of each lesion is used.
    grid
        The scan on the model grid.

    Attributes
    ----------
    placed
        Prompts on the grid.
    sources
        By lesion id, the prompt as given, where the prompts are neither label map nor masks.
    refused
        By lesion id, why a prompt cannot be used.
    refused_entries
        Entries of a file that name no lesion, and why they cannot be used.
    notes
        What the file's user should know.
    remarks
        By lesion id, what is not known of the prompt that is used.

    Raises
    ------
    InputError
        Where a label map is on another grid or empty, a file cannot be read, or masks are asked for and
        there are none, or the other way round.
    """

    def __init__(self, prompts: Prompts, kind: Kind, grid: ModelGrid) -> None:
        self.placed: list[GridPrompt] = []
        self.sources: dict[int, LesionPrompt] = {}
        self.refused: dict[int, LesionResult] = {}
        self.refused_entries: dict[str, str] = {}
        self.notes: tuple[str, ...] = ()
        self.remarks: dict[int, str] = {}
        known = _read(prompts, grid.scan)
        if isinstance(known, LabelMap):
            self._place_labels(known, kind, grid)
        elif isinstance(known, Mapping):
            self._place_masks(known, kind, grid)
        elif isinstance(kind, MaskKind):
            raise InputError(f"{_name(prompts)}: boxes or points, legal with prev_mask: a label map")
        else:
            self._place_file(known, kind, grid)

    def _place_masks(self, masks: Mapping[int, LesionMask], kind: Kind, grid: ModelGrid) -> None:
        if not isinstance(kind, MaskKind):
            raise InputError(f"masks by lesion id are prompts of prev_mask, not of {kind.value}")
        for lesion_id, mask in masks.items():
            placed = prompt_from_mask(lesion_id, mask.region, mask.box, grid)
            if placed is None:
                self._refuse(lesion_id, OUTSIDE)
            else:
                self.placed.append(placed)

    def _place_file(self, file: PromptFile, kind: PromptKind, grid: ModelGrid) -> None:
        for key, reason in file.refused.items():
            if isinstance(key, int):
                self._refuse(key, reason)
            else:
                self.refused_entries[key] = reason
        self.notes = file.notes
        self.remarks = file.box_remarks if kind is PromptKind.BOX else {}
        accepted, wrong_kind = file.prompts.select(kind)
        for lesion_id, reason in wrong_kind.items():
            self._refuse(lesion_id, reason, file.prompts[lesion_id])
        for lesion in accepted:
            prompt = prompt_from_voxels(lesion, kind, grid)
            if isinstance(prompt, str):
                self._refuse(lesion.lesion_id, prompt, lesion)
            else:
                self.sources[lesion.lesion_id] = lesion
                self.placed.append(prompt)

    def _place_labels(self, prompts: LabelMap, kind: Kind, grid: ModelGrid) -> None:
        where = prompts.path or "label map"
        difference = prompts.geometry.difference(grid.scan.geometry)
        if difference is not None:
            raise InputError(
                f"{where}: is not on the grid of {grid.scan.path or grid.scan.name}: {difference}"
            )
        prompted = prompts_from_labels(prompts.labels, kind, grid)
        if not prompted:
            raise InputError(f"{where}: holds no lesion, all labels are 0")
        for lesion_id, prompt in prompted.items():
            if isinstance(prompt, str):
                self._refuse(lesion_id, prompt)
            else:
                self.placed.append(prompt)

    def _refuse(self, lesion_id: int, reason: str, source: LesionPrompt | None = None) -> None:
        self.refused[lesion_id] = LesionResult(lesion_id, LesionStatus.REFUSED, source, warnings=(reason,))


def _name(prompts: Prompts) -> str:
    return str(prompts) if isinstance(prompts, (str, Path)) else "prompts"


def _read(prompts: Prompts, scan: Scan) -> PromptFile | LabelMap | Mapping[int, LesionMask]:
    if isinstance(prompts, (str, Path)):
        return read_prompts(Path(prompts), scan.geometry, source=scan.source)
    return PromptFile(prompts) if isinstance(prompts, PromptSet) else prompts
