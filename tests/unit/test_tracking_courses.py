"""Lesions through pairs and chains of scans, with networks that find just the prompt, or nothing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tracking_cases import SHAPE, Answering, cuboid, identity_map, scan, tracker

from lesionlocator.errors import InputError
from lesionlocator.following import course
from lesionlocator.following.learned import Learned
from lesionlocator.following.origin import origin_of
from lesionlocator.geometry import Box, Geometry, Orientation
from lesionlocator.io import LabelMap, Scan, read_labelmap
from lesionlocator.longitudinal import TrackingModel
from lesionlocator.results.lesion import LesionStatus
from lesionlocator.results.segmentation import Segmentation
from lesionlocator.tracked_pair import TrackedLesion

LABELS = cuboid(SHAPE, (9, 10, 8), (13, 14, 12), 2) + cuboid(SHAPE, (15, 20, 17), (18, 24, 22), 30)
BASELINE, FIRST, SECOND = (scan(seed=k, name=name) for k, name in enumerate(("bl", "fu1", "fu2")))
PROMPTS = LabelMap(LABELS, BASELINE.geometry)


def moved(by: float) -> Callable[[], np.ndarray]:
    """Return a map that takes the baseline's lesions ``by`` of the height of the scan towards slice 0."""
    return lambda: identity_map() + np.array([by, 0, 0], np.float32).reshape(3, 1, 1, 1)


def follow(
    member: Answering, followups: list[Scan], prompts: object, *, baseline: Scan = BASELINE, **options: bool
) -> tuple[Segmentation, ...]:
    """Follow lesions by the tracking networks."""
    method = Learned(tracker(member), as_published=options.pop("as_published", False))
    return course.follow(method, origin_of(prompts, baseline), followups, **options).followups


def boxes(result: Segmentation) -> dict[int, Box]:
    return {i: mask.box for i, mask in result.masks.items()}


def lesion(result: Segmentation, lesion_id: int) -> TrackedLesion:
    found = result.lesions[lesion_id]
    assert isinstance(found, TrackedLesion)
    return found


def test_lesions_keep_their_ids_and_move_with_the_map() -> None:
    result = tracker(Answering(phi=moved(0.25))).track_pair(BASELINE, FIRST, PROMPTS)
    assert boxes(result) == {2: Box((3, 10, 8), (7, 14, 12)), 30: Box((9, 20, 17), (12, 24, 22))}
    assert result.scan is FIRST
    assert all(i == found.lesion_id for i, found in result.lesions.items())
    assert not lesion(result, 2).lost_in_warp
    assert lesion(result, 2).warped.box == Box((3, 10, 8), (7, 14, 12))
    assert lesion(result, 2).seconds.keys() == {"prepare", "network", "export"}


def test_scans_are_registered_once_for_all_lesions() -> None:
    members = Answering(mirrorings=((), (1,))), Answering()
    steps = []
    tracker(*members).track_pair(BASELINE, FIRST, PROMPTS, progress=steps.append)
    assert [member.registered for member in members] == [2, 1]
    assert [len(member.patches) for member in members] == [4, 2]
    assert [(step.done, step.total) for step in steps] == [(k, 9) for k in range(1, 10)]
    assert [step.lesion_id for step in steps] == [0] * 3 + [2] * 3 + [30] * 3


def test_work_can_be_done_in_parts() -> None:
    member = Answering()
    work = tracker(member).prepare(BASELINE, FIRST, PROMPTS)
    assert work.lesion_ids == [2, 30]
    assert [found.lesion_id for found in work.run(only=[30])] == [30]
    assert [found.lesion_id for found in work.run(only=[2])] == [2]
    assert list(work.run(only=[])) == []
    assert member.registered == 1
    assert work.seconds.keys() == {"registration"}


def test_masks_may_overlap_and_come_from_a_segmentation() -> None:
    masks = {7: cuboid(SHAPE, (9, 10, 8), (13, 14, 12)), 4: cuboid(SHAPE, (11, 12, 8), (15, 16, 12))}
    made = tracker(Answering())
    first = made.track_pair(BASELINE, FIRST, masks)
    assert boxes(first) == {7: Box((9, 10, 8), (13, 14, 12)), 4: Box((11, 12, 8), (15, 16, 12))}
    assert boxes(made.track_pair(FIRST, SECOND, first)) == boxes(first)


def test_what_the_network_does_not_find_is_empty() -> None:
    nothing = Answering(logits=lambda patch: -np.ones(patch.shape[1:]))
    found = lesion(tracker(nothing).track_pair(BASELINE, FIRST, PROMPTS), 2)
    assert found.status is LesionStatus.EMPTY
    assert found.warnings[0] == "the network found no lesion at this prompt"
    assert found.in_view


def test_refused_lesions_are_in_the_result() -> None:
    masks = {1: cuboid(SHAPE, (9, 10, 8), (13, 14, 12)), 5: np.zeros(SHAPE, np.uint8)}
    result = tracker(Answering()).track_pair(BASELINE, FIRST, masks)
    assert {i: found.status for i, found in result.lesions.items()} == {
        1: LesionStatus.SEGMENTED,
        5: LesionStatus.REFUSED,
    }
    assert result.lesions[5].warnings == ("its mask is empty",)


def test_a_lesion_outside_what_the_followup_shows() -> None:
    long = scan((60, 30, 28), name="long")
    short = Scan("short", long.voxels[25:50], Geometry((25, 30, 28), (1, 1, 1)))
    labels = cuboid((60, 30, 28), (2, 10, 8), (6, 14, 12), 1) + cuboid(
        (60, 30, 28), (30, 10, 8), (34, 14, 12), 2
    )
    result = tracker(Answering()).track_pair(long, short, LabelMap(labels, long.geometry))
    assert boxes(result) == {2: Box((5, 10, 8), (9, 14, 12))}
    outside = lesion(result, 1)
    assert (outside.status, outside.in_view, outside.warped) == (LesionStatus.EMPTY, False, None)
    assert outside.warnings == ("the lesion lies outside what the follow-up shows",)


def test_a_followup_that_is_cut_has_its_masks_in_its_own_slices() -> None:
    long = scan((60, 30, 28), name="long")
    short = Scan("short", long.voxels[25:50], Geometry((25, 30, 28), (1, 1, 1)))
    labels = cuboid((25, 30, 28), (5, 10, 8), (9, 14, 12), 3)
    member = Answering(mirrorings=((), (0,), (0, 1, 2)))
    result = tracker(member).track_pair(short, long, LabelMap(labels, short.geometry))
    assert boxes(result) == {3: Box((30, 10, 8), (34, 14, 12))}


def test_a_lesion_lost_in_the_warp_is_looked_for_and_marked() -> None:
    def jump() -> np.ndarray:
        phi = identity_map()
        phi[0] = np.where(phi[0] < 0.5, phi[0] * 0.8, phi[0] * 1.2)
        return phi

    labels = cuboid(SHAPE, (12, 15, 14), (13, 16, 15), 6)
    found = lesion(
        tracker(Answering(phi=jump)).track_pair(BASELINE, FIRST, LabelMap(labels, BASELINE.geometry)), 6
    )
    assert found.lost_in_warp
    assert "vanished in the registration" in found.warnings[0]
    assert found.found.voxels == 1


def test_a_chain_goes_on_from_what_was_found() -> None:
    results = follow(Answering(phi=moved(0.125)), [FIRST, SECOND], PROMPTS)
    assert boxes(results[0])[2] == Box((6, 10, 8), (10, 14, 12))
    assert boxes(results[1])[2] == Box((3, 10, 8), (7, 14, 12))


def test_from_the_baseline_every_followup_is_a_pair_of_its_own() -> None:
    results = follow(Answering(phi=moved(0.125)), [FIRST, SECOND], PROMPTS, from_previous=False)
    assert [boxes(result)[2] for result in results] == [Box((6, 10, 8), (10, 14, 12))] * 2


def test_a_lesion_that_was_missed_is_looked_for_where_it_should_have_been() -> None:
    answers = iter([-1, 1])

    class Forgetful(Answering):
        def logit_differences(self, patches: list[np.ndarray]) -> list[np.ndarray]:
            found = super().logit_differences(patches)
            return found if next(answers) > 0 else [-np.ones_like(one) for one in found]

    member = Forgetful(phi=moved(0.125))
    labels = LabelMap(cuboid(SHAPE, (9, 10, 8), (13, 14, 12), 2), BASELINE.geometry)
    first, second = follow(member, [FIRST, SECOND], labels)
    assert first.lesions[2].status is LesionStatus.EMPTY
    assert boxes(second)[2] == Box((3, 10, 8), (7, 14, 12))
    assert member.registered == 2


def test_a_lesion_out_of_view_is_tracked_from_where_it_was_last_seen() -> None:
    long = scan((60, 30, 28), name="long")
    short = Scan("short", long.voxels[25:50], Geometry((25, 30, 28), (1, 1, 1)))
    labels = cuboid((60, 30, 28), (2, 10, 8), (6, 14, 12), 1) + cuboid(
        (60, 30, 28), (30, 10, 8), (34, 14, 12), 2
    )
    member = Answering()
    scans, prompts = [short, replace(long, name="again")], LabelMap(labels, long.geometry)
    _, last = follow(member, scans, prompts, baseline=long)
    assert boxes(last) == {1: Box((2, 10, 8), (6, 14, 12)), 2: Box((30, 10, 8), (34, 14, 12))}
    assert member.registered == 3


def test_a_single_slice_is_tracked() -> None:
    flat, later = scan((1, 30, 28), name="flat"), scan((1, 30, 28), seed=1, name="later")
    labels = LabelMap(cuboid((1, 30, 28), (0, 10, 8), (1, 14, 12), 2), flat.geometry)
    result = tracker(Answering()).track_pair(flat, later, labels)
    assert boxes(result) == {2: Box((0, 10, 8), (1, 14, 12))}


def test_scans_of_other_spacing_and_size_keep_lesions_at_their_relative_place() -> None:
    coarse = scan((12, 15, 14), name="coarse", spacing=(2, 2, 2))
    result = tracker(Answering()).track_pair(BASELINE, coarse, PROMPTS)
    middle = lesion(result, 30).found.box
    assert middle.start[0] in (7, 8)
    assert middle.stop[0] in (8, 9)
    assert boxes(result)[2].start[1:] == (5, 4)


def test_scans_that_do_not_resemble_each_other_are_noted() -> None:
    result = tracker(Answering()).track_pair(BASELINE, FIRST, PROMPTS)
    assert "fu1 hardly resembles bl" in result.notes[0]
    assert all("similarity to bl" in found.warnings[-1] for found in result.lesions.values())
    assert tracker(Answering()).track_pair(BASELINE, replace(BASELINE, name="same"), PROMPTS).notes == ()


def test_scans_in_different_orders_are_seen_in_one() -> None:
    turned = BASELINE.oriented(Orientation((2, 0, 1), (False, True, False)))
    made = tracker(Answering())
    result = made.track_pair(BASELINE, replace(turned, name="turned"), PROMPTS)
    assert "different axis orders" in result.notes[0]
    wanted = Orientation((2, 0, 1), (False, True, False)).view(LABELS)
    np.testing.assert_array_equal(result.labelmap, wanted)
    assert made.track_pair(BASELINE, FIRST, PROMPTS, canonical=True).labelmap.any()


def test_prompts_that_cannot_be_used_are_refused_before_any_network_runs() -> None:
    member = Answering()
    with pytest.raises(InputError, match="holds no lesion"):
        tracker(member).track_pair(BASELINE, FIRST, LabelMap(np.zeros(SHAPE, np.uint8), BASELINE.geometry))
    with pytest.raises(InputError, match="no mask is given"):
        tracker(member).track_pair(BASELINE, FIRST, {})
    assert member.registered == 0


def test_marks_of_the_published_system_are_drawn_only_when_asked_for() -> None:
    voxels = BASELINE.voxels.copy()
    voxels[0, :4, :4] = 0
    holed = Scan("holed", voxels, BASELINE.geometry)
    masks = {1: cuboid(SHAPE, (4, 6, 6), (7, 9, 9))}
    labels = LabelMap(masks[1] * np.uint8(2), holed.geometry)
    for prompts, as_published, lowest in ((masks, True, -1), (masks, False, 0), (labels, True, 0)):
        member = Answering()
        tracker(member).track_pair(holed, FIRST, prompts, as_published=as_published)
        assert member.patches[0][1].min() == lowest


def test_masks_found_on_the_way_are_marked_as_single_ones() -> None:
    voxels = FIRST.voxels.copy()
    voxels[0, :4, :4] = 0
    labels = LabelMap(cuboid(SHAPE, (4, 6, 6), (7, 9, 9), 2), BASELINE.geometry)
    member = Answering()
    follow(member, [Scan("holed", voxels, FIRST.geometry), SECOND], labels, as_published=True)
    assert [patch[1].min() for patch in member.patches] == [0, -1]


def test_results_are_saved_like_those_of_segmenting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made: TrackingModel = tracker(Answering())
    monkeypatch.setattr(type(made.folder), "checksum", lambda folder, folds: "abc")
    made.track_pair(BASELINE, FIRST, PROMPTS).save(tmp_path)
    names = {path.name for path in tmp_path.iterdir()}
    assert names == {"fu1_lesion_2.nii.gz", "fu1_lesion_30.nii.gz", "fu1_lesions.nii.gz", "fu1_lesions.json"}
    np.testing.assert_array_equal(read_labelmap(tmp_path / "fu1_lesions.nii.gz").labels, LABELS)
