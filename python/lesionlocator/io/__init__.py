"""Reading scans and masks, pairing them with prompts, and writing results."""

from lesionlocator.io.cases import Case, UnpairedCase, pair_cases
from lesionlocator.io.files import IMAGE_ENDINGS, case_name, write_atomically
from lesionlocator.io.masks import LabelMap, read_labelmap, write_labelmap, write_mask_region
from lesionlocator.io.scans import Scan, read_channels, read_geometry, read_scan, scan_name

__all__ = [
    "IMAGE_ENDINGS",
    "Case",
    "LabelMap",
    "Scan",
    "UnpairedCase",
    "case_name",
    "pair_cases",
    "read_channels",
    "read_geometry",
    "read_labelmap",
    "read_scan",
    "scan_name",
    "write_atomically",
    "write_labelmap",
    "write_mask_region",
]
