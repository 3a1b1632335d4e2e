"""From logits back to the scan: masks, label maps, measurements and files."""

from lesionlocator.results.lesion import LesionMask, LesionResult, LesionStatus

__all__ = ["LesionMask", "LesionResult", "LesionStatus"]
