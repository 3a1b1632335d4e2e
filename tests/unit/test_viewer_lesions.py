import numpy as np
import pytest

from lesionlocator.errors import InputError
from lesionlocator.geometry import Box
from lesionlocator.prompts.kinds import LesionPrompt
from lesionlocator.results.lesion import LesionMask, LesionResult, LesionStatus
from lesionlocator.viewer.lesions import GIVEN, LesionList

SHAPE = (4, 4, 4)


def mask() -> LesionMask:
    box = Box((1, 1, 1), (2, 2, 3))
    return LesionMask(SHAPE, box, np.ones(box.shape, np.uint8), np.ones(box.shape, np.float32))


def found(lesion_id: int) -> LesionResult:
    prompt = LesionPrompt(lesion_id, point=(1.0, 1.0, 1.0))
    return LesionResult(lesion_id, LesionStatus.SEGMENTED, prompt, found=mask())


def test_a_lesion_waits_until_it_is_accepted() -> None:
    lesions = LesionList()
    lesions.offer(found(lesions.free_id))
    assert (lesions.accepted, lesions.ids, lesions.version) == ({}, [1], 0)
    assert lesions.accept() == 1
    assert (list(lesions.accepted), lesions.candidate, lesions.version) == ([1], None, 1)
    with pytest.raises(InputError, match="no lesion waits"):
        lesions.accept()


def test_pointing_again_replaces_what_waits_and_keeps_its_id() -> None:
    lesions = LesionList({5: mask()})
    lesions.offer(found(lesions.free_id))
    assert lesions.free_id == 6
    lesions.offer(found(6))
    assert lesions.ids == [5, 6]
    lesions.accept()
    lesions.offer(found(6))
    assert lesions.candidate.lesion_id == 7


def test_masks_that_are_given_are_accepted_and_say_so() -> None:
    lesions = LesionList({7: mask(), 2: mask()})
    assert list(lesions.accepted) == [2, 7]
    assert lesions.accepted[7].warnings == (GIVEN,)


def test_renumbering_takes_the_prompt_along_and_keeps_ids_apart() -> None:
    lesions = LesionList()
    for lesion_id in (1, 2):
        lesions.offer(found(lesion_id))
        lesions.accept()
    lesions.renumber(1, 300)
    assert list(lesions.accepted) == [2, 300]
    renumbered = lesions.accepted[300]
    assert (renumbered.lesion_id, renumbered.prompt.lesion_id) == (300, 300)
    for lesion_id, new, told in (
        (2, 300, "lesion 300 is there already"),
        (2, 0, "lesion id 0 is not legal"),
        (2, 65536, "lesion id 65536 is not legal"),
        (9, 4, "there is no lesion 9; there are: 2, 300"),
    ):
        with pytest.raises(InputError, match=told):
            lesions.renumber(lesion_id, new)


def test_what_waits_can_be_renumbered_and_deleted() -> None:
    lesions = LesionList({1: mask()})
    lesions.offer(found(2))
    lesions.renumber(2, 8)
    assert lesions.candidate.lesion_id == 8
    lesions.delete(8)
    assert (lesions.candidate, lesions.version) == (None, 0)
    lesions.delete(1)
    assert (lesions.ids, lesions.version) == ([], 1)
    with pytest.raises(InputError, match="there is no lesion 1"):
        lesions.delete(1)


def test_the_next_id_is_free_even_where_the_largest_is_in_use() -> None:
    assert LesionList({65535: mask(), 1: mask()}).free_id == 2
