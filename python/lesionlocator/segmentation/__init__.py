"""Segmenting lesions: a model loaded once, and the way of one scan through it."""

from lesionlocator.segmentation.model import SegmentationModel, load_model
from lesionlocator.segmentation.targets import Prompts
from lesionlocator.segmentation.work import ScanWork

__all__ = ["Prompts", "ScanWork", "SegmentationModel", "load_model"]
