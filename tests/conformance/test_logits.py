"""The logits of one lesion of each image equal those of the published system."""

from __future__ import annotations

import json
import zlib
from pathlib import Path

import numpy as np
import pytest
import torch

from archives import arrays_of
from lesionlocator.inference.ensemble import Ensemble
from lesionlocator.inference.segmenter import segment_prompts
from lesionlocator.inference.tiles import Tiling
from lesionlocator.io import read_scan
from lesionlocator.model import segmentation_folder
from lesionlocator.networks import ResidualEncoderUNet
from lesionlocator.preprocessing import ModelGrid
from lesionlocator.prompts.files import read_prompts
from lesionlocator.prompts.kinds import PromptKind
from lesionlocator.prompts.on_grid import GridPrompt, prompt_from_voxels

TOLERANCE = 2e-2
STITCHED_TOLERANCE = 5e-2
"""The published system sums up to eight overlapping tiles in half precision, each rounded."""
LEAST_WEIGHT = 1e-5
"""Below, a published weight times a logit is no normal number of half precision, and its digits are lost."""


@pytest.mark.parametrize("family", ["linear", "cubic"])
@pytest.mark.parametrize("image", ["a", "b", "c", "d"])
def test_logits_of_one_lesion(conformance: Path, family: str, image: str) -> None:
    facts = arrays_of(conformance / f"expected/intermediates/{family}_{image}.npz")
    folder = segmentation_folder(conformance / "checkpoint" / family, "box")
    ensemble = Ensemble(folder, folds=[0], device=torch.device("cpu"), mirroring=False)
    grid = ModelGrid(read_scan(conformance / f"images/{image}.nii.gz"), folder.plans)
    lesion = read_prompts(conformance / f"prompts/{image}.json").prompts[int(facts["picked_lesion"])]
    prompt = prompt_from_voxels(lesion, PromptKind.BOX, grid)
    assert isinstance(prompt, GridPrompt)
    (answer,) = segment_prompts(ensemble, grid, [prompt])
    logits = answer.logits

    wanted = facts["logit_difference"].astype(np.float32)
    covered = np.zeros(wanted.shape, bool)
    covered[logits.block.slices] = True
    np.testing.assert_array_equal(covered, ~np.isnan(wanted))
    tiling = Tiling.around(prompt.extent, grid.shape, grid.plans.patch_size, 0.5)
    weight = arrays_of(conformance / "expected/intermediates/gaussian_48_64_64.npz")["gaussian"]
    precise = summed(weight, tiling)[logits.block.slices] >= LEAST_WEIGHT
    wanted = wanted[logits.block.slices]
    off = np.abs(logits.difference - wanted)[precise]
    assert off.max() < (TOLERANCE if len(tiling.tiles) == 1 else STITCHED_TOLERANCE)
    assert (off < TOLERANCE).mean() > 0.999
    np.testing.assert_array_equal(logits.difference > 0, wanted > 0)


def summed(weight: np.ndarray, tiling: Tiling) -> np.ndarray:
    """Return the sum of the tiles' weights over the grid."""
    z, y, x = (-n for n in tiling.span.start)
    total = np.zeros(tiling.span.shape)
    for tile in tiling.tiles:
        total[tile.shifted((z, y, x)).slices] += weight
    inside = tiling.span.clipped(tiling.shape)
    assert inside is not None
    over_grid = np.zeros(tiling.shape)
    over_grid[inside.slices] = total[inside.shifted((z, y, x)).slices]
    return over_grid


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
    wanted = arrays_of(conformance / "expected/intermediates/full_size_network.npz")["logits"]
    assert np.abs(logits - wanted.astype(np.float32)).max() < TOLERANCE
