from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

import tiny_models
from lesionlocator.errors import InputError, ModelError
from lesionlocator.model import read_weights
from lesionlocator.model.convert import convert_model


def test_every_bit_and_every_axis_arrives(tmp_path: Path) -> None:
    tiny_models.write(tmp_path / "old", tiny_models.plans(), folds=(0, 2), axes=(0, 2))
    done = convert_model(tmp_path / "old", tmp_path / "new")
    assert len(done) == 4
    for fold in done:
        before, after = read_weights(fold.source), read_weights(fold.target)
        assert after.mirroring_axes == before.mirroring_axes == (0, 2)
        assert after.parameters.keys() == before.parameters.keys()
        for name, tensor in before.parameters.items():
            assert after.parameters[name].numpy().tobytes() == tensor.numpy().tobytes()
    plans = "LesionLocatorSeg/bbox_optimized/plans.json"
    assert (tmp_path / "new" / plans).read_bytes() == (tmp_path / "old" / plans).read_bytes()


def test_shared_and_special_numbers_arrive_in_their_own_type(tmp_path: Path) -> None:
    folder = tmp_path / "old"
    (folder / "fold_0").mkdir(parents=True)
    tiny_models.write(tmp_path / "other", tiny_models.plans())
    plans = tmp_path / "other" / "LesionLocatorSeg" / "bbox_optimized" / "plans.json"
    (folder / "plans.json").write_bytes(plans.read_bytes())
    storage = torch.tensor([float("nan"), -0.0, 1e-45, 3.0])
    tensors = {"a": storage, "b": storage[1:], "c": torch.tensor(7), "d": torch.ones(3, dtype=torch.float16)}
    torch.save(
        {"network_weights": tensors, "optimizer_state": torch.zeros(9999)},
        folder / "fold_0" / "checkpoint_final.pth",
    )
    (fold,) = convert_model(folder, tmp_path / "new")
    found = load_file(fold.target)
    assert {name: tensor.dtype for name, tensor in found.items()} == {n: t.dtype for n, t in tensors.items()}
    assert all(found[name].numpy().tobytes() == tensor.numpy().tobytes() for name, tensor in tensors.items())
    assert fold.bytes_after < fold.bytes_before / 10


def test_a_full_target_and_an_empty_source_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="holds no network"):
        convert_model(tmp_path, tmp_path / "new")
    tiny_models.write(tmp_path / "old", tiny_models.plans())
    with pytest.raises(InputError, match="is there already"):
        convert_model(tmp_path / "old", tmp_path / "old")
