"""The form in which networks run answers as the form in which they were trained."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import nn

import tiny_models
from lesionlocator.networks.inference_form import UpsamplingProduct, for_inference


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
