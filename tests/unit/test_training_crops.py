"""Crops of bodies as scanners show them, and how they come to the model's grid."""

from __future__ import annotations

import numpy as np
import pytest

from lesionlocator.prompts.kinds import MaskKind, PromptKind
from lesionlocator.synthetic import Anatomy
from lesionlocator.synthetic.tissue import Tissue
from lesionlocator.training import crops, recipe, samples
from lesionlocator.training.crops import ScannedCrop, scanned_crop
from lesionlocator.training.samples import Body, draw_sample, make_bodies
from lesionlocator.training.shown_patches import SHOWN_PATCHES, ShownPatch

EXTENT_MM = np.array([30.0, 36.0, 24.0])
MIDDLE = np.array((32, 45, 55))


@pytest.fixture(scope="module")
def bodies() -> list[Body]:
    return list(make_bodies(3, 2, shape=(64, 90, 110)))


def drawn_crop(seed: int, anatomy: Anatomy, *, is_real: bool = False) -> ScannedCrop:
    return scanned_crop(np.random.default_rng(seed), anatomy, MIDDLE, EXTENT_MM, (6.0, 12.0), is_real=is_real)


def test_a_crop_shows_what_was_asked_for_in_voxels_of_its_own(bodies: list[Body]) -> None:
    sizes = set()
    for seed in range(30):
        crop = drawn_crop(seed, bodies[0].anatomy)
        z, y, x = crop.spacing
        sizes.add((z, y))
        assert y == x
        assert 1.0 <= z <= 5.5
        assert 0.7 <= y <= 1.6
        covered = np.multiply(crop.voxels.shape, crop.spacing)
        assert (crop.start_mm >= 0).all()
        assert (crop.start_mm + EXTENT_MM <= covered + 1e-9).all()
        assert crop.voxels.dtype == np.int16
        assert crop.labels.shape == crop.tissue.shape == crop.voxels.shape
    assert len(sizes) == 30


def test_hu_are_interpolated_and_tissues_are_those_of_the_nearest_voxel() -> None:
    z, y, x = np.meshgrid(*(np.arange(n) for n in (20, 22, 24)), indexing="ij")
    tissue = np.where(x < 12, Tissue.LIVER, Tissue.LUNG).astype(np.uint8)
    anatomy = Anatomy(tissue, (10 * z + 3 * y - 5 * x).astype(np.int16), (1.5, 1.5, 1.5))
    corner, sides, shape = np.array([3.0, 4.5, 6.0]), np.array([2.5, 0.8, 0.8]), np.array([6, 20, 25])
    hounsfield, named = crops._resampled(anatomy, corner, sides, shape)
    at = [(c + (np.arange(n) + 0.5) * s) / 1.5 - 0.5 for c, n, s in zip(corner, shape, sides, strict=True)]
    a, b, c = np.meshgrid(*at, indexing="ij")
    np.testing.assert_allclose(hounsfield, 10 * a + 3 * b - 5 * c, atol=1e-3)
    np.testing.assert_array_equal(named, np.where(np.rint(c) < 12, Tissue.LIVER, Tissue.LUNG))


def test_crops_at_the_edge_of_a_body_stay_inside(bodies: list[Body]) -> None:
    anchors = bodies[0].anchors
    outermost = {*anchors.argmin(axis=0).tolist(), *anchors.argmax(axis=0).tolist()}
    for seed, k in enumerate(sorted(outermost)):
        crop = scanned_crop(
            np.random.default_rng(seed),
            bodies[0].anatomy,
            anchors[k],
            np.array([36.0, 36.0, 36.0]),
            (5.0, 9.0),
            is_real=False,
        )
        assert (crop.start_mm + 36.0 <= np.multiply(crop.voxels.shape, crop.spacing) + 1e-9).all()


def test_a_lesion_grows_in_the_tissue_it_was_asked_for_in() -> None:
    """Little lung in much muscle: most lesions would be of muscle if the tissue were drawn afresh."""
    tissue = np.full((64, 64, 64), Tissue.MUSCLE, np.uint8)
    tissue[30:36, 30:36, 30:36] = Tissue.LUNG
    anatomy = Anatomy(tissue, np.where(tissue == Tissue.LUNG, -850, 50).astype(np.int16), recipe.SPACING_MM)
    in_lung = []
    for seed in range(20):
        crop = scanned_crop(
            np.random.default_rng(seed), anatomy, np.full(3, 33), EXTENT_MM, (5.0, 6.0), is_real=False
        )
        if (crop.labels == 1).any():
            in_lung.append((crop.tissue[crop.labels == 1] == Tissue.LUNG).mean())
    assert len(in_lung) > 10
    assert min(in_lung) > 0.2
    assert np.mean(in_lung) > 0.6


@pytest.mark.parametrize("shown", SHOWN_PATCHES, ids=lambda s: f"{s.patch[0]} of {s.spacing[0]} mm")
def test_samples_show_lesions_of_the_sizes_that_are_seen_so(bodies: list[Body], shown: ShownPatch) -> None:
    rng = np.random.default_rng(4)
    for _ in range(25):
        sample = draw_sample(rng, bodies, shown)
        low, high = shown.diameters_mm(np.random.default_rng(0), sample.kind)
        assert sample.inputs.shape == (2, *shown.patch)
        assert sample.target.shape == sample.parts.shape == shown.patch
        if sample.target.any() and sample.kind is not PromptKind.POINT:
            where = np.argwhere(sample.target)
            # a wavy edge reaches farther, and a thick slice shows a lesion larger than it is
            assert np.linalg.norm(np.ptp(where, axis=0) * shown.spacing) < 1.8 * high + 11
            assert (sample.parts[sample.target] == samples.LESION).all()
        assert low < high


def test_prompts_lie_on_their_lesions(bodies: list[Body]) -> None:
    rng = np.random.default_rng(9)
    overlaps: dict[object, list[float]] = {}
    for _ in range(120):
        sample = draw_sample(rng, bodies, SHOWN_PATCHES[0])
        if sample.target.sum() > 60:
            dense = sample.inputs[1] > 0
            shared = (dense & sample.target).sum() / sample.target.sum()
            overlaps.setdefault(sample.kind, []).append(float(shared))
    assert np.median(overlaps[PromptKind.BOX]) > 0.95
    assert np.mean(overlaps[PromptKind.BOX]) > 0.85  # those of earlier scans lie less well
    assert np.mean(overlaps[MaskKind.PREVIOUS]) > 0.35  # of lesions that changed, and moved
    assert min(overlaps[PromptKind.POINT]) > 0


def test_what_scanners_show_reaches_the_network_at_its_place() -> None:
    """Lesions in a body of one tissue differ from it where the target says they are."""
    tissue = np.full((80, 80, 80), Tissue.LIVER, np.uint8)
    body = Body(Anatomy(tissue, np.full(tissue.shape, 60, np.int16), recipe.SPACING_MM), MIDDLE[None])
    rng = np.random.default_rng(2)
    apart = []
    for _ in range(60):
        sample = draw_sample(rng, [body], SHOWN_PATCHES[1])
        if sample.target.sum() > 100 and (sample.parts == samples.LESION).sum() == sample.target.sum():
            image = sample.inputs[0]
            apart.append(abs(image[sample.target].mean() - image[~sample.target].mean()))
    assert len(apart) > 5
    assert np.mean(apart) > 0.1


def test_boxes_in_a_large_patch_are_of_lesions_that_no_smaller_one_fits(bodies: list[Body]) -> None:
    drawn = [draw_sample(np.random.default_rng(k), bodies, SHOWN_PATCHES[-1]) for k in range(100)]

    def longest(kind: PromptKind) -> list[int]:
        return [
            int(np.ptp(np.argwhere(s.target), axis=0).max()) + 1
            for s in drawn
            if s.kind is kind and s.target.any()
        ]

    assert min(longest(PromptKind.POINT)) <= 5
    assert np.quantile(longest(PromptKind.BOX), 0.2) >= 8
