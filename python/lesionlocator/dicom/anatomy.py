"""Where in the body a scan was made, as a code."""

from __future__ import annotations

from typing import Any

from lesionlocator.io.dicom.extra import required

_REGIONS = {
    "HEAD": "Head",
    "BRAIN": "Brain",
    "HEADNECK": "HeadAndNeck",
    "NECK": "Neck",
    "NECKCHEST": "NeckAndChest",
    "NECKCHESTABDOMEN": "NeckChestAndAbdomen",
    "NECKCHESTABDPELV": "NeckChestAbdomenAndPelvis",
    "CHEST": "Chest",
    "THORAX": "Chest",
    "LUNG": "Lung",
    "CHESTABDOMEN": "ChestAndAbdomen",
    "CHESTABDPELVIS": "ChestAbdomenAndPelvis",
    "ABDOMEN": "Abdomen",
    "ABDOMENPELVIS": "AbdomenAndPelvis",
    "LIVER": "Liver",
    "PELVIS": "Pelvis",
    "WHOLEBODY": "EntireBody",
}
"""SNOMED CT concepts, by pydicom's names, of terms defined for Body Part Examined (PS3.16, annex L)."""


def region_of(image: Any) -> Any | None:
    """Return the code of the body part that an image says it shows; None where that is no defined term."""
    found = _REGIONS.get(str(image.get("BodyPartExamined") or "").upper().replace(" ", ""))
    return None if found is None else getattr(required("pydicom.sr.codedict").codes.SCT, found)
