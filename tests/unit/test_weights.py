from __future__ import annotations

import os
import pickle
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from lesionlocator.errors import ModelError
from lesionlocator.model import read_weights
from lesionlocator.networks import ResidualEncoderUNet


def network() -> ResidualEncoderUNet:
    torch.manual_seed(0)
    return ResidualEncoderUNet(
        2,
        2,
        n_stages=2,
        features_per_stage=[4, 8],
        kernel_sizes=[[3, 3, 3]] * 2,
        strides=[[1, 1, 1], [2, 2, 2]],
        n_blocks_per_stage=[1, 1],
        n_conv_per_stage_decoder=[1],
    )


def with_second_names(parameters: dict[str, torch.Tensor], *, copied: bool) -> dict[str, torch.Tensor]:
    """Return parameters as published: units list their parts again, and the decoder its encoder."""
    doubled = dict(parameters)
    for name, tensor in parameters.items():
        for part, number in ((".conv.", ".all_modules.0."), (".norm.", ".all_modules.1.")):
            if part in name:
                doubled[name.replace(part, number)] = tensor.clone() if copied else tensor
    for name, tensor in list(doubled.items()):
        if name.startswith("encoder."):
            doubled[f"decoder.{name}"] = tensor.clone() if copied else tensor
    return doubled


def checkpoint(parameters: dict[str, torch.Tensor], **more: object) -> dict[str, object]:
    return {
        "network_weights": parameters,
        "trainer_name": "Trainer",
        "init_args": {"configuration": "3d_fullres", "device": torch.device("cuda")},
        "logging": {"dice": [np.float64(0.5), np.float32(0.25)]},
        "_best_ema": np.float64(0.6),
        "optimizer_state": None,
        **more,
    }


class Hostile:
    """Creates a file when unpickled."""

    def __init__(self, target: Path) -> None:
        self.target = target

    def __reduce__(self) -> tuple:
        return os.mkdir, (str(self.target),)


@pytest.mark.parametrize("copied", [False, True])
def test_second_names_are_accepted_and_dropped(tmp_path: Path, copied: bool) -> None:
    source = network()
    path = tmp_path / "checkpoint_final.pth"
    content = checkpoint(
        with_second_names(source.state_dict(), copied=copied), inference_allowed_mirroring_axes=(0, 2)
    )
    torch.save(content, path)
    weights = read_weights(path)
    target = network()
    for parameter in target.parameters():
        parameter.data.zero_()
    weights.load_into(target)
    assert weights.mirroring_axes == (0, 2)
    assert all(torch.equal(a, b) for a, b in zip(source.parameters(), target.parameters(), strict=True))


def test_of_copies_that_differ_the_last_assigned_counts(tmp_path: Path) -> None:
    source = network().state_dict()
    doubled = with_second_names(source, copied=True)
    last = "decoder.encoder.stem.convs.0.all_modules.0.weight"
    for name in doubled:
        if "stem.convs.0" in name and ("conv.weight" in name or "all_modules.0.weight" in name):
            doubled[name] = torch.full_like(doubled[name], 1.0 if name == last else 2.0)
    listed = "decoder.stages.0.convs.0.all_modules.1.bias"
    doubled[listed] = torch.full_like(doubled[listed], 3.0)
    path = tmp_path / "checkpoint_final.pth"
    torch.save(checkpoint(doubled), path)
    found = read_weights(path).parameters
    assert found.keys() == source.keys()
    assert (found["encoder.stem.convs.0.conv.weight"] == 1).all()
    assert (found["decoder.stages.0.convs.0.norm.bias"] == 3).all()


def test_absent_mirroring_axes_mean_no_mirroring(tmp_path: Path) -> None:
    path = tmp_path / "checkpoint_final.pth"
    torch.save(checkpoint(network().state_dict()), path)
    assert read_weights(path).mirroring_axes == ()


def test_safetensors_hold_the_same(tmp_path: Path) -> None:
    path = tmp_path / "checkpoint_final.safetensors"
    save_file(network().state_dict(), path, metadata={"inference_allowed_mirroring_axes": "[0, 1, 2]"})
    weights = read_weights(path)
    assert weights.mirroring_axes == (0, 1, 2)
    weights.load_into(network())


@pytest.mark.parametrize("zipped", [True, False])
def test_a_hostile_checkpoint_executes_nothing(tmp_path: Path, zipped: bool) -> None:
    path, trace = tmp_path / "checkpoint_final.pth", tmp_path / "executed"
    content = checkpoint(network().state_dict(), more=Hostile(trace))
    if zipped:
        torch.save(content, path)
    else:
        path.write_bytes(pickle.dumps({"network_weights": {}, "more": Hostile(trace)}))
    with pytest.raises(ModelError, match="mkdir" if zipped else "not a torch checkpoint"):
        read_weights(path)
    assert not trace.exists()


def test_a_damaged_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "checkpoint_final.pth"
    torch.save(checkpoint(network().state_dict()), path)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(ModelError, match="only part of one"):
        read_weights(path)
    with pytest.raises(ModelError, match="no such file"):
        read_weights(tmp_path / "missing.pth")
    tensors = tmp_path / "checkpoint_final.safetensors"
    tensors.write_bytes(b"\xff" * 64)
    with pytest.raises(ModelError, match="not a readable safetensors file"):
        read_weights(tensors)


def test_a_file_without_weights_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "checkpoint_final.pth"
    torch.save({"state_dict": {}}, path)
    with pytest.raises(ModelError, match="no network_weights"):
        read_weights(path)


@pytest.mark.parametrize("axes", [(0, 3), "z", 5])
def test_illegal_mirroring_axes_are_refused(tmp_path: Path, axes: object) -> None:
    path = tmp_path / "checkpoint_final.pth"
    torch.save(checkpoint(network().state_dict(), inference_allowed_mirroring_axes=axes), path)
    with pytest.raises(ModelError, match="mirroring_axes"):
        read_weights(path)


@pytest.mark.parametrize("problem", ["missing", "unknown", "of another shape"])
def test_weights_that_do_not_fit_are_named(tmp_path: Path, problem: str) -> None:
    parameters = dict(network().state_dict())
    name = "encoder.stem.convs.0.conv.weight"
    if problem == "missing":
        del parameters[name]
    elif problem == "unknown":
        parameters["encoder.extra"] = torch.zeros(1)
    else:
        parameters[name] = torch.zeros(5, 2, 3, 3, 3)
    path = tmp_path / "checkpoint_final.pth"
    torch.save(checkpoint(parameters), path)
    with pytest.raises(ModelError, match=f"weights {problem}: encoder"):
        read_weights(path).load_into(network())
