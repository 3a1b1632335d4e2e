"""Point at a lesion in a CT scan, get its 3D mask.

>>> import lesionlocator as ll                                     # doctest: +SKIP
>>> model = ll.load_model()                                        # doctest: +SKIP
>>> result = model.segment(ll.read_scan("ct.nii.gz"), "ct.json")   # doctest: +SKIP
>>> result.save("masks")                                           # doctest: +SKIP
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lesionlocator.following.tracker import Tracker, load_tracker
    from lesionlocator.geometry import Box, Geometry
    from lesionlocator.io import LabelMap, Scan, read_labelmap, read_scan
    from lesionlocator.prompts.kinds import LesionPrompt, PromptSet
    from lesionlocator.segmentation import SegmentationModel, load_model

__all__ = [
    "Box",
    "Geometry",
    "LabelMap",
    "LesionPrompt",
    "PromptSet",
    "Scan",
    "SegmentationModel",
    "Tracker",
    "load_model",
    "load_tracker",
    "read_labelmap",
    "read_scan",
]

_HOMES = {
    "Box": "geometry",
    "Geometry": "geometry",
    "LabelMap": "io",
    "LesionPrompt": "prompts.kinds",
    "PromptSet": "prompts.kinds",
    "Scan": "io",
    "SegmentationModel": "segmentation",
    "Tracker": "following.tracker",
    "load_model": "segmentation",
    "load_tracker": "following.tracker",
    "read_labelmap": "io",
    "read_scan": "io",
}
"""Where the public names live; each is imported when first used, so that the package itself is quick."""


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return __all__
