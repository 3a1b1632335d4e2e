"""LongiSeg's tracking file: what is read, refused and written."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lesionlocator.errors import InputError, PromptError
from lesionlocator.prompts.json_file import read_json_object
from lesionlocator.prompts.longitudinal import (
    FollowedLesion,
    baseline_prompts,
    followup_prompts,
    is_longitudinal,
    read_longitudinal,
    write_longitudinal,
)

SAMPLE = Path(__file__).parents[1] / "data" / "prompts" / "tracking.json"
IMAGES = {"img_bl": "a", "img_fu": "b"}


def read(tmp_path, content):
    path = tmp_path / "tracking.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return read_longitudinal(path)


def read_entry(tmp_path, **entry):
    """The one lesion of a file, or why it is refused."""
    file = read(tmp_path, {"p": {"3": {**IMAGES, **entry}}})
    return file.patients["p"][0][0] if not file.refused else file.refused["p, pair 1, lesion 3"]


def test_a_sample_is_read_with_points_turned_to_zyx():
    file = read_longitudinal(SAMPLE)
    assert file.refused == {}
    (first,) = file.patients["patient_1"]
    assert first[0] == FollowedLesion(
        1, "patient_1_0", "patient_1_1", (30.0, 20.5, 10.0), (31.0, 21.0, 11.0), (32.0, 22.0, 12.0), (1,)
    )
    assert (first[1].verified, first[1].accepted, first[1].merged) == (None, (6.0, 5.0, 4.0), (0,))
    assert [pair[0].baseline for pair in file.patients["patient_2"]] == ["s0", "s1"]


def test_the_verified_point_wins_over_the_proposed_one():
    (pair,) = read_longitudinal(SAMPLE).patients["patient_1"]
    assert [(p.lesion_id, p.point) for p in followup_prompts(pair)] == [
        (1, (32.0, 22.0, 12.0)),
        (7, (6.0, 5.0, 4.0)),
    ]
    assert baseline_prompts(pair)[1].point == (30.0, 20.5, 10.0)


def test_a_lesion_without_point_is_no_prompt():
    pair = (FollowedLesion(1, "a", "b", point=(1.0, 2.0, 3.0)),)
    assert len(followup_prompts(pair)) == 0
    assert baseline_prompts(pair).ids == (1,)


@pytest.mark.parametrize("missing", ["NaN", "null", "[NaN, NaN, NaN]", "[null, null, null]"])
def test_each_way_to_say_that_there_is_no_point_is_understood(tmp_path, missing):
    text = json.dumps({"p": {"3": {**IMAGES, "bl_point": [1, 2, 3], "fu_point": "missing"}}})
    text = text.replace('"missing"', missing)
    assert read(tmp_path, text).patients["p"][0][0].verified is None


def test_numbered_scans_are_named_by_their_number(tmp_path):
    lesion = read_entry(tmp_path, img_bl=0, img_fu=1, bl_point=[1, 2, 3])
    assert (lesion.baseline, lesion.followup) == ("0", "1")


@pytest.mark.parametrize(
    ("entry", "reason"),
    [
        ({}, "has none of the points bl_point, fu_point_prop, fu_point"),
        ({"bl_point": [1, 2]}, "bl_point has 2 numbers, 3 are needed"),
        ({"bl_point": [1, 2, float("nan")]}, "bl_point: coordinate nan is not finite"),
        ({"bl_point": [1, 2, "x"]}, "bl_point: 'x' is not a number"),
        ({"fu_point": 5}, "fu_point is 5, not a list of 3 numbers"),
        ({"bl_point": [1, 2, 3], "img_fu": None}, "img_fu is None, not the name of a scan"),
        ({"bl_point": [1, 2, 3], "img_bl": True}, "img_bl is True, not the name of a scan"),
        ({"bl_point": [1, 2, 3], "merged_lesions": [1.5]}, "merged_lesions is [1.5], not a list of labels"),
        (
            {"bl_point": [1, 2, 3], "merged_lesions": [70000]},
            "merged_lesions is [70000], not a list of labels",
        ),
    ],
)
def test_an_entry_that_cannot_be_used_is_refused_by_its_place(tmp_path, entry, reason):
    assert reason in read_entry(tmp_path, **entry)


def test_the_other_entries_stay(tmp_path):
    good = {**IMAGES, "bl_point": [1, 2, 3]}
    file = read(tmp_path, {"p": [{"1": good}, {"x": good, "2": 5, "4": good}]})
    assert [[lesion.lesion_id for lesion in pair] for pair in file.patients["p"]] == [[1], [4]]
    assert sorted(file.refused) == ["p, pair 2, lesion 2", "p, pair 2, lesion x"]


@pytest.mark.parametrize("other", ["1", "01"])
def test_an_id_that_occurs_twice_is_refused_altogether(tmp_path, other):
    entry = json.dumps({**IMAGES, "bl_point": [1, 2, 3]})
    file = read(tmp_path, f'{{"p": {{"1": {entry}, "{other}": {entry}}}}}')
    assert file.patients["p"] == ((),)
    assert "ids must be unique" in file.refused["p, pair 1, lesion 1"]


@pytest.mark.parametrize("content", [{"p": 5}, {"p": [5]}, {"p": "text"}])
def test_a_patient_without_lesions_is_refused_with_the_file(tmp_path, content):
    with pytest.raises(InputError, match=r"tracking\.json: p is not an object of lesions"):
        read(tmp_path, content)


def test_a_patient_that_occurs_twice_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"the patients \['p'\] occur more than once"):
        read(tmp_path, '{"p": {}, "p": {}}')


def test_only_tracking_files_look_like_one(tmp_path):
    for name, expected in ((SAMPLE, True), (SAMPLE.with_name("published.json"), False)):
        assert is_longitudinal(read_json_object(name)) is expected
    assert not is_longitudinal(read_json_object(SAMPLE.with_name("multiple_points_ct.json")))


POINTS = st.one_of(st.none(), st.tuples(*[st.floats(-1e6, 1e6)] * 3))
LESIONS = st.builds(
    FollowedLesion,
    st.integers(1, 65535),
    st.text(max_size=8),
    st.text(max_size=8),
    st.tuples(*[st.floats(-1e6, 1e6)] * 3),
    POINTS,
    POINTS,
    st.lists(st.integers(0, 65535), max_size=3).map(tuple),
)
PAIRS = st.lists(LESIONS, max_size=4, unique_by=lambda lesion: lesion.lesion_id).map(tuple)


@given(st.dictionaries(st.text(max_size=8), st.lists(PAIRS, max_size=3).map(tuple), max_size=3))
def test_what_is_written_is_read_again(tmp_path_factory, patients):
    path = tmp_path_factory.mktemp("round") / "tracking.json"
    write_longitudinal(patients, path)
    file = read_longitudinal(path)
    assert file.patients == patients
    assert file.refused == {}


def test_the_file_is_what_its_format_asks_for(tmp_path):
    path = tmp_path / "tracking.json"
    lesion = FollowedLesion(4, "a", "b", (3.0, 2.0, 1.0), (6.0, 5.5, 4.0), None, (0,))
    write_longitudinal({"p": [(lesion,)], "q": [(), ()]}, path)
    content = json.loads(path.read_text(), parse_constant=lambda name: name)
    entry = {
        "img_bl": "a",
        "img_fu": "b",
        "bl_point": [1.0, 2.0, 3.0],
        "fu_point_prop": [4.0, 5.5, 6.0],
        "fu_point": "NaN",
        "merged_lesions": [0],
    }
    assert content == {"p": {"4": entry}, "q": [{}, {}]}


def test_a_lesion_that_cannot_be_is_not_made():
    with pytest.raises(PromptError, match="lesion id 0 is not legal"):
        FollowedLesion(0, "a", "b")
    with pytest.raises(PromptError, match="lesion 2: coordinate inf is not finite"):
        FollowedLesion(2, "a", "b", verified=(1.0, float("inf"), 2.0))
