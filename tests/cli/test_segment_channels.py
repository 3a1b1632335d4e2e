"""A model of two channels, such as CT and PET, through the command line."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import segment_cases
import SimpleITK
import torch
from safetensors.torch import save_file

import lesionlocator as ll
from lesionlocator.errors import InputError
from lesionlocator.geometry import Box, Geometry
from lesionlocator.model.plans import Plans
from lesionlocator.preprocessing import ModelGrid

SHAPE = (20, 24, 28)
CENTER = (10, 12, 14)
TWO_CHANNELS = copy.deepcopy(segment_cases.PLANS)
TWO_CHANNELS["configurations"]["3d_fullres"]["normalization_schemes"] = [
    "CTNormalization",
    "ZScoreNormalization",
]


def ball(shift: int = 0) -> np.ndarray:
    z, y, x = CENTER
    center = np.reshape((z, y, x + shift), (3, 1, 1, 1))
    return np.linalg.norm(np.indices(SHAPE) - center, axis=0) < 4


def write_case(folder: Path, name: str, *, shift: int = 0) -> None:
    """Write two images of which only the second shows the lesion, and a box around where it is unshifted."""
    noise = np.random.default_rng(7).normal(0, 5, SHAPE)
    geometry = Geometry(SHAPE, (1.0, 1.0, 1.0))
    for channel, voxels in enumerate((noise + 40, ball(shift) * 900 + noise)):
        path = folder / "images" / f"{name}_{channel:04d}.nii.gz"
        segment_cases.write_image(path, voxels.astype(np.int16), geometry)
    z, y, x = CENTER
    box = (z - 3, z + 4, y - 3, y + 4, x - 3, x + 4)
    segment_cases.write_prompts(folder / "prompts" / f"{name}.json", {1: box})


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A network that answers where its second channel is bright, whatever the prompt."""
    folder = tmp_path_factory.mktemp("model")
    home = folder / "LesionLocatorSeg" / "all_prompts"
    (home / "fold_0").mkdir(parents=True)
    (home / "plans.json").write_text(json.dumps(TWO_CHANNELS))
    weights = segment_cases.echo_weights(sureness=10.0)
    stem = weights["encoder.stem.convs.0.conv.weight"]
    weights["encoder.stem.convs.0.conv.weight"] = torch.cat([stem, torch.zeros_like(stem[:, :1])], dim=1)
    weights["decoder.seg_layers.0.bias"][0] = 20.0  # the answer is yes from two deviations above the mean
    save_file(weights, home / "fold_0" / "checkpoint_final.safetensors")
    return folder


def found(folder: Path, name: str) -> np.ndarray:
    image = SimpleITK.ReadImage(str(folder / f"{name}_0000_lesion_1.nii.gz"))
    return SimpleITK.GetArrayFromImage(image).astype(bool)


def dice(one: np.ndarray, other: np.ndarray) -> float:
    return 2 * (one & other).sum() / (one.sum() + other.sum())


def test_the_second_channel_decides(model: Path, tmp_path: Path, segment: Callable[..., int]) -> None:
    for name, shift in (("still", 0), ("moved", 3)):
        write_case(tmp_path, name, shift=shift)
    images, prompts = tmp_path / "images", tmp_path / "prompts"
    assert segment("-i", images, "-p", prompts, "-o", tmp_path / "out", model=model) == 0
    assert dice(found(tmp_path / "out", "still"), ball()) > 0.95
    assert dice(found(tmp_path / "out", "moved"), ball(3)) > 0.95


def test_a_single_case_is_given_by_its_first_image(
    model: Path, tmp_path: Path, segment: Callable[..., int]
) -> None:
    write_case(tmp_path, "a")
    image, prompts = tmp_path / "images/a_0000.nii.gz", tmp_path / "prompts/a.json"
    assert segment("-i", image, "-p", prompts, "-o", tmp_path / "out", model=model) == 0
    assert dice(found(tmp_path / "out", "a"), ball()) > 0.95


def test_a_lesion_is_followed_in_both_channels(model: Path, tmp_path: Path) -> None:
    write_case(tmp_path, "bl")
    write_case(tmp_path, "fu")
    tracker = ll.load_tracker(model, device="cpu", registration="classical")
    scans = [ll.read_scan(tmp_path / f"images/{name}_0000.nii.gz", channels=2) for name in ("bl", "fu")]
    course = tracker.track(scans, tmp_path / "prompts/bl.json", prompt_type="box")
    followup = course.lesions[1].timepoints[1]
    assert followup is not None
    assert followup.state.value == "stable"


def test_a_missing_channel_is_named_and_other_cases_go_on(
    model: Path, tmp_path: Path, segment: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("a", "b"):
        write_case(tmp_path, name)
    (tmp_path / "images/a_0001.nii.gz").unlink()
    code = segment("-i", tmp_path / "images", "-p", tmp_path / "prompts", "-o", tmp_path / "out", model=model)
    assert code == 3
    assert found(tmp_path / "out", "b").any()
    said = "".join(capsys.readouterr())
    assert "a_0000.nii.gz: has 1 of 2 channels" in said
    assert "a_0001.nii.gz" in said


def test_a_channel_on_another_grid_is_refused(tmp_path: Path) -> None:
    write_case(tmp_path, "a")
    other = Geometry((20, 24, 27), (1.0, 1.0, 1.0))
    path = tmp_path / "images/a_0001.nii.gz"
    segment_cases.write_image(path, np.ones(other.shape, np.int16), other)
    with pytest.raises(InputError, match=r"a_0001.nii.gz: is not on the grid of .*a_0000.nii.gz"):
        ll.read_scan(tmp_path / "images/a_0000.nii.gz", channels=2)


def test_a_scan_with_too_few_channels_is_refused(tmp_path: Path) -> None:
    write_case(tmp_path, "a")
    scan = ll.read_scan(tmp_path / "images/a_0000.nii.gz")
    with pytest.raises(InputError, match="the model takes 2 channels, the scan has 1"):
        ModelGrid(scan, Plans.parse(TWO_CHANNELS, "plans"))


def test_further_channels_have_mean_0_and_deviation_1(tmp_path: Path) -> None:
    write_case(tmp_path, "a")
    scan = ll.read_scan(tmp_path / "images/a_0000.nii.gz", channels=2)
    grid = ModelGrid(scan, Plans.parse(TWO_CHANNELS, "plans"))
    first, second = grid.images(Box.whole(grid.shape))
    np.testing.assert_array_equal(first, grid.image(Box.whole(grid.shape)))
    stored = scan.further[0].voxels.astype(np.float64)
    np.testing.assert_allclose(second, (stored - stored.mean()) / stored.std(), atol=1e-4)


def test_one_channel_models_do_not_pass_over_a_second_image(
    tmp_path: Path, segment: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    write_case(tmp_path, "a")
    code = segment("-i", tmp_path / "images", "-p", tmp_path / "prompts", "-o", tmp_path / "out")
    assert code == 3
    assert "no prompts for a_0001.nii.gz" in "".join(capsys.readouterr())
