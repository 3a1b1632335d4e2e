"""The logits of one lesion of each image equal those of the published system."""

from __future__ import annotations

import json
import zlib
from pathlib import Path

import numpy as np
import pytest
import torch

from lesionlocator.inference.ensemble import Ensemble
from lesionlocator.inference.segmenter import segment_prompt
from lesionlocator.io import read_scan
from lesionlocator.model import segmentation_folder
from lesionlocator.networks import ResidualEncoderUNet
from lesionlocator.preprocessing import ModelGrid
from lesionlocator.prompts.files import read_prompts
from lesionlocator.prompts.kinds import PromptKind
from lesionlocator.prompts.on_grid import prompt_from_voxels

TOLERANCE = 2e-2


@pytest.mark.parametrize("family", ["linear", "cubic"])
@pytest.mark.parametrize("image", ["a", "b", "c", "d"])
def test_logits_of_one_lesion(conformance: Path, family: str, image: str) -> None:
    facts = np.load(conformance / f"expected/intermediates/{family}_{image}.npz")
    folder = segmentation_folder(conformance / "checkpoint" / family, "box")
    ensemble = Ensemble(folder, folds=[0], device=torch.device("cpu"), mirroring=False)
    grid = ModelGrid(read_scan(conformance / f"images/{image}.nii.gz"), folder.plans)
    lesion = read_prompts(conformance / f"prompts/{image}.json").prompts[int(facts["picked_lesion"])]
    logits = segment_prompt(ensemble, grid, prompt_from_voxels(lesion, PromptKind.BOX, grid))

    wanted = facts["logit_difference"].astype(np.float32)
    covered = np.zeros(wanted.shape, bool)
    covered[logits.block.slices] = True
    np.testing.assert_array_equal(covered, ~np.isnan(wanted))
    assert np.abs(logits.difference - wanted[logits.block.slices]).max() < TOLERANCE


def formula(name: str, shape: list[int]) -> torch.Tensor:
    """Return the weights that the kit prescribes for a parameter of the full-size network."""
    values = np.random.RandomState(zlib.crc32(name.encode())).standard_normal(shape)
    if len(shape) > 1:
        values /= np.sqrt(np.prod(shape[1:]))
    elif name.endswith("weight"):
        values = np.ones(shape)
    else:
        values *= 0.01
    return torch.from_numpy(values.astype(np.float32))


def test_the_full_size_network(conformance: Path) -> None:
    network = ResidualEncoderUNet(
        2,
        2,
        n_stages=6,
        features_per_stage=[32, 64, 128, 256, 320, 320],
        kernel_sizes=[[3, 3, 3]] * 6,
        strides=[[1, 1, 1], *[[2, 2, 2]] * 5],
        n_blocks_per_stage=[1, 3, 4, 6, 6, 6],
        n_conv_per_stage_decoder=[1] * 5,
    )
    names = json.loads((conformance / "parameters_segmentation_full_size.json").read_text())
    first = {name: shape for name, shape, *second in names if not second}
    assert {name: list(tensor.shape) for name, tensor in network.state_dict().items()} == first
    network.load_state_dict({name: formula(name, shape) for name, shape in first.items()})
    values = np.random.RandomState(7).standard_normal((1, 2, 64, 96, 96)).astype(np.float32)
    values[0, 1] = 0
    values[0, 1, 20:40, 30:60, 40:70] = 1
    with torch.inference_mode():
        logits = network.eval()(torch.from_numpy(values))[0].numpy()
    wanted = np.load(conformance / "expected/intermediates/full_size_network.npz")["logits"]
    assert np.abs(logits - wanted.astype(np.float32)).max() < TOLERANCE
