"""Where the scans and label maps of results are now."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from lesionlocator.errors import InputError
from lesionlocator.io.files import IMAGE_ENDINGS


@dataclass(frozen=True)
class Locations:
    """Where files are that results refer to, or may not refer to.

    Parameters
    ----------
    images
        A folder in which scans and label maps lie now, found by their names.
    scans
        Files or folders of scans, by what their results are named after; ``<patient>/<name>`` where several
        patients have such a scan. They go before what results say.
    labels
        Label maps or masks that a scan was given with, likewise.
    """

    images: Path | None = None
    scans: Mapping[str, Path] = field(default_factory=dict)
    labels: Mapping[str, tuple[Path, ...]] = field(default_factory=dict)

    def scan(self, patient: str, name: str, path: Path | None) -> Path | None:
        """Return where a scan is; None where nothing tells.

        Parameters
        ----------
        patient, name
            Whose, and what its results are named after.
        path
            Where the results say that it is, if they do.

        Raises
        ------
        InputError
            Where it is not where it is said to be.
        """
        given = self.scans.get(f"{patient}/{name}", self.scans.get(name))
        known = given or path
        if known is not None:
            return self._present(known)
        files = [] if self.images is None else [self.images / f"{name}{ending}" for ending in IMAGE_ENDINGS]
        return next((file for file in files if file.is_file()), None)

    def label_maps(self, patient: str, name: str, paths: tuple[Path, ...]) -> tuple[Path, ...]:
        """Return where the label maps or masks of a scan are; parameters and errors are those of ``scan``."""
        given = self.labels.get(f"{patient}/{name}", self.labels.get(name))
        return tuple(self._present(path) for path in given or paths)

    def _present(self, path: Path) -> Path:
        for place in (path, *(() if self.images is None else (self.images / path.name,))):
            if place.exists():
                return place
        raise InputError(f"{path}: is no longer there; name the folder that it is in now with --images")
