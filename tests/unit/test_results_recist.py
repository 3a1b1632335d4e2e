"""RECIST 1.1 at the boundaries of its rules (sections of Eisenhauer et al. 2009)."""

from __future__ import annotations

from typing import Any

import pytest

from lesionlocator.errors import InputError
from lesionlocator.results.recist import Category, evaluate, overall, target_response
from lesionlocator.results.recist_targets import Listed, Role, assign

CR, PR, SD, PD, NE = Category.CR, Category.PR, Category.SD, Category.PD, Category.NE
NON = Category.NON_CR_NON_PD
NODE = Listed(is_node=True)


def size(longest: float, short: float | None = None) -> dict[str, float]:
    short = longest if short is None else short
    return {
        "longest_diameter_mm": longest,
        "perpendicular_diameter_mm": short,
        "volume_ml": longest / 10,
    }


def entry(longest: float | None, status: str = "stable", related: int | None = None) -> dict[str, Any]:
    """An entry of tracking.json; None is a lesion that has disappeared."""
    measured = None if longest is None else size(longest)
    if measured is None and status == "stable":
        status = "disappeared"
    return {"status": status, "related_lesion_id": related, "measurements": measured}


MISSING = {"status": "not_assessed", "related_lesion_id": None, "measurements": None}


def roles(
    sizes: dict[int, float], listed: dict[int, Listed] | None = None, **options: Any
) -> dict[int, Role]:
    assigned = assign({i: size(value) for i, value in sizes.items()}, listed or {}, **options)
    return {i: lesion.role for i, lesion in assigned.items()}


def categories(
    lesions: dict[int, list[Any]], listed: dict[int, Listed] | None = None
) -> list[Category | None]:
    return [point.category for point in timepoints(lesions, listed)]


def timepoints(lesions: dict[int, list[Any]], listed: dict[int, Listed] | None = None) -> Any:
    entries = {
        i: [one if one is None or isinstance(one, dict) else entry(one or None) for one in points]
        for i, points in lesions.items()
    }
    baseline = {i: points[0]["measurements"] for i, points in entries.items() if points[0] is not None}
    return evaluate(entries, assign(baseline, listed or {}))


@pytest.mark.parametrize(("longest", "role"), [(9.9, Role.NON_TARGET), (10.0, Role.TARGET)])
def test_a_lesion_is_measurable_from_10_mm_on(longest: float, role: Role) -> None:  # 3.1.1
    assert roles({1: longest}) == {1: role}


@pytest.mark.parametrize(
    ("short", "role"),
    [(9.9, Role.IGNORED), (10.0, Role.NON_TARGET), (14.9, Role.NON_TARGET), (15.0, Role.TARGET)],
)
def test_a_node_is_pathological_from_10_and_measurable_from_15_mm_short_axis_on(
    short: float, role: Role
) -> None:  # 3.1.1
    assigned = assign({1: size(40.0, short)}, {1: NODE})
    assert assigned[1].role is role


@pytest.mark.parametrize(
    ("thickness", "longest", "role"),
    [(5.0, 10.0, Role.TARGET), (7.0, 13.9, Role.NON_TARGET), (7.0, 14.0, Role.TARGET)],
)
def test_thick_slices_need_lesions_of_twice_their_thickness(
    thickness: float, longest: float, role: Role
) -> None:  # 3.1.1
    assert roles({1: longest}, slice_thickness_mm=thickness) == {1: role}


def test_the_five_largest_are_targets() -> None:  # 4.2
    found = roles({i: 10.0 + i for i in range(1, 8)})
    assert [i for i, role in found.items() if role is Role.TARGET] == [3, 4, 5, 6, 7]


def test_two_of_an_organ_are_targets() -> None:  # 4.2
    listed = {i: Listed(organ="liver") for i in (1, 2, 3)}
    found = roles({1: 30.0, 2: 40.0, 3: 50.0, 4: 12.0}, listed)
    assert [i for i, role in found.items() if role is Role.TARGET] == [2, 3, 4]


def test_the_reader_chooses_instead() -> None:
    found = roles({1: 30.0, 2: 40.0, 3: 8.0}, {3: Listed(Role.TARGET), 1: Listed(Role.IGNORED)})
    assert found == {1: Role.IGNORED, 2: Role.NON_TARGET, 3: Role.TARGET}


@pytest.mark.parametrize(
    ("sizes", "listed", "message"),
    [
        ({1: 20.0}, {2: NODE}, "lesion 2 is not in the baseline, which has 1"),
        (
            {i: 20.0 for i in range(6)},
            {i: Listed(Role.TARGET) for i in range(6)},
            "6 targets; legal: at most 5",
        ),
        (
            {i: 20.0 for i in range(3)},
            {i: Listed(Role.TARGET, "liver") for i in range(3)},
            "3 targets in liver; legal: at most 2",
        ),
    ],
)
def test_impossible_targets_are_errors(sizes: Any, listed: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        roles(sizes, listed)


def test_a_target_that_was_not_measured_is_an_error() -> None:
    with pytest.raises(InputError, match="lesion 1 was not measured in the baseline"):
        assign({1: None}, {1: Listed(Role.TARGET)})


@pytest.mark.parametrize(
    ("sums", "total", "expected"),
    [
        ([100.0], 70.0, PR),  # -30 %
        ([100.0], 70.1, SD),
        ([100.0], 119.9, SD),
        ([100.0], 120.0, PD),  # +20 % and 20 mm
        ([100.0, 50.0], 59.9, PR),  # still 40 % below the baseline
        ([100.0, 50.0], 60.0, PD),  # +20 % over the nadir
        ([20.0], 24.9, SD),  # +24.5 %, but not 5 mm
        ([20.0], 25.0, PD),
        ([30.0], 35.9, SD),  # 5.9 mm, but not 20 %
        ([30.0, 0.0], 4.9, PR),
        ([30.0, 0.0], 5.0, PD),
        ([1.1, 1.1], 1.1, SD),
    ],
)
def test_target_responses_at_their_boundaries(sums: list[float], total: float, expected: Category) -> None:
    found, why = target_response(total, sums, is_complete=True, all_gone=False)  # 4.3.1
    assert found is expected
    assert "[RECIST 1.1]" in why


@pytest.mark.parametrize(("total", "expected"), [(80.0, PD), (60.0, PD), (59.9, NE), (10.0, NE)])
def test_missing_targets_leave_only_progression(total: float, expected: Category) -> None:  # 4.4.2
    found, why = target_response(total, [50.0], is_complete=False, all_gone=False)
    assert found is expected
    assert "[RECIST 1.1]" in why


@pytest.mark.parametrize(
    ("target", "non_target", "has_new", "expected"),
    [
        (CR, CR, False, CR),
        (CR, None, False, CR),
        (CR, NON, False, PR),
        (CR, NE, False, PR),
        (PR, NON, False, PR),
        (PR, NE, False, PR),
        (SD, NON, False, SD),
        (SD, NE, False, SD),
        (NE, NON, False, NE),
        (PD, CR, False, PD),
        (CR, PD, False, PD),
        (CR, CR, True, PD),
        (NE, None, True, PD),
        (None, CR, False, CR),
        (None, NON, False, NON),
        (None, NE, False, NE),
        (None, None, False, NE),
    ],
)
def test_overall_responses_are_those_of_tables_1_and_2(
    target: Category | None, non_target: Category | None, has_new: bool, expected: Category
) -> None:  # 4.4.1
    assert overall(target, non_target, has_new=has_new) is expected


def test_a_course_is_judged_from_baseline_and_nadir() -> None:
    lesions = {1: [60.0, 40.0, 30.0, 40.0], 2: [40.0, 30.0, 20.0, 20.0]}
    assert categories(lesions) == [None, PR, PR, PD]
    last = timepoints(lesions)[3]
    assert (last.sum_mm, last.change_from_baseline, last.change_from_nadir) == (60.0, -0.4, 0.2)


def test_all_targets_gone_is_complete_response_unless_other_lesions_are_left() -> None:
    assert categories({1: [20.0, 0]}) == [None, CR]
    assert categories({1: [20.0, 0], 2: [8.0, 0]}) == [None, CR]
    assert categories({1: [20.0, 0], 2: [8.0, 8.0]}) == [None, PR]
    assert categories({1: [20.0, 0], 2: [8.0, MISSING]}) == [None, PR]


@pytest.mark.parametrize(("short", "expected"), [(9.9, CR), (10.0, PR)])
def test_a_node_is_gone_below_10_mm_short_axis(short: float, expected: Category) -> None:  # 4.3.1
    assert categories({1: [20.0, short]}, {1: NODE}) == [None, expected]
    assert categories({1: [20.0, 0], 2: [12.0, short]}, {2: NODE}) == [None, expected]


def test_nodes_are_measured_by_their_short_axis() -> None:  # 4.2
    oblong = {"status": "present", "related_lesion_id": None, "measurements": size(30.0, 16.0)}
    assert timepoints({1: [oblong]}, {1: NODE})[0].sum_mm == 16.0
    assert timepoints({1: [oblong]})[0].sum_mm == 30.0


def test_a_new_lesion_is_progression_also_where_the_rest_shrinks() -> None:  # 4.3.5
    lesions = {1: [50.0, 20.0, 20.0], 2: [None, entry(6.0, "new"), entry(6.0)]}
    assert categories(lesions) == [None, PD, PD]
    assert timepoints(lesions)[1].new_lesions == (2,)


def test_fragments_are_added_and_are_not_new() -> None:  # 4.3.2
    lesions = {1: [50.0, 20.0], 2: [None, entry(18.0, "split", 1)]}
    point = timepoints(lesions)[1]
    assert (point.sum_mm, point.category, point.new_lesions) == (38.0, SD, ())


def test_lesions_that_coalesce_are_measured_as_one() -> None:  # 4.3.2
    merged = {1: [30.0, 45.0], 2: [20.0, entry(45.0, "merged", 1)]}
    assert timepoints(merged)[1].sum_mm == 45.0
    into_other = {1: [30.0, entry(33.0, "merged", 3)], 2: [20.0, entry(33.0, "merged", 3)], 3: [9.0, 33.0]}
    assert timepoints(into_other)[1].sum_mm == 33.0


def test_a_target_too_small_to_measure_counts_5_mm() -> None:  # 4.3.2
    point = timepoints({1: [20.0, entry(0.0)]})[1]
    assert (point.sum_mm, point.category) == (5.0, PR)
    assert any("5 mm [RECIST 1.1]" in reason for reason in point.reasons)


def test_a_missing_target_leaves_no_change() -> None:
    point = timepoints({1: [20.0, 20.0, 20.0], 2: [20.0, MISSING, 20.0]})[1]
    assert (point.category, point.change_from_baseline, point.diameters[2]) == (NE, None, None)
    assert "target 2 was not assessed" in point.reasons


def test_growth_of_other_lesions_is_left_to_the_reader() -> None:  # 4.3.4
    point = timepoints({1: [20.0, 20.0], 2: [8.0, entry(16.0, "grown")]})[1]
    assert (point.category, point.non_target) == (SD, NON)
    assert any("a reader judges" in reason and "[RECIST 1.1]" in reason for reason in point.reasons)
