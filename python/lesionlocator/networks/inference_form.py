"""The form in which a network answers soonest, with the answers of the form in which it was trained."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from lesionlocator.networks.residual_unet import ConvUnit

if TYPE_CHECKING:
    from collections.abc import Callable


class OneDnnConvolution(nn.Conv3d):
    """A convolution that oneDNN computes, for networks on the CPU.

    Where a single sample is small, as deep in a network or in a small patch, torch chooses a way of its own,
    which takes up to four times as long.

    Parameters
    ----------
    convolution
        In float32 and padded with zeros; its weights are shared.
    """

    def __init__(self, convolution: nn.Conv3d) -> None:
        with torch.device("meta"):
            super().__init__(
                convolution.in_channels,
                convolution.out_channels,
                convolution.kernel_size,  # type: ignore[arg-type]  # three numbers, as everywhere here
                convolution.stride,  # type: ignore[arg-type]
                convolution.padding,  # type: ignore[arg-type]
                convolution.dilation,  # type: ignore[arg-type]
                convolution.groups,
                bias=False,
            )
        self.weight, self.bias = convolution.weight, convolution.bias

    def _conv_forward(self, input: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        return torch.mkldnn_convolution(
            input,
            weight,
            bias,
            self.padding,  # type: ignore[arg-type]  # three numbers, as everywhere here
            self.stride,
            self.dilation,
            self.groups,
        )


class UpsamplingProduct(nn.Module):
    """A transposed convolution whose kernel is its stride, as one matrix product.

    Each voxel becomes a block of voxels that no other voxel reaches, so that nothing has to be summed.
    Devices without transposed convolutions in 3D can compute it too.

    Parameters
    ----------
    transposed
        The convolution, without padding.
    """

    weight: Tensor
    bias: Tensor

    def __init__(self, transposed: nn.ConvTranspose3d) -> None:
        super().__init__()
        kernel, outputs = transposed.kernel_size, transposed.out_channels
        bias = transposed.bias if transposed.bias is not None else torch.zeros(outputs)
        repeats = kernel[0] * kernel[1] * kernel[2]
        product = transposed.weight.detach().permute(0, 2, 3, 4, 1).reshape(transposed.in_channels, -1)
        self.register_buffer("weight", product.contiguous())
        self.register_buffer("bias", bias.detach().repeat(repeats))
        self._kernel = kernel
        self._outputs = outputs

    def forward(self, x: Tensor) -> Tensor:
        """Map (batch, inputs, z, y, x) to (batch, outputs, z * kernel, y * kernel, x * kernel)."""
        batch, inputs, *size = x.shape
        rows = x.permute(0, 2, 3, 4, 1).reshape(-1, inputs)
        blocks = torch.addmm(self.bias, rows, self.weight).view(batch, *size, *self._kernel, self._outputs)
        z, y, x_size = (n * k for n, k in zip(size, self._kernel, strict=True))
        voxels = blocks.permute(0, 1, 4, 2, 5, 3, 6, 7).reshape(batch, z, y, x_size, self._outputs)
        return voxels.permute(0, 4, 1, 2, 3)


class SubpixelConvolution(nn.Module):
    """A transposed convolution of kernel 4, stride 2 and padding 1, as a convolution and a rearrangement.

    Along an axis, output 2i sees inputs i - 1 and i through taps 3 and 1, output 2i + 1 sees i and i + 1
    through taps 2 and 0: a convolution of kernel 3 whose channels are the eight corners of each voxel. It
    multiplies with zeros, so that it is only for devices without transposed convolutions in 3D.

    Parameters
    ----------
    transposed
        The convolution.
    """

    weight: Tensor
    bias: Tensor | None

    def __init__(self, transposed: nn.ConvTranspose3d) -> None:
        super().__init__()
        given = transposed.weight.detach()  # (inputs, outputs, 4, 4, 4)
        for axis in (-3, -2, -1):
            three, two, one, zero = (given.select(axis, tap) for tap in (3, 2, 1, 0))
            nothing = torch.zeros_like(one)
            even, odd = (torch.stack(taps, axis) for taps in ((three, one, nothing), (nothing, two, zero)))
            given = torch.stack((even, odd), dim=2 + (3 + axis))  # a corner's axes before the taps
        corners = given.permute(1, 2, 3, 4, 0, 5, 6, 7).flatten(0, 3)
        self.register_buffer("weight", corners.contiguous())
        bias = transposed.bias
        self.register_buffer("bias", None if bias is None else bias.detach().repeat_interleave(8))
        self.out_channels = transposed.out_channels

    def forward(self, x: Tensor) -> Tensor:
        """Map (batch, inputs, z, y, x) to (batch, outputs, 2z, 2y, 2x)."""
        batch, _, z, y, x_size = x.shape
        corners = nn.functional.conv3d(x, self.weight, self.bias, padding=1)
        blocks = corners.view(batch, self.out_channels, 2, 2, 2, z, y, x_size).permute(0, 1, 5, 2, 6, 3, 7, 4)
        return blocks.reshape(batch, self.out_channels, 2 * z, 2 * y, 2 * x_size)


def for_inference(
    network: nn.Module, dtype: torch.dtype = torch.float32, *, by_onednn: bool = False
) -> nn.Module:
    """Change a loaded network, in place, to the form in which it runs.

    Biases of convolutions that an instance norm follows are dropped, since it subtracts them again.
    Transposed convolutions whose kernel is their stride become matrix products. Weights of convolutions are
    kept in the precision in which they are used; norms stay in float32.

    Parameters
    ----------
    network
        A residual U-Net, or a module that holds one.
    dtype
        Precision of the convolutions.
    by_onednn
        Whether oneDNN is to compute all convolutions; for float32 on the CPU.
    """
    for unit in (module for module in network.modules() if isinstance(module, ConvUnit)):
        unit.conv.bias = None
    _replace(network, _is_upsampling, UpsamplingProduct)
    if by_onednn:
        _replace(network, lambda module: type(module) is nn.Conv3d, OneDnnConvolution)
    for module in network.modules():
        if isinstance(module, (nn.Conv3d, UpsamplingProduct)):
            module.to(dtype)
    return network.eval().requires_grad_(False)


def without_transposed_convolutions(network: nn.Module) -> nn.Module:
    """Replace a loaded network's transposed convolutions, in place, for a device that has none in 3D."""
    _replace(network, _is_upsampling, UpsamplingProduct)
    _replace(network, _doubles, SubpixelConvolution)
    return network


def _doubles(module: nn.Module) -> bool:
    return (
        isinstance(module, nn.ConvTranspose3d)
        and (module.kernel_size, module.stride, module.padding) == ((4,) * 3, (2,) * 3, (1,) * 3)
        and not any(module.output_padding)
        and module.groups == 1
        and set(module.dilation) == {1}
    )


def _is_upsampling(module: nn.Module) -> bool:
    return (
        isinstance(module, nn.ConvTranspose3d)
        and module.kernel_size == module.stride
        and not any((*module.padding, *module.output_padding))
        and module.groups == 1
        and set(module.dilation) == {1}
    )


def _replace(
    parent: nn.Module, chosen: Callable[[nn.Module], bool], made: Callable[[Any], nn.Module]
) -> None:
    for name, child in parent.named_children():
        if chosen(child):
            setattr(parent, name, made(child))
        else:
            _replace(child, chosen, made)
