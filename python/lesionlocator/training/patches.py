"""Training and validation patches of cached cases, each with a simulated prompt."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from lesionlocator.errors import InputError
from lesionlocator.prompts.kinds import Kind
from lesionlocator.training import augment
from lesionlocator.training.simulated import dense_prompt, drawn_kind, empty_prompt

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lesionlocator.geometry import Shape, Triple
    from lesionlocator.synthetic.warp import Warp
    from lesionlocator.training.cache import CachedCase, CachedLesion

_EMPTY_FRACTION = 0.2
_WANDER = 0.12
"""Typical distance of a lesion from the middle of its patch, as a fraction of the patch."""
_TRIES = 100


@dataclass(frozen=True, eq=False)
class Patch:
    """What the network gets and should answer.

    Parameters
    ----------
    inputs
        Channels and dense prompt, float32, (channels + 1, z, y, x).
    target
        The prompted lesion, bool, (z, y, x); empty where the prompt holds none.
    kind, diameter_mm
        Of the prompt, and of the lesion; 0 where there is none.
    """

    inputs: NDArray[np.float32]
    target: NDArray[np.bool_]
    kind: Kind
    diameter_mm: float


@dataclass(frozen=True)
class Sampler:
    """Draws patches from cases.

    Parameters
    ----------
    cases
        Where from.
    patch, spacing
        Voxels of a patch, and mm of the grid.
    kinds
        Prompts to simulate.

    Raises
    ------
    InputError
        Where no case has a lesion.
    """

    cases: Sequence[CachedCase]
    patch: Shape
    spacing: Triple
    kinds: tuple[Kind, ...]

    def __post_init__(self) -> None:
        if not any(case.lesions for case in self.cases):
            names = ", ".join(case.name for case in self.cases[:5])
            raise InputError(f"no lesion in any of {len(self.cases)} cases: {names}")

    def draw(self, rng: np.random.Generator) -> Patch:
        """Return an augmented patch around a lesion, or for a fifth a prompt that holds none."""
        for _ in range(_TRIES):
            case = self.cases[int(rng.integers(len(self.cases)))]
            lesion = None
            if case.lesions and rng.random() >= _EMPTY_FRACTION:
                lesion = case.lesions[int(rng.integers(len(case.lesions)))]
            shape = np.array(case.labels.shape)
            if lesion is None:
                center = rng.uniform(0, shape - 1)
            else:
                center = np.clip(lesion.center + rng.normal(0, _WANDER, 3) * self.patch, 0, shape - 1)
            warp = augment.spatial(rng, _triple(center), self.patch, self.spacing)
            made = self._cut(rng, case, lesion, warp, drawn_kind(rng, self.kinds))
            if made is not None:
                flips = tuple(axis for axis in (-3, -2, -1) if rng.random() < 0.5)
                image = augment.intensities(rng, made.inputs[:-1])
                inputs = np.flip(np.concatenate([image, made.inputs[-1:]]), flips)
                return replace(
                    made, inputs=np.ascontiguousarray(inputs), target=np.flip(made.target, flips).copy()
                )
        raise InputError(f"found no usable patch in {_TRIES} tries; are the scans full of lesions?")

    def fixed(self, limit: int) -> list[Patch]:
        """Return unchanged patches of up to ``limit`` lesions of all cases, with each kind of prompt."""
        lesions = [(case, lesion) for case in self.cases for lesion in case.lesions]
        chosen = lesions[:: max(len(lesions) // limit, 1)][:limit]
        patches = []
        for number, (case, lesion) in enumerate(chosen):
            for kind in self.kinds:
                rng = np.random.default_rng([number, 13])
                warp = augment.plain_crop(_triple(np.asarray(lesion.center, float)), self.patch)
                made = self._cut(rng, case, lesion, warp, kind)
                if made is not None and made.target.any():
                    patches.append(made)
        return patches

    def _cut(
        self, rng: np.random.Generator, case: CachedCase, lesion: CachedLesion | None, warp: Warp, kind: Kind
    ) -> Patch | None:
        """Return a patch without intensity augmentation; None where there is no room for an empty prompt."""
        block, local = _needed(warp, case.labels.shape)
        labels = local.labels(np.ascontiguousarray(case.labels[block]))
        target = np.zeros(self.patch, bool) if lesion is None else labels == lesion.label
        if target.any():
            dense: NDArray[np.float32] | None = dense_prompt(rng, target, kind)
        else:
            dense = empty_prompt(rng, labels, kind)
        if dense is None or not dense.any():
            return None
        image = [local.image(channel[block].astype(np.float32), outside=0.0) for channel in case.image]
        diameter = lesion.diameter_mm if lesion is not None and target.any() else 0.0
        return Patch(np.stack([*image, dense]), target, kind, diameter)


def _needed(warp: Warp, shape: tuple[int, ...]) -> tuple[tuple[slice, ...], Warp]:
    """Return the block of a grid that a warp looks at, and the warp over that block."""
    last = np.asarray(warp.shape) - 1
    nodes = warp.nodes.reshape(3, -1)
    low = np.floor(np.asarray(warp.start) + nodes.min(axis=1)) - 1
    high = np.ceil(np.asarray(warp.start) + np.asarray(warp.step) * last + nodes.max(axis=1)) + 2
    first = np.clip(low, 0, np.asarray(shape) - 1).astype(int)
    stop = np.clip(high, first + 1, shape).astype(int)
    block = tuple(slice(int(a), int(b)) for a, b in zip(first, stop, strict=True))
    return block, replace(warp, start=_triple(np.asarray(warp.start) - first))


def _triple(values: NDArray[np.float64]) -> Triple:
    z, y, x = (float(v) for v in values)
    return z, y, x
