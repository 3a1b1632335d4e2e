"""Registration network (GradICON, as in uniGradICON), state-dict compatible with the published checkpoints.

Maps live in coordinates that run from 0 to 1 along each axis of an image, voxel i of n at i / (n - 1), and
are tensors (batch, 3, z, y, x) with channels z, y, x. Only the forward map is computed.

References
----------
Tian et al., "GradICON: Approximate Diffeomorphisms via Gradient Inverse Consistency", CVPR 2023.
Tian et al., "uniGradICON: A Foundation Model for Medical Image Registration", MICCAI 2024.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F

Map = Callable[[Tensor], Tensor]
"""Takes coordinates to coordinates, both (batch, 3, z, y, x)."""

_DOWN_CHANNELS = (2, 16, 32, 64, 256, 512)
_UP_CHANNELS = (16, 32, 64, 128, 256)
_DISPLACEMENT_SCALE = 0.1
_SLOPE = 0.01


def identity(size: Sequence[int], device: torch.device) -> Tensor:
    """Return the coordinates of the voxels of a grid, (1, 3, z, y, x)."""
    axes = [torch.arange(n, dtype=torch.float32, device=device) / max(n - 1, 1) for n in size]
    return torch.stack(torch.meshgrid(*axes, indexing="ij"))[None]


def sample(values: Tensor, at: Tensor, *, mode: str = "bilinear", padding: str = "border") -> Tensor:
    """Return values (batch, channels, z, y, x) interpolated at coordinates (batch, 3, z', y', x')."""
    grid = (at.flip(1) * 2 - 1).permute(0, 2, 3, 4, 1)
    if values.device.type == "mps":  # sampling in 3D is missing there
        return _grid_sample(values.cpu(), grid.cpu(), mode, padding).to(values.device)
    return _grid_sample(values, grid, mode, padding)


class RegistrationNetwork(nn.Module):
    """Four displacement networks, from a quarter of the resolution to full resolution, one after another."""

    def __init__(self) -> None:
        super().__init__()
        coarse = _TwoSteps(_HalfResolution(_Displaced()), _Displaced())
        self.regis_net = _TwoSteps(_TwoSteps(_HalfResolution(coarse), _Displaced()), _Displaced())

    def forward(self, moving: Tensor, fixed: Tensor) -> Tensor:
        """Return where in ``moving`` each voxel of ``fixed`` lies, (1, 3, z, y, x).

        Parameters
        ----------
        moving, fixed
            Normalized images of one size, (1, 1, z, y, x).
        """
        at = identity(fixed.shape[2:], fixed.device)
        found: Map = self.regis_net(moving, fixed)
        return found(at)


class _Displaced(nn.Module):
    """The map that adds a network's displacement, interpolated between its voxels."""

    def __init__(self, net: nn.Module | None = None) -> None:
        super().__init__()
        self.net = _DisplacementNetwork() if net is None else net

    def forward(self, moving: Tensor, fixed: Tensor) -> Map:
        displacement = self.net(moving, fixed)
        return lambda at: at + sample(displacement, at)


class _HalfResolution(nn.Module):
    """A map found on images of half the size."""

    def __init__(self, net: nn.Module) -> None:
        super().__init__()
        self.net = net

    def forward(self, moving: Tensor, fixed: Tensor) -> Map:
        found: Map = self.net(_halved(moving), _halved(fixed))
        return found


class _TwoSteps(nn.Module):
    """A map, and a second one found after the first has been applied to the moving image."""

    def __init__(self, first: nn.Module, second: nn.Module) -> None:
        super().__init__()
        self.netPhi = first
        self.netPsi = second

    def forward(self, moving: Tensor, fixed: Tensor) -> Map:
        first: Map = self.netPhi(moving, fixed)
        warped = sample(moving, first(identity(moving.shape[2:], moving.device)))
        second: Map = self.netPsi(warped, fixed)
        return lambda at: first(second(at))


class _DisplacementNetwork(nn.Module):
    """U-Net from two images to a displacement, with residual down and up levels."""

    def __init__(self) -> None:
        super().__init__()
        below = [u + d for u, d in zip(_UP_CHANNELS[1:], _DOWN_CHANNELS[1:], strict=False)]
        self.downConvs = nn.ModuleList(
            nn.Conv3d(inputs, outputs, 3, stride=2, padding=1) for inputs, outputs in pairwise(_DOWN_CHANNELS)
        )
        self.upConvs = nn.ModuleList(
            nn.ConvTranspose3d(inputs, outputs, 4, stride=2, padding=1)
            for inputs, outputs in zip([*below, _DOWN_CHANNELS[-1]], _UP_CHANNELS, strict=True)
        )
        self.batchNorms = nn.ModuleList(nn.BatchNorm3d(outputs) for outputs in _UP_CHANNELS)
        self.lastConv = nn.Conv3d(_UP_CHANNELS[0] + _DOWN_CHANNELS[0], 3, 3, padding=1)

    def forward(self, moving: Tensor, fixed: Tensor) -> Tensor:
        x = torch.cat((moving, fixed), dim=1).contiguous(memory_format=torch.channels_last_3d)
        skips = []
        for down in self.downConvs:
            skips.append(x)
            x = down(F.leaky_relu(x, _SLOPE)) + with_channels(_halved(x), down.out_channels)  # type: ignore[arg-type]  # an int
        for up, norm, skip in zip(self.upConvs[::-1], self.batchNorms[::-1], skips[::-1], strict=True):
            straight = F.interpolate(
                with_channels(x, up.out_channels),  # type: ignore[arg-type]  # an int
                scale_factor=2,
                mode="trilinear",
                align_corners=False,
            )
            z, y, x_size = skip.shape[2:]
            x = norm(up(F.leaky_relu(x, _SLOPE)).add_(straight))[:, :, :z, :y, :x_size]
            x = torch.cat((x, skip), dim=1)
        return self.lastConv(x) * _DISPLACEMENT_SCALE


def with_channels(x: Tensor, channels: int) -> Tensor:
    """Return the first channels, or all of them behind channels of zeros."""
    missing = channels - x.shape[1]
    return F.pad(x, (0, 0, 0, 0, 0, 0, missing, 0)) if missing > 0 else x[:, :channels]


def _halved(x: Tensor) -> Tensor:
    return F.avg_pool3d(x, 2, ceil_mode=True)


def _grid_sample(values: Tensor, grid: Tensor, mode: str, padding: str) -> Tensor:
    return F.grid_sample(values, grid, mode=mode, padding_mode=padding, align_corners=True)
