"""How pixels are encoded, and which encodings the reader of pixels knows."""

from __future__ import annotations

_READABLE = {
    "1.2.840.10008.1.2": "Implicit VR Little Endian",
    "1.2.840.10008.1.2.1": "Explicit VR Little Endian",
    "1.2.840.10008.1.2.1.99": "Deflated Explicit VR Little Endian",
    "1.2.840.10008.1.2.2": "Explicit VR Big Endian",
    "1.2.840.10008.1.2.4.50": "JPEG Baseline",
    "1.2.840.10008.1.2.4.51": "JPEG Extended",
    "1.2.840.10008.1.2.4.57": "JPEG Lossless",
    "1.2.840.10008.1.2.4.70": "JPEG Lossless, first-order prediction",
    "1.2.840.10008.1.2.4.80": "JPEG-LS Lossless",
    "1.2.840.10008.1.2.4.81": "JPEG-LS Near-lossless",
    "1.2.840.10008.1.2.4.90": "JPEG 2000 Lossless",
    "1.2.840.10008.1.2.4.91": "JPEG 2000",
    "1.2.840.10008.1.2.5": "RLE Lossless",
}
"""What GDCM, as it comes with SimpleITK, decodes."""


def refusal(transfer_syntax: str) -> str | None:
    """Say why an encoding cannot be read, or return None."""
    if transfer_syntax in _READABLE:
        return None
    return (
        f"pixels are encoded as {transfer_syntax or 'nobody knows what'}; legal: uncompressed, JPEG "
        "(lossless too), JPEG-LS, JPEG 2000 or RLE. Convert it first, for instance with gdcmconv --raw"
    )
