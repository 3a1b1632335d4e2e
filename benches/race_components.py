"""Connected components and their statistics against cc3d."""

from __future__ import annotations

from functools import partial

import cc3d
import numpy as np
import pytest

from lesionlocator import _core
from racing import Racing, Traffic
from volumes import BODY, PATCH, QUARTER, dense, lesions


@pytest.fixture(scope="module")
def mask(quick: bool) -> np.ndarray:
    shape = (QUARTER if quick else BODY)[0]
    return (lesions(shape, 50 if quick else 200) > 0).astype(np.uint8)


def numbered(mask: np.ndarray, kind: type, connectivity: int) -> np.ndarray:
    out = np.zeros(mask.shape, kind)
    _core.components_label(mask, out, connectivity=connectivity)
    return out


def numbered_with_statistics(mask: np.ndarray, kind: type) -> tuple[np.ndarray, tuple[np.ndarray, ...]]:
    out = np.zeros(mask.shape, kind)
    return out, _core.components_instances(mask, connectivity=26, out=out)


def theirs(mask: np.ndarray) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    labels = cc3d.connected_components(mask, connectivity=26)
    return labels, cc3d.statistics(labels)


def same_statistics(found: tuple[np.ndarray, ...], expected: dict[str, np.ndarray]) -> bool:
    _, counts, boxes, centroids = found
    slices = expected["bounding_boxes"][1:]
    return (
        np.array_equal(counts, expected["voxel_counts"][1:])
        and np.array_equal(boxes, [[(s.start, s.stop) for s in box] for box in slices])
        and np.allclose(centroids, expected["centroids"][1:], rtol=0, atol=1e-3)
    )


@pytest.mark.parametrize("kind", [np.uint16, np.uint32])
def race_labels_and_statistics(race: Racing, mask: np.ndarray, kind: type) -> None:
    race(
        f"components as {kind.__name__} and statistics, body",
        partial(numbered_with_statistics, mask, kind),
        "cc3d, both",
        partial(theirs, mask),
        equal=lambda a, b: np.array_equal(a[0], b[0]) and same_statistics(a[1], b[1]),
        goals={1: 12, 2: 20},
        # There is a lesion in nearly every huge page of the output.
        traffic=Traffic(read=mask.nbytes, fresh=mask.size * np.dtype(kind).itemsize),
    )


def race_statistics(race: Racing, mask: np.ndarray) -> None:
    race(
        "statistics of components, body",
        partial(_core.components_instances, mask, connectivity=26),
        "cc3d, both",
        partial(theirs, mask),
        equal=lambda a, b: same_statistics(a, b[1]),
        goals={1: 30, 2: 50},
        traffic=Traffic(read=mask.nbytes),
    )


def race_patch(race: Racing) -> None:
    mask = (lesions(PATCH[1], 20) > 0).astype(np.uint8)

    race(
        "components and statistics, one patch",
        partial(numbered_with_statistics, mask, np.uint16),
        "cc3d, both",
        partial(theirs, mask),
        equal=lambda a, b: np.array_equal(a[0], b[0]) and same_statistics(a[1], b[1]),
        goals={1: 12, 2: 20},
    )


@pytest.mark.parametrize(("share", "connectivity"), [(0.3, 26), (0.3, 6), (0.1, 6)])
def race_dense_noise(race: Racing, share: float, connectivity: int) -> None:
    mask = dense(QUARTER[0], share)
    race(
        f"components of dense noise, {share:.0%}, {connectivity}-connected",
        partial(numbered, mask, np.uint32, connectivity),
        "cc3d",
        partial(cc3d.connected_components, mask, connectivity=connectivity),
        goals={2: 1 / 1.2},
    )
