"""What a course says in LongiSeg's tracking file."""

from __future__ import annotations

from typing import Any

import pytest

from lesionlocator.errors import InputError
from lesionlocator.results.course_longitudinal import followed_lesions, is_course


def entry(status: str, *, at: float | None = 1.0, related: int | None = None) -> dict[str, Any]:
    measurements = None if at is None else {"centroid_voxel": [at, at + 1, at + 2]}
    return {"status": status, "related_lesion_id": related, "measurements": measurements}


COURSE = {
    "timepoints": [{"name": "a"}, {"name": "b"}],
    "lesions": {
        "1": [entry("present"), entry("grown", at=4.0)],
        "2": [entry("present"), entry("disappeared", at=None)],
        "3": [entry("present"), entry("merged", related=1)],
        "4": [entry("present"), entry("not_assessed", at=None)],
        "5": [None, entry("split", related=1)],
        "6": [None, entry("new")],
        "7": [entry("not_assessed", at=None), entry("not_assessed", at=None)],
    },
}


def test_merged_split_and_lost_lesions_have_the_labels_that_the_format_gives_them() -> None:
    (pair,) = followed_lesions(COURSE)
    labels = {lesion.lesion_id: lesion.merged for lesion in pair}
    assert labels == {1: (1, 5), 2: (0,), 3: (1,), 4: (), 5: (5,), 6: (6,)}
    first, second = pair[0], pair[1]
    assert (first.baseline, first.followup) == ("a", "b")
    assert (first.point, first.verified) == ((1.0, 2.0, 3.0), (4.0, 5.0, 6.0))
    assert (second.point, second.verified) == ((1.0, 2.0, 3.0), None)


@pytest.mark.parametrize(
    "document", [{}, {"timepoints": [{"name": "a"}, {}], "lesions": {}}, COURSE | {"lesions": {"1": [None]}}]
)
def test_what_is_no_course_is_told(document: dict[str, Any]) -> None:
    with pytest.raises(InputError, match="is not the tracking"):
        followed_lesions(document)
    assert is_course(document) is bool(document)
