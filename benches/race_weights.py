"""Loading a converted checkpoint against loading the published one."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest
import torch

from lesionlocator.model import read_weights
from lesionlocator.model.convert import convert_weights
from lesionlocator.networks import ResidualEncoderUNet
from racing import Racing

_FULL = {
    "n_stages": 6,
    "features_per_stage": [32, 64, 128, 256, 320, 320],
    "kernel_sizes": [[3, 3, 3]] * 6,
    "strides": [[1, 1, 1], *[[2, 2, 2]] * 5],
    "n_blocks_per_stage": [1, 3, 4, 6, 6, 6],
    "n_conv_per_stage_decoder": [1] * 5,
}
"""The published segmentation network: 102 million parameters."""
_QUICK = {**_FULL, "features_per_stage": [16, 32, 64, 128, 160, 160]}


@pytest.fixture(scope="module")
def network(quick: bool) -> ResidualEncoderUNet:
    torch.manual_seed(0)
    return ResidualEncoderUNet(2, 2, **(_QUICK if quick else _FULL))


@pytest.fixture(scope="module")
def published(network: ResidualEncoderUNet, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkpoint as training leaves it: the encoder a second time in the decoder, and momentum."""
    path = tmp_path_factory.mktemp("weights") / "checkpoint_final.pth"
    weights = network.state_dict()
    twice = {f"decoder.{name}": value for name, value in weights.items() if name.startswith("encoder.")}
    momentum = {i: {"momentum_buffer": torch.zeros_like(p)} for i, p in enumerate(network.parameters())}
    content = {"network_weights": {**weights, **twice}, "optimizer_state": {"state": momentum}}
    torch.save(content, path)
    return path


def loaded(network: ResidualEncoderUNet, path: Path) -> dict[str, torch.Tensor]:
    read_weights(path).load_into(network)
    return network.state_dict()


def race_loading(race: Racing, network: ResidualEncoderUNet, published: Path) -> None:
    converted = published.with_suffix(".safetensors")
    convert_weights(published, converted)
    race(
        "weights of a fold from file to network",
        partial(loaded, network, converted),
        "the published checkpoint",
        partial(loaded, network, published),
        equal=lambda a, b: a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a),
        goals={1: 1.5, 2: 1.5},
    )
