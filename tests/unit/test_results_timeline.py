"""What becomes of a lesion: every state, how they follow each other, and what they are compared with."""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from course_cases import GONE, SHAPE, UNSEEN, block, found, line, scan_of, there
from lesionlocator.errors import InputError
from lesionlocator.geometry import Box
from lesionlocator.prompts.kinds import LARGEST_ID
from lesionlocator.results.changes import Change, ChangeLimits
from lesionlocator.results.course import CourseOptions, Examination, State, Tracked
from lesionlocator.results.lesion import LesionMask
from lesionlocator.results.timeline import build_course

LOOSE = CourseOptions(ChangeLimits(0.25, 0.25, 0.0))


def course_of(*lengths, options=LOOSE, dates=None):
    """The course of lesion 1 as a line of so many voxels: 0 is not found, None not looked for."""
    dates = dates or [None] * len(lengths)
    tracked = [UNSEEN if n is None else GONE if n == 0 else there(line(40, 40 + n)) for n in lengths]
    scans = [Examination(f"t{k}", {1: t}, d) for k, (t, d) in enumerate(zip(tracked, dates, strict=True))]
    return build_course(scans, options).lesions[1].timepoints


def states(course, lesion_id):
    return [None if point is None else point.state.value for point in course.lesions[lesion_id].timepoints]


@pytest.mark.parametrize(
    ("lengths", "expected"),
    [
        ((8,), ["present"]),
        ((8, 9), ["present", "stable"]),
        ((8, 10), ["present", "grown"]),
        ((8, 7), ["present", "stable"]),
        ((8, 6), ["present", "shrunk"]),
        ((20, 4, 5), ["present", "shrunk", "grown"]),
        ((20, 16, 19), ["present", "stable", "stable"]),
        ((20, 16, 15), ["present", "stable", "shrunk"]),
        ((20, 10, 12), ["present", "shrunk", "shrunk"]),
        ((8, 0), ["present", "disappeared"]),
        ((8, 0, 0), ["present", "disappeared", "disappeared"]),
        ((8, 0, 8, 8), ["present", "disappeared", "reappeared", "stable"]),
        ((8, 0, None, 8), ["present", "disappeared", "not_assessed", "reappeared"]),
        ((8, None, 8), ["present", "not_assessed", "stable"]),
        ((0, 8), ["not_assessed", "present"]),
        ((0, 0, 8, 8), ["not_assessed", "not_assessed", "present", "stable"]),
        ((None, 0), ["not_assessed", "not_assessed"]),
    ],
)
def test_states_follow_the_sizes(lengths, expected):
    assert [point.state.value for point in course_of(*lengths)] == expected


@settings(max_examples=60)
@given(st.lists(st.one_of(st.none(), st.integers(0, 30)), min_size=1, max_size=6))
def test_whatever_the_sizes_each_state_says_whether_the_lesion_is_there(lengths):
    for length, point in zip(lengths, course_of(*lengths), strict=True):
        missing = point.state in (State.DISAPPEARED, State.NOT_ASSESSED)
        assert missing == (not length) == (point.measurements is None) == (point.pieces == 0)
        assert (length is None) <= (point.state is State.NOT_ASSESSED)


@settings(max_examples=20)
@given(st.lists(st.one_of(st.none(), st.integers(0, 30)), min_size=2, max_size=5))
def test_later_timepoints_do_not_change_earlier_ones(lengths):
    assert course_of(*lengths)[:-1] == course_of(*lengths[:-1])


def test_changes_are_from_the_first_and_the_smallest_size():
    points = course_of(11, 6, 21)
    assert points[0].since_baseline is points[0].since_nadir is None
    assert points[1].since_baseline == points[1].since_nadir == Change(round(6 / 11 - 1, 12), -0.5)
    assert points[2].since_baseline == Change(round(21 / 11 - 1, 12), 1.0)
    assert points[2].since_nadir == Change(2.5, 3.0)


def test_a_timepoint_without_the_lesion_is_no_nadir():
    assert course_of(8, 0, 4)[2].since_nadir == Change(-0.5, round(3 / 7 - 1, 12))


def test_nadirs_of_volume_and_diameter_may_be_of_different_scans():
    compact = found(block((2, 2, 40), (4, 4, 42)))  # 8 voxels, diagonal of one voxel each way
    scans = [scan_of(l1=there(lesion)) for lesion in (line(40, 46), compact, line(40, 46))]
    last = build_course(scans, LOOSE).lesions[1].timepoints[2]
    assert last.since_nadir.volume == 0.0
    assert last.since_nadir.longest_diameter == pytest.approx(5 / 2**0.5 - 1)


def test_the_doubling_time_is_since_the_last_size():
    days = [date(2024, 1, 1), date(2024, 1, 11), date(2024, 1, 31), date(2024, 3, 1)]
    points = course_of(4, 8, 0, 16, dates=days)
    assert [point.doubling_days for point in points] == [None, 10.0, None, 50.0]


def test_without_a_date_there_is_no_doubling_time():
    assert course_of(4, 8, 16, dates=[date(2024, 1, 1), None, date(2024, 2, 1)])[2].doubling_days is None


def test_a_merged_lesion_names_the_other_and_keeps_its_sizes_out():
    scans = [
        scan_of(l1=there(line(0, 10)), l2=there(line(20, 24))),
        scan_of(l1=there(line(0, 24)), l2=there(line(4, 24))),
        scan_of(l1=there(line(0, 10)), l2=there(line(20, 24))),
    ]
    course = build_course(scans, LOOSE)
    assert states(course, 1) == ["present", "grown", "stable"]
    assert states(course, 2) == ["present", "merged", "stable"]
    merged = course.lesions[2].timepoints[1]
    assert (merged.related, merged.since_baseline) == (1, None)
    assert course.lesions[2].timepoints[2].since_nadir.volume == 0.0
    assert course.lesions[1].timepoints[1].warnings[-1] == "holds what was lesion 2 too"


def test_baseline_prompts_that_overlap_have_not_merged():
    scans = [scan_of(l1=there(line(0, 10)), l2=there(line(0, 10)))]
    assert states(build_course(scans), 2) == ["present"]


def test_labels_without_track_are_new_and_parts_are_split():
    labelled = {3: line(0, 9), 4: line(11, 20), 9: line(100, 105)}
    course = build_course(
        [scan_of(l5=there(line(0, 20))), scan_of(l5=there(line(0, 20)), labelled=labelled)], LOOSE
    )
    assert states(course, 5) == ["present", "stable"]
    assert states(course, 6) == [None, "split"]
    assert states(course, 7) == [None, "new"]
    own, split, new = (course.lesions[i].timepoints[1] for i in (5, 6, 7))
    assert (own.label, split.label, new.label) == (3, 4, 9)
    assert (own.related, split.related, new.related) == (None, 5, None)


def test_a_new_lesion_can_be_tracked_on_under_its_id():
    first = [scan_of(l5=there(line(0, 4))), scan_of(l5=there(line(0, 4)), labelled={1: line(60, 64)})]
    assert list(build_course(first).lesions) == [5, 6]
    second = scan_of(l5=GONE, l6=there(line(60, 72)))
    assert states(build_course([*first, second]), 6) == [None, "new", "grown"]
    assert states(build_course([*first, scan_of(l5=GONE)]), 6) == [None, "new", "not_assessed"]


def test_lesions_within_one_label_have_merged():
    course = build_course(
        [
            scan_of(l1=there(line(0, 5)), l2=there(line(8, 12))),
            scan_of(l1=there(line(0, 6)), l2=there(line(6, 12)), labelled={7: line(0, 12)}),
        ]
    )
    assert states(course, 2) == ["present", "merged"]
    assert [course.lesions[i].timepoints[1].label for i in (1, 2)] == [7, 7]


def test_a_label_where_a_lost_lesion_was_expected_says_so():
    lost = Tracked(None, expected=line(60, 66).mask)
    course = build_course([scan_of(l1=there(line(0, 4))), scan_of(l1=lost, labelled={1: line(60, 64)})])
    assert states(course, 1) == ["present", "disappeared"]
    (warning,) = course.lesions[2].timepoints[1].warnings
    assert warning == "lies where lesion 1 was expected, which tracking did not find"


def test_a_prompt_added_at_a_follow_up_is_new():
    course = build_course([scan_of(l1=there(line(0, 4))), scan_of(l1=GONE, l3=there(line(9, 12)))])
    assert states(course, 3) == [None, "new"]


def test_ids_above_all_run_out_last():
    labelled = {1: line(60, 64), 2: line(70, 74)}
    highest = {LARGEST_ID - 1: there(line(0, 4))}
    course = build_course([Examination("a", highest), Examination("b", highest, labelled=labelled)])
    assert list(course.lesions) == [1, LARGEST_ID - 1, LARGEST_ID]


def test_pieces_count_only_where_they_are_large_enough():
    box = Box((2, 2, 0), (3, 3, 30))
    region = np.zeros(box.shape, np.uint8)
    region[..., :17], region[..., 20:22], region[..., 25:26] = 1, 1, 1
    mask = LesionMask(SHAPE, box, region, np.zeros(box.shape, np.float32))
    assert build_course([scan_of(l1=there(found(mask)))]).lesions[1].timepoints[0].pieces == 2
    options = CourseOptions(piece_fraction=0.05)
    assert build_course([scan_of(l1=there(found(mask)))], options).lesions[1].timepoints[0].pieces == 3
    options = CourseOptions(piece_fraction=1.0)
    assert build_course([scan_of(l1=there(found(mask)))], options).lesions[1].timepoints[0].pieces == 1


def test_warnings_are_kept_and_the_border_is_told():
    (point,) = build_course([scan_of(l1=there(line(0, 4), "lost_in_warp"))]).lesions[1].timepoints
    assert point.warnings[0] == "lost_in_warp"
    assert "touches the border" in point.warnings[1]


def test_dates_out_of_order_are_refused_also_across_one_without_date():
    scans = [scan_of("a", date=date(2024, 2, 1)), scan_of("b"), scan_of("c", date=date(2024, 1, 31))]
    with pytest.raises(InputError, match="c is of 2024-01-31, before a of 2024-02-01"):
        build_course(scans)


def test_no_examination_is_refused():
    with pytest.raises(InputError, match="there is no examination"):
        build_course([])


def test_a_label_map_of_the_baseline_is_refused():
    with pytest.raises(InputError, match="bl: a baseline has no label map"):
        build_course([scan_of("bl", labelled={})])


def test_an_impossible_piece_fraction_is_refused():
    with pytest.raises(InputError, match="piece fraction is 0"):
        CourseOptions(piece_fraction=0)
