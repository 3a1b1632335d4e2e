"""The registration network's parts, against cases that can be worked out by hand."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from lesionlocator.networks import registration
from lesionlocator.networks.registration import RegistrationNetwork, identity, sample, with_channels


class Fixed(nn.Module):
    """A displacement that does not depend on the images, which it remembers."""

    def __init__(self, *steps: float) -> None:
        super().__init__()
        self.steps = torch.tensor(steps)
        self.seen: list[tuple[Tensor, Tensor]] = []

    def forward(self, moving: Tensor, fixed: Tensor) -> Tensor:
        self.seen.append((moving, fixed))
        return self.steps.view(1, 3, 1, 1, 1).expand(1, 3, *moving.shape[2:])


def ramp(size: tuple[int, int, int], axis: int) -> Tensor:
    """Return an image that holds the coordinate along one axis."""
    return identity(size, torch.device("cpu"))[:, axis : axis + 1]


def test_identity_runs_from_0_to_1_along_each_axis() -> None:
    at = identity((3, 2, 5), torch.device("cpu"))
    assert at.shape == (1, 3, 3, 2, 5)
    assert at[0, :, 0, 0, 0].tolist() == [0, 0, 0]
    assert at[0, :, 1, 0, 3].tolist() == [0.5, 0, 0.75]
    assert at[0, :, -1, -1, -1].tolist() == [1, 1, 1]


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_sampling_takes_coordinates_in_the_order_z_y_x(axis: int) -> None:
    at = torch.tensor([0.25, 0.5, 0.8]).view(1, 3, 1, 1, 1)
    assert sample(ramp((5, 9, 6), axis), at).item() == pytest.approx(at.flatten()[axis].item(), abs=1e-6)


def test_sampling_outside_takes_the_border_or_zero() -> None:
    at = torch.tensor([2.0, 0.5, 0.5]).view(1, 3, 1, 1, 1)
    assert sample(ramp((5, 5, 5), 0), at).item() == 1
    assert sample(ramp((5, 5, 5), 0), at, padding="zeros").item() == 0


def test_a_displacement_is_interpolated_between_its_voxels() -> None:
    class Growing(nn.Module):
        def forward(self, moving: Tensor, fixed: Tensor) -> Tensor:
            return torch.cat([ramp((3, 3, 3), 0), torch.zeros(1, 2, 3, 3, 3)], dim=1) * 0.5

    found = registration._Displaced(Growing())(torch.zeros(1, 1, 3, 3, 3), torch.zeros(1, 1, 3, 3, 3))
    at = torch.tensor([0.6, 0.1, 0.2]).view(1, 3, 1, 1, 1)
    torch.testing.assert_close(found(at).flatten(), torch.tensor([0.9, 0.1, 0.2]))


def test_half_resolution_averages_pairs_and_keeps_an_odd_last_voxel() -> None:
    inner = Fixed(0, 0, 0)
    image = torch.arange(5.0).view(1, 1, 5, 1, 1).expand(1, 1, 5, 4, 3)
    registration._HalfResolution(registration._Displaced(inner))(image, image + 10)
    moving, fixed = inner.seen[0]
    assert moving.shape == (1, 1, 3, 2, 2)
    assert moving[0, 0, :, 0, 0].tolist() == [0.5, 2.5, 4]
    assert fixed[0, 0, :, 0, 0].tolist() == [10.5, 12.5, 14]


def test_the_second_step_sees_the_moving_image_after_the_first() -> None:
    second = Fixed(0, 0, 0)
    both = registration._TwoSteps(registration._Displaced(Fixed(0, 0, 0.25)), registration._Displaced(second))
    both(ramp((5, 5, 5), 2), torch.zeros(1, 1, 5, 5, 5))
    assert second.seen[0][0][0, 0, 0, 0].tolist() == pytest.approx([0.25, 0.5, 0.75, 1, 1])


def test_two_steps_apply_the_second_map_first() -> None:
    class Doubled(nn.Module):
        def forward(self, moving: Tensor, fixed: Tensor) -> Tensor:
            return identity(moving.shape[2:], moving.device)  # c + c

    shift = registration._Displaced(Fixed(0.25, 0, 0))
    images = (torch.zeros(1, 1, 5, 5, 5), torch.zeros(1, 1, 5, 5, 5))
    at = torch.full((1, 3, 1, 1, 1), 0.25)
    double_of_shifted = registration._TwoSteps(registration._Displaced(Doubled()), shift)(*images)(at)
    shift_of_doubled = registration._TwoSteps(shift, registration._Displaced(Doubled()))(*images)(at)
    torch.testing.assert_close(double_of_shifted.flatten(), torch.tensor([1.0, 0.5, 0.5]))
    torch.testing.assert_close(shift_of_doubled.flatten(), torch.tensor([0.75, 0.5, 0.5]))


def test_channels_are_cut_behind_and_filled_in_front() -> None:
    x = torch.arange(3.0).view(1, 3, 1, 1, 1)
    assert with_channels(x, 2).flatten().tolist() == [0, 1]
    assert with_channels(x, 3) is not None
    assert with_channels(x, 5).flatten().tolist() == [0, 0, 0, 1, 2]


def test_a_displacement_network_without_weights_displaces_by_a_tenth_of_its_bias() -> None:
    network = registration._DisplacementNetwork().eval()
    for parameter in network.parameters():
        parameter.data.zero_()
    network.lastConv.bias.data = torch.tensor([1.0, 2.0, 3.0])
    with torch.inference_mode():
        found = network(torch.ones(1, 1, 35, 33, 34), torch.ones(1, 1, 35, 33, 34))
    assert found.shape == (1, 3, 35, 33, 34)
    torch.testing.assert_close(found[0, :, 5, 5, 5], torch.tensor([0.1, 0.2, 0.3]))


def test_a_network_of_zeros_leaves_every_voxel_where_it_is() -> None:
    with torch.device("meta"):
        network = RegistrationNetwork().eval()
    assert sum(p.numel() for p in network.parameters()) == 70_680_916
    network.to_empty(device="cpu")
    for value in network.state_dict().values():
        value.zero_()
    with torch.inference_mode():
        phi = network(torch.randn(1, 1, 71, 66, 69), torch.randn(1, 1, 71, 66, 69))
    torch.testing.assert_close(phi, identity((71, 66, 69), torch.device("cpu")))
