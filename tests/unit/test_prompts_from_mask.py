"""Prompts from masks, against scipy and numpy, and against the published prompt files of the same masks."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import ndimage

from lesionlocator.errors import InputError
from lesionlocator.geometry import Box
from lesionlocator.io.masks import read_labelmap
from lesionlocator.prompts.from_mask import MapKind, prompts_from_mask
from lesionlocator.prompts.kinds import PromptSet
from lesionlocator.prompts.published import published_text, read_published

SHAPES = st.tuples(*[st.integers(1, 7)] * 3)
LABEL_MAPS = st.sampled_from([np.uint8, np.uint16]).flatmap(
    lambda dtype: arrays(dtype, SHAPES, elements=st.sampled_from([0, 0, 0, 1, 2, 200]))
)


def assert_prompts_are_those_of(prompts: PromptSet, labels: np.ndarray) -> None:
    assert list(prompts.ids) == [int(i) for i in np.unique(labels) if i]
    for lesion in prompts:
        voxels = np.argwhere(labels == lesion.lesion_id)
        assert lesion.box == Box(tuple(voxels.min(axis=0).tolist()), tuple((voxels.max(axis=0) + 1).tolist()))
        assert lesion.point == pytest.approx(tuple(voxels.mean(axis=0)), rel=1e-12)


@given(labels=LABEL_MAPS.filter(np.any))
def test_labels_of_an_instance_map_are_the_lesions(labels: np.ndarray) -> None:
    assert_prompts_are_those_of(prompts_from_mask(labels, MapKind.INSTANCE), labels)


@given(labels=LABEL_MAPS.filter(np.any))
def test_components_of_a_semantic_map_are_the_lesions(labels: np.ndarray) -> None:
    components, _ = ndimage.label(labels, np.ones((3, 3, 3)))
    assert_prompts_are_those_of(prompts_from_mask(labels, MapKind.SEMANTIC), components)


def test_voxels_that_touch_at_a_corner_are_one_semantic_lesion() -> None:
    labels = np.zeros((4, 4, 4), np.uint8)
    labels[0, 0, 0] = labels[1, 1, 1] = 1
    labels[3, 3, 3] = 1
    assert prompts_from_mask(labels, MapKind.SEMANTIC).ids == (1, 2)


def test_an_instance_map_with_label_1_alone_stays_one_lesion() -> None:
    labels = np.zeros((4, 4, 4), np.uint8)
    labels[0, 0, 0] = labels[3, 3, 3] = 1
    prompts = prompts_from_mask(labels, MapKind.INSTANCE)
    assert prompts.ids == (1,)
    assert prompts[1].box == Box((0, 0, 0), (4, 4, 4))
    assert prompts[1].point == (1.5, 1.5, 1.5)


@pytest.mark.parametrize("kind", MapKind)
def test_a_mask_without_a_lesion_raises(kind: MapKind) -> None:
    with pytest.raises(InputError, match="the mask holds no lesion: all its voxels are 0"):
        prompts_from_mask(np.zeros((3, 4, 5), np.uint8), kind)


def test_the_mask_is_not_changed() -> None:
    labels = np.zeros((4, 4, 4), np.uint8)
    labels[1:3, 1:3, 1:3] = 1
    labels.flags.writeable = False
    prompts_from_mask(labels, MapKind.SEMANTIC)


@pytest.mark.parametrize(("case", "kind"), [("a", "instance"), ("b", "instance"), ("c", "semantic")])
def test_the_published_prompts_of_a_mask_are_written_byte_for_byte(
    conformance: Path, case: str, kind: str
) -> None:
    labels = read_labelmap(conformance / f"labels/{case}.nii.gz").labels
    text = published_text(prompts_from_mask(labels, MapKind(kind)))
    assert text == (conformance / f"prompts/{case}.json").read_text()


def test_the_published_prompts_of_a_padded_scan_are_found(conformance: Path) -> None:
    labels = read_labelmap(conformance / "labels/d.nii.gz").labels
    published = read_published(conformance / "prompts/d.json").prompts
    first_three = PromptSet(published.lesions[:3])  # the fourth is a box without a lesion
    assert published_text(prompts_from_mask(labels, MapKind.INSTANCE)) == published_text(first_three)
