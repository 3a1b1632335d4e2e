"""Models on disk: the published checkpoint layout, plans, and weights read without executing anything."""

from lesionlocator.model.architectures import build_network
from lesionlocator.model.folder import NetworkFolder, segmentation_folder, tracking_folder
from lesionlocator.model.plans import Normalization, Plans, Resampling
from lesionlocator.model.store import BUILTIN_FOLDER
from lesionlocator.model.weights import Weights, read_weights

__all__ = [
    "BUILTIN_FOLDER",
    "NetworkFolder",
    "Normalization",
    "Plans",
    "Resampling",
    "Weights",
    "build_network",
    "read_weights",
    "segmentation_folder",
    "tracking_folder",
]
