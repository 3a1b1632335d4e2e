"""The form in which a network answers soonest, with the answers of the form in which it was trained."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from lesionlocator.networks.residual_unet import ConvUnit

if TYPE_CHECKING:
    from collections.abc import Callable


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


def for_inference(network: nn.Module, dtype: torch.dtype = torch.float32) -> nn.Module:
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
    """
    for unit in (module for module in network.modules() if isinstance(module, ConvUnit)):
        unit.conv.bias = None
    _replace(network, _is_upsampling, UpsamplingProduct)
    for module in network.modules():
        if isinstance(module, (nn.Conv3d, UpsamplingProduct)):
            module.to(dtype)
    return network.eval().requires_grad_(False)


def _is_upsampling(module: nn.Module) -> bool:
    return (
        isinstance(module, nn.ConvTranspose3d)
        and module.kernel_size == module.stride
        and not any((*module.padding, *module.output_padding))
        and module.groups == 1
        and set(module.dilation) == {1}
    )


def _replace(
    parent: nn.Module, chosen: Callable[[nn.Module], bool], made: Callable[[nn.ConvTranspose3d], nn.Module]
) -> None:
    for name, child in parent.named_children():
        if chosen(child) and isinstance(child, nn.ConvTranspose3d):
            setattr(parent, name, made(child))
        else:
            _replace(child, chosen, made)
