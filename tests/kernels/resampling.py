"""Calls of the resampling kernels for whole volumes and for regions, and views with odd strides."""

import numpy as np
import torch

from lesionlocator import _core

FUSED = torch.backends.cpu.get_cpu_capability() not in {"DEFAULT", "NO AVX"}
"""Whether torch's kernels fuse multiply and add here, as ours then do."""


def resampled(kernel, source, target_shape, *, region=None, out_dtype=None, **options):
    """Resample a whole array; ``region`` (start, stop) computes only that, from the source block it needs."""
    start, stop = region or ((0, 0, 0), tuple(target_shape))
    extent = tuple(b - a for a, b in zip(start, stop, strict=True))
    interpolation = {"trilinear": "linear", "labels": "linear"}.get(kernel, kernel)
    separate = {key: options[key] for key in ("separate_axis",) if key in options}
    first, last = _core.resample_source_block(
        interpolation,
        source_shape=source.shape,
        target_shape=tuple(target_shape),
        target_start=start,
        target_extent=extent,
        **separate,
    )
    block = source[tuple(slice(a, b) for a, b in zip(first, last, strict=True))]
    out = np.zeros(extent, out_dtype or np.float32)
    getattr(_core, f"resample_{kernel}")(
        block,
        out,
        source_shape=source.shape,
        source_start=first,
        target_shape=tuple(target_shape),
        target_start=start,
        **options,
    )
    return out


def strided_twins(array):
    """Return views of other arrays that equal ``array``: flipped, transposed, cut out of something larger."""
    flipped = np.ascontiguousarray(array[::-1, ::-1, ::-1])[::-1, ::-1, ::-1]
    transposed = np.ascontiguousarray(array.transpose(2, 0, 1)).transpose(1, 2, 0)
    larger = np.zeros(tuple(2 * n + 1 for n in array.shape), array.dtype)
    larger[1::2, 1::2, 1::2] = array
    return [flipped, transposed, larger[1::2, 1::2, 1::2]]


def random_region(rng, shape):
    start = tuple(int(rng.integers(0, n)) for n in shape)
    return start, tuple(int(rng.integers(a + 1, n + 1)) for a, n in zip(start, shape, strict=True))


def cut(array, region):
    return array[tuple(slice(a, b) for a, b in zip(*region, strict=True))]
