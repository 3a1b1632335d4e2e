"""Reading DICOM: what a folder, zip or file holds, which series is meant, and its voxels."""

from lesionlocator.io.dicom.choose import choose_series, nothing_found, source_of
from lesionlocator.io.dicom.find import Found, find_series
from lesionlocator.io.dicom.locations import has_magic, holds_dicom, is_dicom
from lesionlocator.io.dicom.pixels import read_voxels
from lesionlocator.io.dicom.series import Series
from lesionlocator.io.dicom.source import DicomSource

__all__ = [
    "DicomSource",
    "Found",
    "Series",
    "choose_series",
    "find_series",
    "has_magic",
    "holds_dicom",
    "is_dicom",
    "nothing_found",
    "read_voxels",
    "source_of",
]
