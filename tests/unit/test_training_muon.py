"""The Muon optimizer."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from lesionlocator.training.muon import Muon, orthogonalized


@pytest.mark.parametrize("shape", [(8, 216), (64, 27), (5, 5)])
def test_singular_vectors_stay_and_values_come_near_one(shape: tuple[int, int]) -> None:
    matrix = torch.randn(shape, generator=torch.Generator().manual_seed(1)) * 1e-3
    left, values, right = torch.linalg.svd(matrix, full_matrices=False)
    found = torch.diagonal(left.T @ orthogonalized(matrix) @ right.T)
    well_above_noise = values > 0.05 * values[0]
    assert ((found[well_above_noise] > 0.65) & (found[well_above_noise] < 1.25)).all()
    off = left.T @ orthogonalized(matrix) @ right.T - torch.diag(found)
    assert float(off.abs().max()) < 1e-4


def test_a_convolution_steps_by_its_rate_and_other_weights_as_adam_steps() -> None:
    torch.manual_seed(2)
    network = torch.nn.Sequential(torch.nn.Conv3d(2, 4, 3), torch.nn.Conv3d(4, 2, 1))
    adam = torch.optim.Adam(
        [p.clone().detach() for p in network[1].parameters()], 0.3 / 30, betas=(0.9, 0.99)
    )
    before = network[0].weight.detach().clone()
    optimizer = Muon(network, 0.3, weight_decay=0.0)
    for seed in (3, 4):
        gradients = [
            torch.randn(p.shape, generator=torch.Generator().manual_seed(seed)) for p in network.parameters()
        ]
        for parameter, gradient in zip(network.parameters(), gradients, strict=True):
            parameter.grad = gradient
        for parameter, gradient in zip(adam.param_groups[0]["params"], gradients[2:], strict=True):
            parameter.grad = gradient
        optimizer.step()
        adam.step()
        if seed == 3:
            change = (before - network[0].weight).detach().flatten(1) / 0.3
            singular = torch.linalg.svdvals(change)
            assert ((singular > 0.65) & (singular < 1.25)).all()
    for parameter, expected in zip(network[1].parameters(), adam.param_groups[0]["params"], strict=True):
        np.testing.assert_allclose(parameter.detach(), expected, rtol=1e-5, atol=1e-6)


def test_a_quadratic_with_very_unlike_directions_is_minimized() -> None:
    network = torch.nn.Conv3d(1, 3, (1, 1, 3), bias=False)
    scale = torch.tensor([1.0, 8.0, 0.2]).view(3, 1, 1, 1, 1)
    optimizer = Muon(network, 0.1, weight_decay=0.0)
    for step in range(200):
        optimizer.param_groups[0]["lr"] = 0.1 * (1 - step / 200)
        optimizer.zero_grad()
        (scale * (network.weight - 0.5)).square().sum().backward()
        optimizer.step()
    assert float((network.weight.detach() - 0.5).abs().max()) < 0.05


def test_frozen_and_untouched_weights_stay() -> None:
    network = torch.nn.Conv3d(1, 2, 3)
    network.weight.requires_grad_(False)
    before = [p.detach().clone() for p in network.parameters()]
    optimizer = Muon(network, 0.1)
    optimizer.step()
    assert all(torch.equal(a, b) for a, b in zip(before, network.parameters(), strict=True))
    assert [len(group["params"]) for group in optimizer.param_groups] == [1]
