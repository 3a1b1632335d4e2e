"""Synthetic follow-ups: what becomes of each lesion, and that image and labels tell the same."""

from __future__ import annotations

import numpy as np
import pytest

from lesionlocator.errors import InputError
from lesionlocator.filling import filled, grown, soften
from lesionlocator.geometry import Geometry
from lesionlocator.io import LabelMap, Scan
from lesionlocator.prompts.components import component_regions
from lesionlocator.synthetic.fates import Fate, LesionChange
from lesionlocator.synthetic.followup import SyntheticFollowup, make_followup
from lesionlocator.synthetic.inpaint import without
from lesionlocator.synthetic.warp import Warp, anatomy_nodes
from lesionlocator.training.validation import dice

SHAPE, SPACING = (48, 80, 90), (3.0, 2.0, 2.0)
LESION_HU, HOST_HU = 180, 50
# Label in the map, centre and radius in mm.
BALLS = {
    2: ((30, 60, 40), 9), 3: ((30, 60, 90), 9), 5: ((70, 50, 40), 9), 7: ((70, 50, 80), 9),
    8: ((110, 60, 40), 8), 9: ((110, 60, 66), 8), 20: ((110, 100, 100), 12), 30: ((30, 110, 100), 9),
}  # fmt: skip


def ball(center: tuple[int, ...], radius: float) -> np.ndarray:
    grids = np.ogrid[tuple(slice(n) for n in SHAPE)]
    return sum((g * s - c) ** 2 for g, s, c in zip(grids, SPACING, center, strict=True)) <= radius**2


@pytest.fixture(scope="module")
def baseline() -> tuple[Scan, LabelMap]:
    rng = np.random.default_rng(0)
    labels = np.zeros(SHAPE, np.uint8)
    for label, (center, radius) in BALLS.items():
        labels[ball(center, radius)] = label
    voxels = np.full(SHAPE, -1000.0)
    voxels[:, 6:-6, 6:-6] = HOST_HU
    voxels[labels > 0] = LESION_HU
    voxels += rng.normal(0, 5, SHAPE)
    geometry = Geometry(SHAPE, SPACING, (10.0, 20.0, 30.0))
    return Scan("case", voxels.astype(np.int16), geometry), LabelMap(labels, geometry)


@pytest.fixture(scope="module")
def followup(baseline: tuple[Scan, LabelMap]) -> SyntheticFollowup:
    fates = {
        2: Fate.GROWN, 3: Fate.SHRUNK, 5: Fate.MOVED, 7: Fate.GONE, 8: Fate.MERGED, 9: Fate.MERGED,
        20: Fate.SPLIT,
    }  # fmt: skip
    return make_followup(4, *baseline, fates=fates, new_lesions=2)


def test_each_lesion_has_its_fate_and_label(followup: SyntheticFollowup) -> None:
    assert followup.changes == (
        LesionChange(Fate.GROWN, 1, 1, 2),
        LesionChange(Fate.SHRUNK, 2, 2, 3),
        LesionChange(Fate.MOVED, 3, 3, 5),
        LesionChange(Fate.GONE, 4, None, 7),
        LesionChange(Fate.MERGED, 5, 5, 8),
        LesionChange(Fate.MERGED, 6, 5, 9),
        LesionChange(Fate.SPLIT, 7, 7, 20),
        LesionChange(Fate.SPLIT, 7, 9, 20),
        LesionChange(Fate.STABLE, 8, 8, 30),
        LesionChange(Fate.NEW, None, 10, None),
        LesionChange(Fate.NEW, None, 11, None),
    )
    assert np.unique(followup.baseline_labels).tolist() == list(range(9))
    assert np.unique(followup.labels).tolist() == [0, 1, 2, 3, 5, 7, 8, 9, 10, 11]


def test_volumes_tell_of_the_fates(followup: SyntheticFollowup, baseline: tuple[Scan, LabelMap]) -> None:
    before = np.bincount(followup.baseline_labels.ravel()) * baseline[0].geometry.voxel_volume_ml
    after = np.bincount(followup.labels.ravel()) * followup.geometry.voxel_volume_ml
    assert after[1] > 1.3 * before[1]
    assert after[2] < 0.8 * before[2]
    assert after[5] > before[5] + 0.8 * before[6]
    assert after[7] > after[9]
    assert after[7] + after[9] < before[7]
    assert after[8] == pytest.approx(before[8], rel=0.3)
    assert len(component_regions((followup.labels == 5).astype(np.uint8))) == 1


def test_lesions_are_bright_where_the_labels_say_and_nowhere_else(followup: SyntheticFollowup) -> None:
    for label in (1, 2, 3, 5, 7, 8, 9):
        assert np.median(followup.voxels[followup.labels == label]) > (LESION_HU + HOST_HU) / 2
    elsewhere = followup.voxels[followup.labels == 0]
    assert np.mean(elsewhere > (LESION_HU + HOST_HU) / 2 + 30) < 2e-3


@pytest.mark.parametrize("seed", [4, 40])
def test_lesions_look_as_large_as_their_labels_however_often_they_changed(
    baseline: tuple[Scan, LabelMap], seed: int
) -> None:
    first, lesions = baseline
    blurred = soften(first.voxels.astype(np.float32), (0.2, 0.2, 0.2)).astype(np.int16)
    scan = Scan("blurred", blurred, first.geometry)
    fates = {2: Fate.GROWN, 5: Fate.MOVED, 20: Fate.SHRUNK, 30: Fate.GROWN}
    label_of = {given: given for given in fates}
    for number in range(2):
        asked = {label_of[given]: fate for given, fate in fates.items()}
        made = make_followup(seed + number, scan, lesions, fates=asked, new_lesions=0)
        became = {change.given: change for change in made.changes}
        for given, fate in fates.items():
            change = became[label_of[given]]
            assert change.fate is fate
            label = made.labels == change.followup
            looks = (made.voxels > (LESION_HU + HOST_HU) / 2) & grown(label, 2)
            assert 0.75 < looks.sum() / label.sum() < 1.1, (given, number)  # a stable one: 0.87 to 0.99
            assert dice(looks, label) > 0.82, (given, number)
        label_of = {given: became[label].followup for given, label in label_of.items()}
        scan, lesions = Scan("followup", made.voxels, made.geometry), LabelMap(made.labels, made.geometry)


def test_the_followup_has_another_grid_near_that_of_the_baseline(
    followup: SyntheticFollowup, baseline: tuple[Scan, LabelMap]
) -> None:
    geometry = baseline[0].geometry
    assert followup.geometry.difference(geometry) is not None
    assert followup.geometry.spacing != geometry.spacing
    apart = followup.geometry.voxel_to_lps((0, 0, 0)) - geometry.voxel_to_lps((0, 0, 0))
    assert np.abs(apart).max() < 45
    stable = [
        grid.voxel_to_lps(tuple(np.argwhere(labels == 8).mean(axis=0)))
        for grid, labels in ((geometry, followup.baseline_labels), (followup.geometry, followup.labels))
    ]
    assert np.linalg.norm(stable[1] - stable[0]) < 50


def test_the_seed_decides(baseline: tuple[Scan, LabelMap]) -> None:
    first, again, other = (make_followup(seed, *baseline) for seed in (7, 7, 8))
    np.testing.assert_array_equal(first.voxels, again.voxels)
    np.testing.assert_array_equal(first.labels, again.labels)
    assert first.changes == again.changes
    assert other.voxels.shape != first.voxels.shape or (other.voxels != first.voxels).any()


def test_components_of_a_single_label_are_the_lesions(baseline: tuple[Scan, LabelMap]) -> None:
    scan, lesions = baseline
    mask = LabelMap((lesions.labels > 0).astype(np.uint8), lesions.geometry)
    made = make_followup(1, scan, mask, fates={}, new_lesions=0)
    assert made.baseline_labels.max() == len(BALLS)
    assert {change.fate for change in made.changes} <= {Fate.STABLE, Fate.OUT_OF_VIEW}


def test_a_scan_without_lesions_gets_new_ones(baseline: tuple[Scan, LabelMap]) -> None:
    scan, lesions = baseline
    made = make_followup(2, scan, LabelMap(np.zeros_like(lesions.labels), lesions.geometry), new_lesions=1)
    assert [change.fate for change in made.changes] == [Fate.NEW]
    assert made.labels.max() == 1
    assert not made.baseline_labels.any()


@pytest.mark.parametrize(
    ("fates", "message"),
    [
        ({4: Fate.GONE}, r"lesion 4 is not in the label map; it has \[2, 3"),
        ({2: Fate.MERGED}, "legal: pairs of lesions"),
        ({2: Fate.NEW}, "fate 'new' cannot be chosen"),
    ],
)
def test_impossible_fates_are_refused(
    baseline: tuple[Scan, LabelMap], fates: dict[int, Fate], message: str
) -> None:
    with pytest.raises(InputError, match=message):
        make_followup(1, *baseline, fates=fates)


def test_labels_on_another_grid_are_refused(baseline: tuple[Scan, LabelMap]) -> None:
    scan, lesions = baseline
    moved = LabelMap(lesions.labels, Geometry(SHAPE, SPACING, (0.0, 0.0, 0.0)))
    with pytest.raises(InputError, match="is not on the grid of case"):
        make_followup(1, scan, moved)


def test_a_flat_scan_is_refused() -> None:
    geometry = Geometry((4, 50, 50), SPACING)
    scan = Scan("flat", np.zeros(geometry.shape, np.int16), geometry)
    with pytest.raises(InputError, match="legal: 8 or more"):
        make_followup(1, scan, LabelMap(np.zeros(geometry.shape, np.uint8), geometry))


def test_filling_continues_a_slope() -> None:
    slope = np.broadcast_to(np.arange(20, dtype=np.float32), (20, 20, 20)).copy()
    known = np.ones(slope.shape, bool)
    known[8:13, 8:13, 8:13] = False
    assert np.abs(filled(np.where(known, slope, 999), known) - slope).max() < 1.5


def test_a_lesion_taken_out_leaves_its_host_with_the_scans_noise() -> None:
    rng = np.random.default_rng(3)
    block = rng.normal(HOST_HU, 8, (24, 24, 24)).astype(np.float32)
    lesion = np.zeros(block.shape, bool)
    lesion[8:16, 8:16, 8:16] = True
    block[lesion] += 100
    healthy = without(rng, block, lesion, np.zeros_like(lesion))
    assert healthy[lesion].mean() == pytest.approx(HOST_HU, abs=3)
    assert healthy[lesion].std() == pytest.approx(8, rel=0.35)
    np.testing.assert_array_equal(healthy[:5], block[:5])


def test_anatomy_does_not_fold() -> None:
    shape, spacing = (30, 40, 40), (6.0, 6.0, 6.0)
    for seed in range(2):
        nodes = anatomy_nodes(np.random.default_rng(seed), shape, spacing, (1.0, 1.0, 1.0))
        warp = Warp((0.0, 0.0, 0.0), spacing, nodes, shape)
        grid = np.stack(
            np.meshgrid(*(np.arange(n * s) for n, s in zip(shape, spacing, strict=True)), indexing="ij")
        )
        looks = np.stack([warp.image(g.astype(np.float32), outside=0.0) for g in grid])[:, 4:-4, 4:-4, 4:-4]
        jacobian = np.linalg.det(
            np.moveaxis(np.stack([np.gradient(looks[a], *spacing) for a in range(3)]), (0, 1), (-2, -1))
        )
        assert jacobian.min() > 0.1


def test_anatomy_keeps_volumes() -> None:
    shape, spacing = (40, 60, 60), (4.0, 4.0, 4.0)
    ratios = []
    for seed in range(6):
        nodes = anatomy_nodes(np.random.default_rng(seed), shape, spacing, spacing)
        warp = Warp((0.0, 0.0, 0.0), (1.0, 1.0, 1.0), nodes, shape)
        source = np.zeros(shape, np.uint8)
        source[12:24, 22:34, 22:34] = 1
        ratios.append(np.count_nonzero(warp.labels(source)) / np.count_nonzero(source))
    assert max(ratios) < 1.12
    assert min(ratios) > 0.88


def test_a_lesion_that_is_mostly_cut_off_is_out_of_view(baseline: tuple[Scan, LabelMap]) -> None:
    scan, _ = baseline
    labels = np.zeros(SHAPE, np.uint8)
    labels[:3, 30:50, 30:50] = 4  # slices that every crop of 10 % may cut
    labels[20:28, 30:50, 50:70] = 6
    cut = 0
    for seed in range(12):
        made = make_followup(seed, scan, LabelMap(labels, scan.geometry), fates={}, new_lesions=0)
        first, second = made.changes
        shown = np.count_nonzero(made.labels == 1) * made.geometry.voxel_volume_ml
        whole = np.count_nonzero(labels == 4) * scan.geometry.voxel_volume_ml
        assert (first.fate is Fate.OUT_OF_VIEW) == (shown < 0.5 * whole)
        assert first.followup == (1 if shown else None)
        assert second.fate is Fate.STABLE
        cut += first.fate is Fate.OUT_OF_VIEW
    assert 0 < cut < 12
