"""Measuring a model on patients that no training has seen, through the same door as its users."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from functools import cache
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from lesionlocator.geometry import Box, Geometry, Shape, Triple
from lesionlocator.io import Scan
from lesionlocator.prompts.kinds import Kind, LesionPrompt, MaskKind, PromptKind, PromptSet
from lesionlocator.results.lesion import LesionMask
from lesionlocator.segmentation import SegmentationModel, load_model
from lesionlocator.synthetic import Scanner, SyntheticScan, make_patient
from lesionlocator.synthetic.inpaint import grain
from lesionlocator.synthetic.patient import place_lesions
from lesionlocator.synthetic.tissue import Tissue
from lesionlocator.training.prompts import rough_box, rough_mask, rough_point
from lesionlocator.training.recipe import HELD_OUT_ABOVE, SPACING_MM
from lesionlocator.training.samples import real_body
from lesionlocator.training.validation import dice

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lesionlocator.segmentation.targets import Prompts

HELD_OUT_SEED = 9_000_000
"""First seed of patients for evaluation; those of training stay below it."""
SIZE_CLASSES_MM = ((0.0, 6.0), (6.0, 10.0), (10.0, 20.0), (20.0, 40.0), (40.0, 100.0))
_SMALLEST_OF_NOTE_MM = 6.0
_COVERAGE_MM = (150.0, 270.0, 380.0)
_EMPTY_BOXES = 3
_ROOM_VOXELS = 6
"""How much room a simulated old mask has around a lesion, beside half of its extent on each side."""
_DIAMETERS_MM = (3.0, 60.0)


@dataclass(frozen=True)
class Measurement:
    """How one lesion was found with one kind of prompt."""

    seed: int
    lesion: int
    prompt: str
    kind: str
    host: str
    diameter_mm: float
    voxels: int
    spacing: Triple
    dice: float


@dataclass(frozen=True)
class EmptyMeasurement:
    """How much of a box without a lesion came back as one; ``filled`` is a fraction of the box."""

    seed: int
    box: Box
    filled: float


def held_out_patient(seed: int, lesions: int) -> SyntheticScan:
    """Return a patient of a held-out seed, scanned with slices of 1 to 5 mm."""
    rng = np.random.default_rng([seed, 6])
    slices, pixel = float(rng.choice([1.0, 1.5, 2.0, 3.0, 5.0])), float(rng.choice([0.8, 1.0, 1.5]))
    spacing = (slices, pixel, pixel)
    z, y, x = (round(mm / s) for mm, s in zip(_COVERAGE_MM, spacing, strict=True))
    return make_patient(seed, (z, y, x), spacing, lesions=lesions, diameters_mm=_DIAMETERS_MM)


def held_out_real(path: Path, seed: int, lesions: int) -> SyntheticScan:
    """Return the part of a real scan that no training has looked at, on the model's grid, with lesions in it.

    Raises
    ------
    InputError
        Where the scan cannot be read.
    """
    anatomy = real_body(path, lowest=HELD_OUT_ABOVE).anatomy
    rng = np.random.default_rng([seed, 16])
    hounsfield = anatomy.hounsfield.astype(np.float32)
    noise = grain(hounsfield)
    labels = np.zeros(hounsfield.shape, np.uint8)
    scanner = Scanner.that_left(noise[anatomy.tissue != Tissue.AIR])
    placed = place_lesions(
        rng, hounsfield, labels, anatomy, scanner, count=lesions, diameters_mm=_DIAMETERS_MM
    )
    hounsfield[labels > 0] += noise[labels > 0]
    voxels = np.clip(np.rint(hounsfield), -1024, 3071).astype(np.int16)
    z, y, x = voxels.shape
    return SyntheticScan(voxels, labels, Geometry((z, y, x), SPACING_MM), tuple(placed))


def measure_patient(
    model: SegmentationModel, patient: SyntheticScan, seed: int
) -> tuple[list[Measurement], list[EmptyMeasurement]]:
    """Segment every lesion of a patient, roughly prompted in each way that the model knows, and empty boxes.

    Parameters
    ----------
    model
        To be measured.
    patient, seed
        The patient, and the seed it came from; the seed also decides the prompts.
    """
    rng = np.random.default_rng([seed, 7])
    scan = Scan(f"phantom_{seed}", patient.voxels, patient.geometry)
    masks = {lesion.label: patient.labels == lesion.label for lesion in patient.lesions}
    prompts = PromptSet.of(
        LesionPrompt(label, rough_box(rng, mask), _floats(rough_point(rng, mask)))
        for label, mask in masks.items()
    )
    asked: dict[Kind, Prompts] = dict.fromkeys(PromptKind, prompts) if masks else {}
    if masks and model.takes_masks:
        drawn = np.random.default_rng([seed, 20])
        asked[MaskKind.PREVIOUS] = {label: old_mask(drawn, mask) for label, mask in masks.items()}
    found = []
    for kind, given in asked.items():
        result = model.segment(scan, given, prompt_type=kind)
        for lesion in patient.lesions:
            mask = result.masks.get(lesion.label)
            truth = masks[lesion.label]
            score = 0.0 if mask is None else dice(mask.full() > 0, truth)
            found.append(
                Measurement(
                    seed=seed,
                    lesion=lesion.label,
                    prompt=kind.value,
                    kind=lesion.kind.value,
                    host=lesion.host.name.lower(),
                    diameter_mm=round(lesion.diameter_mm, 2),
                    voxels=int(truth.sum()),
                    spacing=patient.geometry.spacing,
                    dice=round(score, 4),
                )
            )
    return found, _measure_empty(model, scan, patient, seed, rng)


def old_mask(rng: np.random.Generator, mask: NDArray[np.bool_]) -> LesionMask:
    """Return a mask of a lesion as an earlier scan has it, near where it is now."""
    where = np.argwhere(mask)
    low, high = where.min(axis=0), where.max(axis=0) + 1
    room = (high - low) // 2 + _ROOM_VOXELS
    start, stop = np.maximum(low - room, 0).tolist(), np.minimum(high + room, mask.shape).tolist()
    box = Box((start[0], start[1], start[2]), (stop[0], stop[1], stop[2]))
    region = rough_mask(rng, mask[box.slices]).astype(np.uint8)
    z, y, x = mask.shape
    return LesionMask((z, y, x), box, region, np.zeros(box.shape, np.float32))


def _measure_empty(
    model: SegmentationModel, scan: Scan, patient: SyntheticScan, seed: int, rng: np.random.Generator
) -> list[EmptyMeasurement]:
    boxes: list[Box] = []
    inside = np.argwhere(patient.voxels[::8, ::8, ::8] > -200) * 8
    while len(boxes) < _EMPTY_BOXES:
        center = inside[rng.integers(len(inside))]
        half = np.maximum(rng.uniform(4, 15) / np.array(patient.geometry.spacing), 1).astype(int)
        low, high = (center - half).tolist(), (center + half + 1).tolist()
        box = Box((low[0], low[1], low[2]), (high[0], high[1], high[2])).clipped(patient.labels.shape)
        if box is not None and not patient.labels[box.slices].any():
            boxes.append(box)
    prompts = PromptSet.of(LesionPrompt(i, box) for i, box in enumerate(boxes, start=1))
    masks = model.segment(scan, prompts).masks
    return [
        EmptyMeasurement(seed, box, masks[i].voxels / int(np.prod(box.shape)) if i in masks else 0.0)
        for i, box in enumerate(boxes, start=1)
    ]


@dataclass(frozen=True)
class Examination:
    """A model, and what it is measured on.

    Parameters
    ----------
    folder, mirroring
        The model, the built-in one where None, and whether its eight mirrorings are averaged.
    lesions
        Lesions in each patient.
    background
        A real scan, whose uppermost part is the anatomy of every patient; phantoms where None.
    """

    folder: Path | None
    mirroring: bool
    lesions: int
    background: Path | None

    def measure(self, seed: int) -> tuple[list[Measurement], list[EmptyMeasurement]]:
        """Measure the model on the patient of a seed."""
        if self.background is None:
            patient = held_out_patient(seed, self.lesions)
        else:
            patient = held_out_real(self.background, seed, self.lesions)
        return measure_patient(_model(self.folder, self.mirroring), patient, seed)


@cache
def _model(folder: Path | None, mirroring: bool) -> SegmentationModel:
    return load_model(folder, device="cpu", mirroring=mirroring)


def evaluate(
    examination: Examination,
    seeds: Sequence[int],
    *,
    processes: int = 1,
    threads: int = 1,
    progress: Callable[[int, list[Measurement]], None] = lambda _seed, _found: None,
) -> dict[str, Any]:
    """Measure a model on held-out patients.

    Parameters
    ----------
    examination
        The model, and what it is measured on.
    seeds
        Patients, one for each seed.
    processes, threads
        Processes that share the patients, and CPU threads of the network in each.
    progress
        Called with the seed and its measurements after each patient, in order.

    Returns
    -------
    dict
        ``summary`` (mean Dice and count by prompt and size class, and how empty boxes came back), ``kinds``
        (mean Dice and count from 6 mm by kind of lesion) and
        ``lesions`` and ``empty_boxes``, the single measurements; ready for JSON.
    """
    found: list[Measurement] = []
    empty: list[EmptyMeasurement] = []
    spawn = get_context("spawn")  # a fork of a process whose threads run can hang
    with ProcessPoolExecutor(processes, spawn, torch.set_num_threads, (threads,)) as pool:
        for seed, (measured, unfilled) in zip(seeds, pool.map(examination.measure, seeds), strict=True):
            found += measured
            empty += unfilled
            progress(seed, measured)
    return {
        "summary": summarize(found, empty),
        "kinds": {kind: _by_kind(found, kind) for kind in _prompts(found)},
        "lesions": [asdict(m) for m in found],
        "empty_boxes": [asdict(m) for m in empty],
    }


def summarize(found: list[Measurement], empty: list[EmptyMeasurement]) -> dict[str, dict[str, Any]]:
    """Return mean Dice and counts by prompt and size class, and how boxes without a lesion came back."""
    return {kind: _by_size(found, kind) for kind in _prompts(found)} | {"empty_box": _filled(empty)}


def _prompts(found: list[Measurement]) -> list[str]:
    """Return the kinds of prompt that were measured, boxes and points at least."""
    kinds = [kind.value for kind in PromptKind]
    return kinds + [kind.value for kind in MaskKind if any(m.prompt == kind.value for m in found)]


def _by_size(found: list[Measurement], kind: str) -> dict[str, dict[str, float]]:
    classes = {f"{low:g}-{high:g} mm": (low, high) for low, high in SIZE_CLASSES_MM}
    classes[f"{_SMALLEST_OF_NOTE_MM:g} mm and more"] = (_SMALLEST_OF_NOTE_MM, float("inf"))
    table = {}
    for name, (low, high) in classes.items():
        scores = [m.dice for m in found if m.prompt == kind and low <= m.diameter_mm < high]
        if scores:
            table[name] = {
                "lesions": len(scores),
                "dice_mean": round(float(np.mean(scores)), 4),
                "dice_median": round(float(np.median(scores)), 4),
                "found": round(float(np.mean(np.array(scores) > 0.1)), 4),
            }
    return table


def _by_kind(found: list[Measurement], prompt: str) -> dict[str, dict[str, float]]:
    scores: dict[str, list[float]] = {}
    for m in found:
        if m.prompt == prompt and m.diameter_mm >= _SMALLEST_OF_NOTE_MM:
            scores.setdefault(m.kind, []).append(m.dice)
    return {
        kind: {"lesions": len(values), "dice_mean": round(float(np.mean(values)), 4)}
        for kind, values in sorted(scores.items())
    }


def _filled(empty: list[EmptyMeasurement]) -> dict[str, float]:
    filled = np.array([m.filled for m in empty])
    return {
        "boxes": len(empty),
        "returned_empty": round(float((filled == 0).mean()), 4),
        "filled_mean": round(float(filled.mean()), 4),
        "filled_95_percent": round(float(np.quantile(filled, 0.95)), 4),
        "more_than_half_filled": round(float((filled > 0.5).mean()), 4),
    }


def _floats(point: Shape) -> Triple:
    z, y, x = point
    return float(z), float(y), float(x)
