"""What surrounds a network call: stitching of tiles, and the way back to the scan."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest
import torch

from lesionlocator import _core
from racing import Racing, Traffic
from volumes import PATCH, frame

_SCAN, _GRID = PATCH
_PEAK = 10.0


def logits() -> np.ndarray:
    """Return smooth logits of two classes, (2, z, y, x)."""
    coarse = np.random.default_rng(1).standard_normal((1, 2, 20, 28, 28)).astype(np.float32)
    tensor = torch.nn.functional.interpolate(torch.from_numpy(coarse), size=_GRID, mode="trilinear")
    return tensor[0].numpy()


def weight_map() -> np.ndarray:
    z, y, x = (_core.stitch_gaussian(n) for n in _GRID)
    return (_PEAK * z[:, None, None] * y[:, None] * x).astype(np.float32)


def race_stitching(race: Racing) -> None:
    both = torch.from_numpy(logits())
    difference = (both[1] - both[0]).numpy()
    weights = torch.from_numpy(weight_map())
    total, theirs = np.zeros(_GRID, np.float32), torch.zeros(both.shape)

    def accumulate() -> np.ndarray:
        _core.stitch_accumulate(total, difference, start=(0, 0, 0))
        return total

    race(
        "a tile into the stitched logits",
        accumulate,
        "torch float32 addcmul_, both classes",
        lambda: theirs.addcmul_(both, weights),
        equal=lambda a, b: np.allclose(a, b[1] - b[0], rtol=1e-5, atol=1e-4),
        goals={1: 1.5, 2: 1.5},
        traffic=Traffic(read=3 * difference.nbytes),
    )


@pytest.mark.parametrize("kind", [torch.float32, torch.float16])
def race_stitching_into_half(race: Racing, kind: torch.dtype) -> None:
    """A network gives float32 on a CPU and float16 on a GPU; sums and weights in float16 take either."""
    both = torch.from_numpy(logits())
    difference = (both[1] - both[0]).numpy()
    weights = torch.from_numpy(weight_map()).half()
    total, theirs = np.zeros(_GRID, np.float32), torch.zeros(both.shape, dtype=torch.float16)
    given = both.to(kind)

    def accumulate() -> np.ndarray:
        _core.stitch_accumulate(total, difference, start=(0, 0, 0))
        return total

    name = str(kind).removeprefix("torch.")
    race(
        f"a tile into the stitched logits, against {name} into float16",
        accumulate,
        "torch float16, both classes",
        lambda: theirs.add_(given * weights),
        equal=lambda a, b: np.allclose(a, (b[1] - b[0]).float(), rtol=0.01, atol=0.1),
        goals={1: 8, 2: 8} if kind == torch.float32 else None,
        traffic=Traffic(read=3 * difference.nbytes),
    )


def race_export(race: Racing) -> None:
    both = logits()
    difference = both[1] - both[0]

    def ours() -> np.ndarray:
        found = np.empty(_SCAN, np.float32)
        _core.resample_trilinear(difference, found, **frame(_GRID, _SCAN))
        out = np.empty(_SCAN, np.uint8)
        _core.stitch_foreground(found, out)
        return out

    def theirs() -> np.ndarray:
        tensor = torch.from_numpy(both)[None]
        return torch.nn.functional.interpolate(tensor, size=_SCAN, mode="trilinear")[0].numpy().argmax(0)

    race(
        "a patch's logits to a mask on the scan",
        ours,
        "torch interpolate + numpy argmax",
        theirs,
        # A logit within rounding of 0 may fall either way.
        equal=lambda a, b: np.count_nonzero(a != b) <= 1e-5 * a.size,
        goals={1: 10, 2: 10},
        traffic=Traffic(read=difference.nbytes),
    )


def race_foreground(race: Racing) -> None:
    both = logits()

    def ours(difference: np.ndarray) -> np.ndarray:
        out = np.empty(_GRID, np.uint8)
        _core.stitch_foreground(difference, out)
        return out

    difference = both[1] - both[0]
    race(
        "mask of a patch's logits",
        partial(ours, difference),
        "numpy argmax",
        lambda: both.argmax(0),
        goals={1: 20, 2: 20},
        traffic=Traffic(read=difference.nbytes, fresh=difference.size),
    )
