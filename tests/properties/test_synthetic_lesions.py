"""What holds for every lesion drawn into a body."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lesionlocator.synthetic import LesionSite, Scanner, insert_lesion, random_site
from lesionlocator.synthetic.sites import host_shares, site_in
from lesionlocator.synthetic.tissue import Tissue

CLEAR = Scanner((0.0, 0.0, 0.0), (0.0, 0.0, 0.0), noise_hu=0.0)
SHAPE = (24, 28, 26)
SEEDS = st.integers(0, 2**32)
DIAMETERS = st.floats(3, 40)
SPACINGS = st.tuples(st.floats(1, 5), st.floats(0.7, 2), st.floats(0.7, 2))


def half_lung_half_wall() -> np.ndarray:
    tissue = np.full(SHAPE, Tissue.LUNG, dtype=np.uint8)
    tissue[:, 16:] = Tissue.MUSCLE
    tissue[:, 20:] = Tissue.BONE
    tissue[:, 24:] = Tissue.AIR
    return tissue


@settings(deadline=None, max_examples=60)
@given(seed=SEEDS, diameter=DIAMETERS, spacing=SPACINGS)
def test_a_lesion_changes_only_its_neighbourhood(
    seed: int, diameter: float, spacing: tuple[float, float, float]
) -> None:
    rng = np.random.default_rng(seed)
    tissue = half_lung_half_wall()
    labels = np.zeros(SHAPE, np.uint8)
    labels[:, :3] = 1
    before = np.full(SHAPE, -800, np.float32)
    after = before.copy()
    site = random_site(rng, tissue, spacing, diameter)
    assert site is not None
    kind = insert_lesion(
        rng, after, labels, tissue, spacing=spacing, site=site, diameter_mm=diameter, label=2, scanner=CLEAR
    )
    changed = after != before
    drawn = labels == 2
    assert drawn.any() == (kind is not None)
    assert changed.any() <= (kind is not None)
    assert (labels[:, :3] == 1).all()
    assert not changed[:, :3].any()
    assert not (drawn | changed)[tissue == Tissue.AIR].any()
    if site.host is not Tissue.BONE:
        assert not (drawn | changed)[tissue == Tissue.BONE].any()
    reach = (np.argwhere(drawn) - site.center) * spacing
    assert (np.abs(reach) <= 0.8 * diameter + 3.0 * np.array(spacing)).all()


@settings(deadline=None, max_examples=60)
@given(seed=SEEDS, diameter=DIAMETERS)
def test_a_site_lies_in_its_host(seed: int, diameter: float) -> None:
    tissue = half_lung_half_wall()
    site = random_site(np.random.default_rng(seed), tissue, (1.5, 1.5, 1.5), diameter)
    assert site is not None
    assert tissue[site.center] == site.host
    assert site.host in {Tissue.LUNG, Tissue.MUSCLE, Tissue.BONE}


@settings(deadline=None, max_examples=60)
@given(seed=SEEDS, diameter=DIAMETERS, host=st.sampled_from([Tissue.LUNG, Tissue.MUSCLE, Tissue.BONE]))
def test_a_site_lies_in_the_tissue_asked_for(seed: int, diameter: float, host: Tissue) -> None:
    tissue = half_lung_half_wall()
    site = site_in(host, np.random.default_rng(seed), tissue, (1.5, 1.5, 1.5), diameter)
    assert site.host is host
    assert tissue[site.center] == host


def test_shares_of_tissues_are_of_those_that_can_have_lesions() -> None:
    shares = host_shares(half_lung_half_wall())
    assert set(shares) == {Tissue.LUNG, Tissue.MUSCLE, Tissue.BONE}
    assert sum(shares.values()) == pytest.approx(1.0)
    assert shares[Tissue.LUNG] == pytest.approx(2 * shares[Tissue.MUSCLE])
    few = half_lung_half_wall()
    few[few == Tissue.LUNG] = Tissue.AIR
    few[0, 0, :5] = Tissue.LUNG  # a hundredth of the 500 voxels from which on a tissue counts in full
    assert host_shares(few)[Tissue.LUNG] == pytest.approx(0.01 * 2 * host_shares(few)[Tissue.MUSCLE])
    assert host_shares(np.full((4, 4, 4), Tissue.AIR, np.uint8)) == {}


@given(seed=SEEDS)
def test_there_is_no_site_in_air(seed: int) -> None:
    tissue = np.full((4, 4, 4), Tissue.AIR, np.uint8)
    assert random_site(np.random.default_rng(seed), tissue, (1.0, 1.0, 1.0), 5.0) is None


def test_a_lesion_without_room_changes_nothing() -> None:
    labels = np.ones(SHAPE, np.uint8)
    hounsfield = np.zeros(SHAPE, np.float32)
    kind = insert_lesion(
        np.random.default_rng(0),
        hounsfield,
        labels,
        half_lung_half_wall(),
        spacing=(1.5, 1.5, 1.5),
        site=LesionSite((8, 8, 8), Tissue.LUNG),
        diameter_mm=12.0,
        label=2,
        scanner=CLEAR,
    )
    assert kind is None
    assert not hounsfield.any()
    assert (labels == 1).all()
