"""Residual-encoder U-Net (nnU-Net's ResEnc presets), state-dict compatible with the published checkpoints.

References
----------
Isensee et al., "nnU-Net Revisited: A Call for Rigorous Validation in 3D Medical Image Segmentation",
MICCAI 2024.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import torch
from torch import Tensor, nn

Kernel = Sequence[int]


class ConvUnit(nn.Module):
    """Convolution and instance norm, followed by a leaky ReLU unless ``slope`` is None."""

    def __init__(
        self,
        inputs: int,
        outputs: int,
        kernel: Kernel,
        stride: Kernel,
        *,
        bias: bool,
        eps: float,
        slope: float | None,
    ) -> None:
        super().__init__()
        padding = _triple((k - 1) // 2 for k in kernel)
        self.conv = nn.Conv3d(inputs, outputs, _triple(kernel), _triple(stride), padding, bias=bias)
        self.norm = nn.InstanceNorm3d(outputs, eps=eps, affine=True)
        self.slope = slope

    def forward(self, x: Tensor) -> Tensor:
        """Map (batch, inputs, z, y, x) to (batch, outputs, z / stride, y / stride, x / stride)."""
        x = self.norm(self.conv(x))
        return x if self.slope is None else nn.functional.leaky_relu(x, self.slope, inplace=True)


class ResidualBlock(nn.Module):
    """Two convolution units beside a skip that pools where strided and projects where channels change."""

    def __init__(
        self,
        inputs: int,
        outputs: int,
        kernel: Kernel,
        stride: Kernel,
        *,
        bias: bool,
        eps: float,
        slope: float,
    ) -> None:
        super().__init__()
        ones = (1, 1, 1)
        self.conv1 = ConvUnit(inputs, outputs, kernel, stride, bias=bias, eps=eps, slope=slope)
        self.conv2 = ConvUnit(outputs, outputs, kernel, ones, bias=bias, eps=eps, slope=None)
        skip: list[nn.Module] = []
        if any(s != 1 for s in stride):
            skip.append(nn.AvgPool3d(_triple(stride), _triple(stride)))
        if inputs != outputs:
            skip.append(ConvUnit(inputs, outputs, ones, ones, bias=False, eps=eps, slope=None))
        self.skip = nn.Sequential(*skip)
        self.slope = slope

    def forward(self, x: Tensor) -> Tensor:
        """Map (batch, inputs, z, y, x) to (batch, outputs, z / stride, y / stride, x / stride)."""
        return nn.functional.leaky_relu(self.conv2(self.conv1(x)) + self.skip(x), self.slope, inplace=True)


class _ConvStack(nn.Module):
    def __init__(self, units: Sequence[nn.Module]) -> None:
        super().__init__()
        self.convs = nn.Sequential(*units)

    def forward(self, x: Tensor) -> Tensor:
        return self.convs(x)


class _Stage(nn.Module):
    def __init__(self, blocks: Sequence[nn.Module]) -> None:
        super().__init__()
        self.blocks = nn.Sequential(*blocks)

    def forward(self, x: Tensor) -> Tensor:
        return self.blocks(x)


class _Encoder(nn.Module):
    def __init__(self, stem: nn.Module, stages: Sequence[nn.Module]) -> None:
        super().__init__()
        self.stem = stem
        self.stages = nn.Sequential(*stages)

    def forward(self, x: Tensor) -> list[Tensor]:
        x = self.stem(x)
        skips = []
        for stage in self.stages:
            x = stage(x)
            skips.append(x)
        return skips


class _Decoder(nn.Module):
    def __init__(
        self, transpconvs: Sequence[nn.Module], stages: Sequence[nn.Module], heads: Sequence[nn.Module]
    ) -> None:
        super().__init__()
        self.transpconvs = nn.ModuleList(transpconvs)
        self.stages = nn.ModuleList(stages)
        self.seg_layers = nn.ModuleList(heads)

    def features(self, skips: list[Tensor]) -> list[Tensor]:
        x = skips[-1]
        found = []
        for up, stage, skip in zip(self.transpconvs, self.stages, reversed(skips[:-1]), strict=True):
            x = stage(torch.cat((up(x), skip), dim=1))
            found.append(x)
        return found


class ResidualEncoderUNet(nn.Module):
    """Residual-encoder U-Net for dense prediction in 3D.

    Parameters
    ----------
    input_channels
        Image channels plus one for the dense prompt, which comes last.
    num_classes
        Output channels.
    n_stages, features_per_stage, kernel_sizes, strides, n_blocks_per_stage
        Resolution levels, and of each: channels, kernel (z, y, x), stride (z, y, x) and residual blocks.
    n_conv_per_stage_decoder
        Convolution units of each decoder stage, from the deepest up; ``n_stages - 1`` of them.
    conv_bias, norm_eps, negative_slope
        Details of the convolution unit.

    Raises
    ------
    ValueError
        Where a list does not have one entry for each stage.
    """

    def __init__(
        self,
        input_channels: int,
        num_classes: int,
        *,
        n_stages: int,
        features_per_stage: Sequence[int],
        kernel_sizes: Sequence[Kernel],
        strides: Sequence[Kernel],
        n_blocks_per_stage: Sequence[int],
        n_conv_per_stage_decoder: Sequence[int],
        conv_bias: bool = True,
        norm_eps: float = 1e-5,
        negative_slope: float = 0.01,
    ) -> None:
        super().__init__()
        features = list(features_per_stage)
        lengths = [len(features), len(kernel_sizes), len(strides), len(n_blocks_per_stage)]
        if lengths != [n_stages] * 4 or len(n_conv_per_stage_decoder) != n_stages - 1:
            raise ValueError(
                f"{n_stages} stages need {n_stages} features, kernels, strides and block counts, and "
                f"{n_stages - 1} decoder counts; found {lengths} and {len(n_conv_per_stage_decoder)}"
            )

        def unit(inputs: int, outputs: int, kernel: Kernel) -> ConvUnit:
            return ConvUnit(
                inputs, outputs, kernel, (1, 1, 1), bias=conv_bias, eps=norm_eps, slope=negative_slope
            )

        def block(inputs: int, outputs: int, kernel: Kernel, stride: Kernel) -> ResidualBlock:
            return ResidualBlock(
                inputs, outputs, kernel, stride, bias=conv_bias, eps=norm_eps, slope=negative_slope
            )

        stages = []
        for s in range(n_stages):
            blocks = []
            for b in range(n_blocks_per_stage[s]):
                inputs = features[max(s - 1, 0)] if b == 0 else features[s]
                stride = strides[s] if b == 0 else (1, 1, 1)
                blocks.append(block(inputs, features[s], kernel_sizes[s], stride))
            stages.append(_Stage(blocks))
        self.encoder = _Encoder(_ConvStack([unit(input_channels, features[0], kernel_sizes[0])]), stages)

        transpconvs, decoder_stages, heads = [], [], []
        for d in range(n_stages - 1):
            below, level = features[n_stages - 1 - d], n_stages - 2 - d
            up = _triple(strides[level + 1])
            transpconvs.append(nn.ConvTranspose3d(below, features[level], up, up, bias=conv_bias))
            widths = [2 * features[level]] + [features[level]] * (n_conv_per_stage_decoder[d] - 1)
            decoder_stages.append(_ConvStack([unit(i, features[level], kernel_sizes[level]) for i in widths]))
            heads.append(nn.Conv3d(features[level], num_classes, 1))
        self.decoder = _Decoder(transpconvs, decoder_stages, heads)

    def forward(self, x: Tensor) -> Tensor:
        """Return logits (batch, classes, z, y, x) of an input (batch, channels, z, y, x).

        Sizes must be divisible by the product of the strides.
        """
        return self.decoder.seg_layers[-1](self.decoder.features(self.encoder(x))[-1])

    def all_resolutions(self, x: Tensor) -> list[Tensor]:
        """Return the logits of every decoder stage, the finest first, for deep supervision."""
        features = self.decoder.features(self.encoder(x))
        return [head(f) for head, f in zip(self.decoder.seg_layers, features, strict=True)][::-1]


def _triple(values: Iterable[int]) -> tuple[int, int, int]:
    z, y, x = values
    return z, y, x
