"""A mask does not depend on how its scan is stored, where the network sees canonical axes."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pytest

import lesionlocator as ll
import tiny_models
from lesionlocator.geometry import Box, Geometry, Orientation
from lesionlocator.io import LabelMap, Scan
from lesionlocator.prompts.kinds import LesionPrompt, PromptSet

SHAPE = (20, 24, 28)
BOX, POINT = Box((6, 9, 11), (12, 15, 19)), (8.0, 11.0, 14.0)
ORIENTATIONS = [
    Orientation(axes, flips)
    for axes in itertools.permutations(range(3))
    for flips in itertools.product((False, True), repeat=3)
]
OBLIQUE = (1.0, 0.0, 0.0, 0.0, 0.96, -0.28, 0.0, 0.28, 0.96)


@pytest.fixture(scope="module")
def canonical() -> Scan:
    voxels = np.random.default_rng(0).integers(-500, 500, SHAPE, dtype=np.int16)
    return Scan("noise", voxels, Geometry(SHAPE, (2.5, 1.2, 1.4), (-50.0, 20.0, 7.0), OBLIQUE))


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> ll.SegmentationModel:
    folder = tmp_path_factory.mktemp("model")
    tiny_models.write(folder, {**tiny_models.plans(), "orientation": "LPS"}, axes=())
    return ll.load_model(folder, device="cpu")


def stored(scan: Scan, orientation: Orientation) -> Scan:
    """Return the scan as another scanner might have stored it."""
    voxels = np.ascontiguousarray(orientation.view(scan.voxels))
    return Scan(scan.name, voxels, orientation.geometry(scan.geometry))


@pytest.mark.parametrize("kind", ["box", "point", "mask"])
def test_all_48_orders_of_storing_a_scan_give_the_same_mask(
    canonical: Scan, model: ll.SegmentationModel, kind: str
) -> None:
    lesion = LesionPrompt(4, BOX, POINT)
    drawn = np.zeros(SHAPE, np.uint8)
    drawn[BOX.slices] = 4
    expected = model.segment(
        canonical, PromptSet((lesion,)), prompt_type="point" if kind == "point" else "box"
    )
    if kind == "mask":
        expected = model.segment(canonical, LabelMap(drawn, canonical.geometry))
    assert expected.lesions[4].found is not None
    for orientation in ORIENTATIONS:
        scan = stored(canonical, orientation)
        moved = LesionPrompt(4, orientation.box(BOX, SHAPE), orientation.point(POINT, SHAPE))
        turned = LabelMap(np.ascontiguousarray(orientation.view(drawn)), scan.geometry)
        prompts = turned if kind == "mask" else PromptSet((moved,))
        result = model.segment(scan, prompts, prompt_type="point" if kind == "point" else "box")
        np.testing.assert_array_equal(orientation.restored(result.labelmap), expected.labelmap)
        assert result.notes == ()


def test_a_published_model_sees_the_stored_order_and_says_where_that_is_not_axial(
    canonical: Scan, tmp_path: Path
) -> None:
    tiny_models.write(tmp_path, tiny_models.plans())
    published = ll.load_model(tmp_path, device="cpu", mirroring=False)
    sagittal = stored(canonical, Orientation((2, 0, 1)))
    prompts = PromptSet((LesionPrompt(4, Orientation((2, 0, 1)).box(BOX, SHAPE)),))
    as_stored = published.segment(sagittal, prompts)
    assert "not stored as axial slices" in as_stored.notes[0]
    turned = published.segment(sagittal, prompts, canonical=True)
    expected = published.segment(canonical, PromptSet((LesionPrompt(4, BOX),)))
    np.testing.assert_array_equal(Orientation((2, 0, 1)).restored(turned.labelmap), expected.labelmap)
    assert not np.array_equal(as_stored.labelmap, turned.labelmap)
