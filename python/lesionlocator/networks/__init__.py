"""The networks: plain torch modules whose parameters carry the published checkpoints' names."""

from lesionlocator.networks.residual_unet import ResidualEncoderUNet

__all__ = ["ResidualEncoderUNet"]
