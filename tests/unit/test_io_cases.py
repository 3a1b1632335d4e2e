from pathlib import Path

import pytest

from lesionlocator.errors import InputError
from lesionlocator.io import Case, UnpairedCase, pair_cases


def _files(folder: Path, *names: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        (folder / name).touch()
    return folder


def test_image_and_prompt_file_are_one_case_whatever_their_names(tmp_path: Path) -> None:
    _files(tmp_path, "ct.nii.gz", "clicks.json")
    cases, unpaired = pair_cases(tmp_path / "ct.nii.gz", tmp_path / "clicks.json")
    assert cases == [Case("ct", tmp_path / "ct.nii.gz", tmp_path / "clicks.json")]
    assert unpaired == []


def test_folders_are_paired_by_name_and_sorted_whatever_the_formats(tmp_path: Path) -> None:
    images = _files(tmp_path / "images", "c.nrrd", "a.nii.gz", "b.mha", "notes.txt", ".hidden.nii.gz")
    prompts = _files(tmp_path / "prompts", "a.json", "b.csv", "c.nii.gz", ".a.csv")
    cases, unpaired = pair_cases(images, prompts)
    assert [(case.name, case.prompts.name) for case in cases] == [
        ("a", "a.json"),
        ("b", "b.csv"),
        ("c", "c.nii.gz"),
    ]
    assert unpaired == []


def test_channel_suffix_pairs_with_the_name_without_it_and_stays_in_the_case_name(tmp_path: Path) -> None:
    images = _files(tmp_path / "images", "a_0000.nii.gz", "b_0000.nii.gz")
    prompts = _files(tmp_path / "prompts", "a.nii.gz", "b_0000.json")
    cases, unpaired = pair_cases(images, prompts)
    assert [(case.name, case.prompts.name) for case in cases] == [
        ("a_0000", "a.nii.gz"),
        ("b_0000", "b_0000.json"),
    ]
    assert unpaired == []


def test_prompts_of_an_image_without_suffix_are_not_taken_by_the_one_with_it(tmp_path: Path) -> None:
    images = _files(tmp_path / "images", "a_0000.nii.gz", "a.nii.gz")
    prompts = _files(tmp_path / "prompts", "a.json")
    cases, unpaired = pair_cases(images, prompts)
    assert [case.name for case in cases] == ["a"]
    assert unpaired == [UnpairedCase("a_0000", "no prompts for a_0000.nii.gz")]


def test_what_has_no_pair_is_reported_with_its_reason(tmp_path: Path) -> None:
    images = _files(tmp_path / "images", "alone.nii.gz", "twice.nii.gz", "same.nii.gz", "same.nrrd", "ok.mha")
    prompts = _files(tmp_path / "prompts", "twice.json", "twice.csv", "same.json", "orphan.json", "ok.json")
    cases, unpaired = pair_cases(images, prompts)
    assert [case.name for case in cases] == ["ok"]
    assert unpaired == [
        UnpairedCase("alone", "no prompts for alone.nii.gz"),
        UnpairedCase("orphan", "no image for orphan.json"),
        UnpairedCase("same", "2 images of that name: same.nii.gz, same.nrrd"),
        UnpairedCase("twice", "2 prompt files: twice.csv, twice.json"),
    ]


def test_one_image_takes_its_prompts_from_a_folder_and_leaves_the_others(tmp_path: Path) -> None:
    _files(tmp_path, "a.nii.gz")
    prompts = _files(tmp_path / "prompts", "a.json", "b.json")
    cases, unpaired = pair_cases(tmp_path / "a.nii.gz", prompts)
    assert [case.prompts.name for case in cases] == ["a.json"]
    assert unpaired == []


def test_images_and_prompts_may_share_a_folder(tmp_path: Path) -> None:
    folder = _files(tmp_path / "both", "a.nii.gz", "a.json", "b.nii.gz", "b.csv")
    cases, unpaired = pair_cases(folder, folder)
    assert [case.prompts.name for case in cases] == ["a.json", "b.csv"]
    assert unpaired == []


def test_folder_of_one_image_takes_a_single_prompt_file(tmp_path: Path) -> None:
    images = _files(tmp_path / "images", "a.nii.gz")
    _files(tmp_path, "clicks.json")
    cases, _ = pair_cases(images, tmp_path / "clicks.json")
    assert [case.name for case in cases] == ["a"]


def test_one_prompt_file_for_several_images_is_refused(tmp_path: Path) -> None:
    images = _files(tmp_path / "images", "a.nii.gz", "b.nii.gz")
    _files(tmp_path, "clicks.json")
    with pytest.raises(InputError, match="one prompt file for 2 images"):
        pair_cases(images, tmp_path / "clicks.json")


def test_missing_path_is_refused(tmp_path: Path) -> None:
    prompts = _files(tmp_path / "prompts", "a.json")
    with pytest.raises(InputError, match=r"nowhere.* does not exist; expected image"):
        pair_cases(tmp_path / "nowhere", prompts)
    images = _files(tmp_path / "images", "a.nii.gz")
    with pytest.raises(InputError, match=r"nowhere.* does not exist; expected prompt"):
        pair_cases(images, tmp_path / "nowhere")


@pytest.mark.parametrize("name", [".hidden.nii.gz", "notes.txt"])
def test_folder_without_images_is_refused_with_the_legal_endings(tmp_path: Path, name: str) -> None:
    images = _files(tmp_path / "images", name)
    prompts = _files(tmp_path / "prompts", "a.json")
    with pytest.raises(
        InputError, match=r"no image file found; legal endings: \.nii\.gz, \.nii, \.nrrd, \.mha"
    ):
        pair_cases(images, prompts)


def test_folder_without_prompts_is_refused(tmp_path: Path) -> None:
    images = _files(tmp_path / "images", "a.nii.gz")
    with pytest.raises(InputError, match="no prompt file found"):
        pair_cases(images, _files(tmp_path / "prompts"))


def test_file_of_another_format_is_no_image(tmp_path: Path) -> None:
    _files(tmp_path, "a.jpg", "a.json")
    with pytest.raises(InputError, match="no image file found"):
        pair_cases(tmp_path / "a.jpg", tmp_path / "a.json")
