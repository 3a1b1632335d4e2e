"""The mean of two built-in models."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import torch
from click.testing import CliRunner

from lesionlocator.errors import ModelError
from lesionlocator.model import Weights, read_weights
from lesionlocator.training import checkpoint, recipe
from lesionlocator.training.__main__ import main


def weights(folder: Path) -> Weights:
    return read_weights(checkpoint.single_weights(folder))


@pytest.fixture
def earlier(tmp_path: Path) -> Path:
    return saved(tmp_path / "earlier", seed=1)


@pytest.fixture
def later(tmp_path: Path) -> Path:
    return saved(tmp_path / "later", seed=2)


def saved(folder: Path, *, seed: int) -> Path:
    torch.manual_seed(seed)
    metadata = checkpoint.base_metadata("train", seed) | {"started_from": '[{"seed": "0"}]'}
    checkpoint.save_model(recipe.build_network(), folder, metadata)
    return folder


def average(*arguments: object) -> None:
    done = CliRunner().invoke(main, ["average", *map(str, arguments)], catch_exceptions=False)
    assert done.exit_code == 0, done.output


def test_each_weight_is_the_mean(tmp_path: Path, earlier: Path, later: Path) -> None:
    average(earlier, later, "--share", 0.75, "--output", tmp_path / "mean")
    before, after, mean = (weights(home).parameters for home in (earlier, later, tmp_path / "mean"))
    assert mean.keys() == before.keys()
    for name, found in mean.items():
        torch.testing.assert_close(found, 0.25 * before[name] + 0.75 * after[name], rtol=1e-3, atol=1e-6)


@pytest.mark.parametrize(("share", "of"), [(0, "earlier"), (1, "later")])
def test_a_whole_share_is_one_of_the_two(
    tmp_path: Path, earlier: Path, later: Path, share: int, of: str
) -> None:
    average(earlier, later, "--share", share, "--output", tmp_path / "mean")
    expected, found = weights(tmp_path / of), weights(tmp_path / "mean")
    assert all(torch.equal(value, found.parameters[name]) for name, value in expected.parameters.items())


def test_the_mean_tells_how_it_came_about(tmp_path: Path, earlier: Path, later: Path) -> None:
    average(earlier, later, "--output", tmp_path / "mean")
    told, before = checkpoint.history_of(checkpoint.single_weights(tmp_path / "mean"))
    assert told["seed"] == "2"
    assert told["averaged"] == "each weight is 0.5 of that after this training and 0.5 of that before"
    assert before == {"seed": "0"}
    assert weights(tmp_path / "mean").mirroring_axes == weights(later).mirroring_axes


def test_models_of_several_folds_are_refused(tmp_path: Path, earlier: Path, later: Path) -> None:
    fold = later / checkpoint.NETWORK / "fold_0"
    shutil.copytree(fold, fold.with_name("fold_1"))
    with pytest.raises(ModelError, match=r"all_prompts: has the folds \[0, 1\]; legal here: one fold"):
        average(earlier, later, "--output", tmp_path / "mean")


def test_another_network_is_refused(tmp_path: Path, earlier: Path) -> None:
    other = recipe.build_network(recipe.ARCHITECTURE | {"features_per_stage": [8, 32, 64, 100]})
    checkpoint.save_model(other, tmp_path / "other", checkpoint.base_metadata("train", 3))
    with pytest.raises(RuntimeError, match="size mismatch"):
        average(earlier, tmp_path / "other", "--output", tmp_path / "mean")
    assert not (tmp_path / "mean").exists()
