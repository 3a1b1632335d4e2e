"""Lesions grow where they could be, and can be told from what is around them."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from lesionlocator.synthetic import LesionKind, LesionSite, Scanner, insert_lesion
from lesionlocator.synthetic.pieces import instances
from lesionlocator.synthetic.tissue import Tissue

CLEAR = Scanner((0.0, 0.0, 0.0), (0.0, 0.0, 0.0), noise_hu=0.0)
SHAPE = (40, 40, 40)
MIDDLE = (20, 20, 20)
HAZY = {LesionKind.PART_SOLID, LesionKind.GROUND_GLASS}
IN_BONE = {LesionKind.SCLEROTIC, LesionKind.LYTIC}
Drawn = tuple[LesionKind, NDArray[np.float32], NDArray[np.bool_]]


def drawn_in(
    tissue: NDArray[np.uint8],
    before: NDArray[np.float32],
    *,
    center: tuple[int, int, int] = MIDDLE,
    diameter_mm: float = 20.0,
) -> Iterator[Drawn]:
    """Yield kind, HU and mask of lesions of consecutive seeds on voxels of 1.5 mm."""
    site = LesionSite(center, Tissue(int(tissue[center])))
    for seed in range(150):
        after, labels = before.copy(), np.zeros(SHAPE, np.uint8)
        kind = insert_lesion(
            np.random.default_rng(seed),
            after,
            labels,
            tissue,
            spacing=(1.5, 1.5, 1.5),
            site=site,
            diameter_mm=diameter_mm,
            label=1,
            scanner=CLEAR,
        )
        if kind is not None:
            yield kind, after, labels == 1


def lung_beside_a_wall() -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """Return lung at -830 HU, a vessel in it, and from y = 26 on muscle."""
    tissue, hounsfield = np.full(SHAPE, Tissue.LUNG, np.uint8), np.full(SHAPE, -830, np.float32)
    tissue[:, 26:], hounsfield[:, 26:] = Tissue.MUSCLE, 60
    tissue[19:21, 18:20, :], hounsfield[19:21, 18:20, :] = Tissue.BLOOD, 200
    return tissue, hounsfield


def test_ground_glass_stays_in_the_lung_and_hides_no_vessels() -> None:
    tissue, before = lung_beside_a_wall()
    seen = set()
    for kind, after, mask in drawn_in(tissue, before):
        if kind in HAZY:
            seen.add(kind)
            assert not (mask | (after != before))[tissue == Tissue.MUSCLE].any()
            assert (mask & (tissue == Tissue.BLOOD)).any()
            assert (after >= before - 40)[mask].all()  # texture aside
    assert seen == HAZY


def test_ground_glass_is_denser_than_a_dense_lung() -> None:
    tissue, before = np.full(SHAPE, Tissue.LUNG, np.uint8), np.full(SHAPE, -500, np.float32)
    means = [after[mask].mean() for kind, after, mask in drawn_in(tissue, before) if kind in HAZY]
    assert len(means) > 10
    assert min(means) > -500 + 100


def test_solid_lesions_of_the_lung_may_grow_into_its_wall() -> None:
    tissue, before = lung_beside_a_wall()
    solid = [mask for kind, _, mask in drawn_in(tissue, before) if kind is LesionKind.SOLID]
    assert any(mask[:, 26:].any() for mask in solid)


def test_a_lesion_of_bone_stays_near_the_bone() -> None:
    tissue, before = np.full(SHAPE, Tissue.MUSCLE, np.uint8), np.full(SHAPE, 60, np.float32)
    tissue[:, 17:23], before[:, 17:23] = Tissue.BONE, 450
    masks = [mask for kind, _, mask in drawn_in(tissue, before, diameter_mm=45.0) if kind in IN_BONE]
    assert len(masks) > 20
    for mask in masks:
        assert not mask[:, :14].any()
        assert not mask[:, 26:].any()


def test_what_looks_like_its_host_is_not_drawn() -> None:
    soft, bone = np.full(SHAPE, Tissue.MUSCLE, np.uint8), np.full(SHAPE, Tissue.MARROW, np.uint8)
    for tissue, level, kind in ((soft, 5, LesionKind.CYSTIC), (bone, 52, LesionKind.LYTIC)):
        alike = [abs(np.median(after[mask]) - level) for _, after, mask in lesions_of(kind, tissue, level)]
        apart = list(lesions_of(kind, tissue, level + 120))
        assert len(apart) > 5
        assert len(alike) < 0.6 * len(apart)
        assert all(difference > 24 for difference in alike)


def lesions_of(kind: LesionKind, tissue: NDArray[np.uint8], level: float) -> Iterator[Drawn]:
    return (one for one in drawn_in(tissue, np.full(SHAPE, level, np.float32)) if one[0] is kind)


def test_partial_volume_far_from_the_skin_does_not_cut_a_lesion() -> None:
    tissue, before = np.full(SHAPE, Tissue.LUNG, np.uint8), np.full(SHAPE, -830, np.float32)
    tissue[:, 16], tissue[:, :4], tissue[:, 4:6] = Tissue.SKIN, Tissue.AIR, Tissue.SKIN
    solid = [mask for kind, _, mask in drawn_in(tissue, before) if kind is LesionKind.SOLID]
    assert any(mask[:, 16].any() for mask in solid)
    for _, _, mask in drawn_in(tissue, before, center=(20, 9, 20)):
        assert not mask[:, :6].any()


def test_a_lesion_is_one_piece() -> None:
    tissue, before = np.full(SHAPE, Tissue.MUSCLE, np.uint8), np.full(SHAPE, 60, np.float32)
    tissue[:, 24:26] = Tissue.BONE  # what grows beyond it would be a second piece
    for _, after, mask in drawn_in(tissue, before):
        assert instances(mask.astype(np.uint8)).max() == 1
        assert not (mask | (after != before))[:, 24:].any()
