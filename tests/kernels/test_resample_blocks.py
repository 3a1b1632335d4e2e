"""Which block of one grid goes with which block of the other, value ranges, and what is refused."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from resampling import resampled

from lesionlocator import _core
from lesionlocator.errors import KernelError

sizes = st.integers(1, 30)


@st.composite
def grids(draw):
    """Draw source size, target size and a half-open range of the source, for each of three axes."""
    axes = []
    for _ in range(3):
        source, target = draw(sizes), draw(sizes)
        start = draw(st.integers(0, source - 1))
        axes.append((source, target, start, draw(st.integers(start + 1, source))))
    return tuple(zip(*axes, strict=True))


@settings(max_examples=60, deadline=None)
@given(grids())
def test_covered_voxels_are_those_that_torch_computes_without_touching_the_rest(grid):
    source_shape, target_shape, start, stop = grid
    inside = tuple(slice(a, b) for a, b in zip(start, stop, strict=True))
    source = torch.full(source_shape, math.nan)
    source[inside] = 1.0
    out = torch.nn.functional.interpolate(source[None, None], size=target_shape, mode="trilinear")[0, 0]
    covered = np.argwhere(torch.isfinite(out).numpy())
    block = _core.resample_covered_block(
        source_shape=source_shape,
        source_start=start,
        target_shape=target_shape,
        source_extent=tuple(b - a for a, b in zip(start, stop, strict=True)),
    )
    if len(covered) == 0:
        assert block is None
    else:
        assert block == (tuple(covered.min(0)), tuple(covered.max(0) + 1))
        assert len(covered) == math.prod(b - a for a, b in zip(*block, strict=True))


@settings(max_examples=60, deadline=None)
@given(grids(), st.sampled_from([0, 1, 2]))
def test_a_covered_block_needs_no_more_than_its_source_block(grid, axis):
    source_shape, target_shape, start, stop = grid
    block = _core.resample_covered_block(
        source_shape=source_shape,
        source_start=start,
        target_shape=target_shape,
        separate_axis=axis,
        source_extent=tuple(b - a for a, b in zip(start, stop, strict=True)),
    )
    if block is None:
        return
    needed = _core.resample_source_block(
        "linear",
        source_shape=source_shape,
        target_shape=target_shape,
        target_start=block[0],
        target_extent=tuple(b - a for a, b in zip(*block, strict=True)),
        separate_axis=axis,
    )
    assert all(a >= b for a, b in zip(needed[0], start, strict=True))
    assert all(a <= b for a, b in zip(needed[1], stop, strict=True))


def test_a_block_between_two_target_voxels_covers_none():
    assert (
        _core.resample_covered_block(
            source_shape=(9, 9, 9), source_start=(4, 4, 4), source_extent=(1, 1, 1), target_shape=(3, 3, 3)
        )
        is None
    )


def test_cubic_blocks_have_a_margin_of_sixteen_unless_sizes_are_equal():
    start, stop = _core.resample_source_block(
        "cubic",
        source_shape=(100, 100, 100),
        target_shape=(200, 100, 200),
        target_start=(100, 50, 0),
        target_extent=(1, 1, 1),
        separate_axis=2,
    )
    assert (start, stop) == ((48 - 16, 50, 0), (52 + 16, 51, 1))


@pytest.mark.parametrize("dtype", [np.int16, np.float32])
@pytest.mark.parametrize("axis", [None, 0, 1, 2])
def test_value_range_equals_numpy(dtype, axis):
    source = (np.random.default_rng(1).standard_normal((4, 5, 6)) * 100).astype(dtype)[::-1, :, ::2]
    others = None if axis is None else tuple(a for a in range(3) if a != axis)
    low, high = source.min(axis=others), source.max(axis=others)
    expected = np.stack([np.atleast_1d(low), np.atleast_1d(high)], axis=1)
    ours = _core.resample_value_range(source, axis=axis)
    assert ours.dtype == np.float32
    np.testing.assert_array_equal(ours, expected.astype(np.float32))


def test_value_range_ignores_nan():
    source = np.array([[[np.nan, 2, -3]], [[np.nan] * 3]], np.float32)
    np.testing.assert_array_equal(_core.resample_value_range(source, axis=0), [[-3, 2], [np.nan, np.nan]])
    np.testing.assert_array_equal(_core.resample_value_range(source), [[-3, 2]])


def arguments(**changes):
    frame = {
        "source_shape": (4, 4, 4),
        "source_start": (0, 0, 0),
        "target_shape": (8, 8, 8),
        "target_start": (0, 0, 0),
    }
    return {**frame, **changes}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"source_shape": (4, 4, 3)}, "source starts at"),
        ({"source_start": (0, 1, 0)}, "source starts at"),
        ({"target_start": (1, 0, 0)}, "out starts at"),
        ({"target_shape": (8, 8, 0)}, "out starts at"),
        ({"source_start": (2**64 - 1, 0, 0)}, "source starts at"),
        ({"source_shape": (9, 4, 4)}, "source block"),
        ({"separate_axis": 3}, "axis is 3"),
    ],
)
@pytest.mark.parametrize("kernel", ["trilinear", "cubic", "labels"])
def test_blocks_that_do_not_fit_are_refused(kernel, changes, message):
    dtype = np.uint8 if kernel == "labels" else np.float32
    limits = {"limits": np.zeros((1, 2), np.float32)} if kernel == "cubic" else {}
    with pytest.raises(KernelError, match=message):
        getattr(_core, f"resample_{kernel}")(
            np.zeros((4, 4, 4), dtype), np.zeros((8, 8, 8), dtype), **arguments(**changes), **limits
        )


def test_a_source_block_that_is_too_small_is_refused():
    with pytest.raises(KernelError, match="source block"):
        _core.resample_nearest(np.zeros((3, 4, 4), np.uint8), np.zeros((8, 8, 8), np.uint8), **arguments())


@pytest.mark.parametrize("kernel", ["trilinear", "nearest"])
def test_an_output_that_is_not_contiguous_is_refused(kernel):
    out = np.zeros((8, 8, 16), np.float32)[:, :, ::2]
    with pytest.raises(KernelError, match="C-contiguous"):
        getattr(_core, f"resample_{kernel}")(np.zeros((4, 4, 4), np.float32), out, **arguments())


@pytest.mark.parametrize("intensity", [(1, 0, 0, 1), (0, 1, 0, 0), (0, 1, math.nan, 1), (math.nan, 1, 0, 1)])
def test_an_impossible_intensity_is_refused(intensity):
    with pytest.raises(KernelError, match="intensity"):
        resampled("trilinear", np.zeros((2, 2, 2), np.int16), (3, 3, 3), intensity=intensity)


@pytest.mark.parametrize("shape", [(0, 2), (2, 2), (1, 3)])
@pytest.mark.parametrize("axis", [None, 0])
def test_limits_of_another_shape_are_refused(axis, shape):
    with pytest.raises(KernelError, match="limits has shape"):
        resampled(
            "cubic",
            np.zeros((4, 4, 4), np.float32),
            (3, 3, 3),
            separate_axis=axis,
            limits=np.zeros(shape, np.float32),
        )


def test_types_that_differ_are_refused():
    with pytest.raises(TypeError, match="same dtype"):
        _core.resample_nearest(np.zeros((4, 4, 4), np.uint8), np.zeros((8, 8, 8), np.uint16), **arguments())
    with pytest.raises(TypeError):
        _core.resample_trilinear(
            np.zeros((4, 4, 4), np.float64), np.zeros((8, 8, 8), np.float32), **arguments()
        )


def test_empty_arrays_and_grids_are_refused():
    with pytest.raises(KernelError):
        _core.resample_value_range(np.zeros((0, 3, 3), np.float32))
    with pytest.raises(KernelError):
        _core.resample_trilinear(
            np.zeros((0, 4, 4), np.float32), np.zeros((0, 8, 8), np.float32), **arguments()
        )
    with pytest.raises(KernelError):
        _core.resample_covered_block(
            source_shape=(4, 4, 4), source_start=(0, 0, 0), source_extent=(4, 4, 4), target_shape=(0, 4, 4)
        )
    with pytest.raises(KernelError):
        _core.resample_source_block(
            "linear",
            source_shape=(0, 4, 4),
            target_shape=(4, 4, 4),
            target_start=(0, 0, 0),
            target_extent=(4, 4, 4),
        )


def test_an_unknown_interpolation_is_refused():
    with pytest.raises(KernelError, match="nearest, linear, cubic"):
        _core.resample_source_block(
            "lanczos",
            source_shape=(4, 4, 4),
            target_shape=(4, 4, 4),
            target_start=(0, 0, 0),
            target_extent=(4, 4, 4),
        )


@pytest.mark.parametrize("interpolation", ["nearest", "linear", "cubic"])
def test_grids_beyond_single_precision_are_refused(interpolation):
    with pytest.raises(KernelError, match="16777216"):
        _core.resample_source_block(
            interpolation,
            source_shape=(2**64 - 1, 4, 4),
            target_shape=(4, 4, 4),
            target_start=(0, 0, 0),
            target_extent=(4, 4, 4),
        )
