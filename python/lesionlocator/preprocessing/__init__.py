"""From a scan as stored to the network's grid: crop, intensities, resampling on demand."""

from lesionlocator.preprocessing.model_grid import ModelGrid

__all__ = ["ModelGrid"]
