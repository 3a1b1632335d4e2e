"""The form in which networks run answers as the form in which they were trained."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode

import tiny_models
from lesionlocator.networks.inference_form import (
    OneDnnConvolution,
    SubpixelConvolution,
    UpsamplingProduct,
    for_inference,
    without_transposed_convolutions,
)
from lesionlocator.networks.registration import RegistrationNetwork


@pytest.mark.parametrize("stride", [(2, 2, 2), (1, 2, 2), (1, 1, 1), (3, 1, 2)])
@pytest.mark.parametrize("bias", [True, False])
def test_an_upsampling_product_equals_the_transposed_convolution(stride: tuple[int, ...], bias: bool) -> None:
    torch.manual_seed(1)
    transposed = nn.ConvTranspose3d(5, 4, stride, stride, bias=bias)
    x = torch.randn(2, 5, 3, 4, 6)
    with torch.inference_mode():
        torch.testing.assert_close(UpsamplingProduct(transposed)(x), transposed(x), rtol=1e-6, atol=1e-6)


def test_dropped_biases_and_products_do_not_change_the_answer() -> None:
    network = tiny_models.network(3)
    for module in network.modules():
        if isinstance(module, nn.Conv3d) and module.bias is not None:
            module.bias.data += torch.randn_like(module.bias) * 3
    x = torch.randn(1, 2, 16, 16, 16)
    quick = for_inference(copy.deepcopy(network))
    kinds = [type(module) for module in quick.modules()]
    assert nn.ConvTranspose3d not in kinds
    assert UpsamplingProduct in kinds
    assert [name for name, _ in quick.named_parameters() if name.endswith("conv.bias")] == []
    with torch.inference_mode():
        torch.testing.assert_close(quick(x), network(x), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("size", [8, 24])
def test_onednn_gives_the_answer_of_torchs_own_way(size: int) -> None:
    """Torch leaves a single small sample to a way of its own, and a larger one to oneDNN."""
    network = tiny_models.network(5)
    quick = for_inference(copy.deepcopy(network), by_onednn=True)
    convolutions = [module for module in quick.modules() if isinstance(module, nn.Conv3d)]
    assert {type(module) for module in convolutions} == {OneDnnConvolution}
    x = torch.randn(1, 2, size, size, size).contiguous(memory_format=torch.channels_last_3d)
    with torch.inference_mode():
        torch.testing.assert_close(quick(x), network(x), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(("stride", "dilation", "groups"), [(1, 1, 1), (2, 1, 2), ((1, 2, 2), (2, 1, 1), 1)])
def test_a_onednn_convolution_equals_the_convolution(stride: Any, dilation: Any, groups: int) -> None:
    torch.manual_seed(3)
    given = nn.Conv3d(4, 6, 3, stride, 1, dilation, groups)
    x = torch.randn(1, 4, 7, 8, 9)
    with torch.inference_mode():
        torch.testing.assert_close(OneDnnConvolution(given)(x), given(x), rtol=1e-5, atol=1e-5)


def test_the_head_keeps_its_bias() -> None:
    quick = for_inference(tiny_models.network(0))
    assert quick.decoder.seg_layers[-1].bias is not None


def test_a_transposed_convolution_that_overlaps_stays() -> None:
    network = nn.Sequential(nn.ConvTranspose3d(2, 2, 4, stride=2, padding=1))
    assert type(for_inference(network)[0]) is nn.ConvTranspose3d


def test_weights_of_convolutions_are_kept_in_the_precision_of_use() -> None:
    quick = for_inference(tiny_models.network(0), torch.bfloat16)
    kept = {name: tensor.dtype for name, tensor in quick.state_dict().items()}
    assert all(kind == torch.bfloat16 for name, kind in kept.items() if ".conv.weight" in name)
    assert all(kind == torch.float32 for name, kind in kept.items() if ".norm." in name)


@pytest.mark.parametrize("bias", [True, False])
def test_a_subpixel_convolution_equals_the_transposed_convolution(bias: bool) -> None:
    torch.manual_seed(2)
    transposed = nn.ConvTranspose3d(3, 5, 4, stride=2, padding=1, bias=bias)
    x = torch.randn(2, 3, 4, 5, 6)
    with torch.inference_mode():
        torch.testing.assert_close(SubpixelConvolution(transposed)(x), transposed(x), rtol=1e-5, atol=1e-5)


def registration_network() -> nn.Module:
    """Return one of the registration network's four displacement maps, for images of 32 voxels."""
    torch.manual_seed(4)
    with torch.device("meta"):
        whole = RegistrationNetwork()
    part = whole.regis_net.netPsi.to_empty(device="cpu").eval()
    for name, tensor in part.state_dict().items():
        if name.endswith(("running_var", "running_mean", "num_batches_tracked")):
            tensor.fill_(1)
        else:
            tensor.uniform_(-0.03, 0.03)
    return part


def test_the_registration_network_answers_alike_in_both_forms() -> None:
    network = registration_network()
    moving, fixed = torch.rand(2, 1, 1, 32, 32, 32)
    at = torch.rand(1, 3, 4, 4, 4)
    with torch.inference_mode():
        expected = network(moving, fixed)(at)
        found = without_transposed_convolutions(network)(moving, fixed)(at)
    assert not any(isinstance(module, nn.ConvTranspose3d) for module in network.modules())
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5)


class Operators(TorchDispatchMode):
    """The operators that a network comes down to, and whether one is a transposed convolution."""

    def __init__(self) -> None:
        super().__init__()
        self.names: set[str] = set()
        self.transposes = False

    def __torch_dispatch__(self, function, types, arguments=(), options=None):
        self.names.add(function.overloadpacket.__name__)
        if function is torch.ops.aten.convolution.default:
            self.transposes |= arguments[6]
        return function(*arguments, **(options or {}))


def operators_of(network: nn.Module, *inputs: torch.Tensor) -> Operators:
    with torch.no_grad(), Operators() as found:
        network(*inputs)
    return found


def mps_operators() -> set[str]:
    lines = (Path(__file__).parents[1] / "data" / "mps_operators.txt").read_text().splitlines()
    return {line for line in lines if not line.startswith("#")}


def test_the_segmentation_network_needs_only_operators_of_mps() -> None:
    found = operators_of(for_inference(tiny_models.network(0)), torch.randn(1, 2, 16, 16, 16))
    assert {"convolution", "addmm"} <= found.names
    assert found.names <= mps_operators()
    assert not found.transposes


def test_the_registration_network_needs_only_operators_of_mps() -> None:
    network = without_transposed_convolutions(registration_network())
    found = operators_of(network, *torch.rand(2, 1, 1, 32, 32, 32))
    # Sampling in 3D is done on the host where the device is MPS.
    assert found.names - {"grid_sampler_3d"} <= mps_operators()
    assert not found.transposes


def test_a_transposed_convolution_would_be_seen() -> None:
    assert operators_of(tiny_models.network(0), torch.randn(1, 2, 16, 16, 16)).transposes
