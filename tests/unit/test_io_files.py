import errno
from pathlib import Path

import pytest

from lesionlocator.errors import OutputError
from lesionlocator.io import case_name, write_atomically


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("a.nii.gz", "a"),
        ("folder.d/a.b_0000.nii", "a.b_0000"),
        ("a.NRRD", "a"),
        ("a.mha", "a"),
        ("a.json", "a"),
        ("a", "a"),
    ],
)
def test_case_name_is_the_file_name_without_folder_and_ending(path: str, name: str) -> None:
    assert case_name(path) == name


def test_atomic_write_gives_a_hidden_name_with_the_same_ending_beside_the_target(tmp_path: Path) -> None:
    with write_atomically(tmp_path / "a.nii.gz") as partial:
        assert partial.parent == tmp_path
        assert partial.name.startswith(".")
        assert partial.name.endswith(".nii.gz")
        partial.write_bytes(b"new")
    assert [file.name for file in tmp_path.iterdir()] == ["a.nii.gz"]
    assert (tmp_path / "a.nii.gz").read_bytes() == b"new"


@pytest.mark.parametrize("failure", [KeyboardInterrupt, ValueError])
def test_failure_keeps_the_older_file_and_leaves_nothing_else(
    tmp_path: Path, failure: type[BaseException]
) -> None:
    target = tmp_path / "a.json"
    target.write_text("old")

    def fail() -> None:
        with write_atomically(target) as partial:
            partial.write_text("half")
            raise failure

    with pytest.raises(failure):
        fail()
    assert [file.name for file in tmp_path.iterdir()] == ["a.json"]
    assert target.read_text() == "old"


def test_full_disk_is_an_output_error_that_names_the_file(tmp_path: Path) -> None:
    target = tmp_path / "a.json"
    with pytest.raises(OutputError, match=r"a\.json: No space left"), write_atomically(target):
        raise OSError(errno.ENOSPC, "No space left on device")
    assert not target.exists()


def test_missing_folder_is_an_output_error(tmp_path: Path) -> None:
    target = tmp_path / "missing" / "a.json"
    with pytest.raises(OutputError, match="No such file or directory"), write_atomically(target) as partial:
        partial.write_text("lost")


def test_folder_in_the_place_of_the_file_is_an_output_error(tmp_path: Path) -> None:
    (tmp_path / "a.json").mkdir()
    with pytest.raises(OutputError, match=r"a\.json"), write_atomically(tmp_path / "a.json") as partial:
        partial.write_text("lost")
    assert [file.name for file in tmp_path.iterdir()] == ["a.json"]
