"""Results of tracking without tracking: scans, label maps, timeline and record, as the command writes."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import SimpleITK

from lesionlocator.geometry import Geometry
from lesionlocator.io import LabelMap, Scan, write_labelmap
from lesionlocator.results.course import Examination, Tracked
from lesionlocator.results.course_files import write_course
from lesionlocator.results.findings import labelled_in
from lesionlocator.results.timeline import build_course

GRID = Geometry((24, 40, 44), (3.0, 2.0, 2.0), (-40.0, 20.0, 100.0))
DAYS = (date(2024, 1, 31), date(2024, 3, 1), date(2024, 6, 1))
BALLS: dict[int, tuple[tuple[int, int, int], tuple[float, ...]]] = {
    1: ((12, 20, 12), (9.0, 7.0, 5.0)),
    2: ((8, 10, 30), (5.0, 8.0, 11.0)),
    5: ((18, 30, 30), (6.0, 6.0, 0.0)),
}
"""Centre of each lesion, and its radius in mm in each scan; 0 where it has disappeared."""


def write_results(
    root: Path,
    *,
    grid: Geometry = GRID,
    balls: dict[int, Any] = BALLS,
    names: tuple[str, ...] = ("anna_ct1", "anna_ct2", "anna_ct3"),
    days: tuple[date, ...] = DAYS,
) -> Path:
    """Write the scans of a patient into ``root/in`` and what tracking would give into ``root/anna``."""
    (root / "in").mkdir(parents=True)
    (root / "anna").mkdir()
    examinations = []
    for place, name in enumerate(names):
        labels = _labels(grid, {i: (centre, radii[place]) for i, (centre, radii) in balls.items()})
        scan = _write_scan(root / "in" / f"{name}.nii.gz", labels, grid, seed=place)
        target = (
            root / "in" / "anna_lesions.nii.gz" if place == 0 else root / "anna" / f"{name}_lesions.nii.gz"
        )
        write_labelmap(target, labels, grid)
        found = labelled_in(LabelMap(labels, grid), scan)
        tracked = {i: Tracked(found.get(i)) for i in balls}
        examinations.append(Examination(name, tracked, days[place]))
    write_course(build_course(examinations), root / "anna")
    (root / "anna" / "run.json").write_text(json.dumps(_record(root, names)))
    return root / "anna"


def _labels(grid: Geometry, balls: dict[int, Any]) -> np.ndarray[Any, Any]:
    labels = np.zeros(grid.shape, np.uint8)
    for lesion_id, (centre, radius) in balls.items():
        reach = [int(radius / spacing) + 1 for spacing in grid.spacing]
        block = tuple(slice(max(c - r, 0), c + r + 1) for c, r in zip(centre, reach, strict=True))
        axes = [np.arange(s.start, min(s.stop, size)) for s, size in zip(block, grid.shape, strict=True)]
        distances = sum(
            ((axis - c) * spacing) ** 2
            for axis, c, spacing in zip(np.meshgrid(*axes, indexing="ij"), centre, grid.spacing, strict=True)
        )
        if radius:
            labels[block][distances <= radius**2] = lesion_id
    return labels


def _write_scan(path: Path, labels: np.ndarray[Any, Any], grid: Geometry, *, seed: int) -> Scan:
    voxels = np.random.default_rng(seed).integers(-40, 40, grid.shape, dtype=np.int16)
    voxels[labels > 0] += 80
    image = SimpleITK.GetImageFromArray(voxels)
    image.SetSpacing(grid.spacing[::-1])
    image.SetOrigin(grid.origin_lps)
    SimpleITK.WriteImage(image, str(path))
    return Scan(path.name.removesuffix(".nii.gz"), voxels, grid, path)


def _record(root: Path, names: tuple[str, ...]) -> dict[str, Any]:
    return {
        "state": "finished",
        "started": "2024-06-02T10:00:00+00:00",
        "ended": "2024-06-02T10:01:00+00:00",
        "version": "0.1.0",
        "command": ["lesionlocator", "track", "--baseline", str(root / "in" / f"{names[0]}.nii.gz")],
        "device": {"name": "cpu", "reason": "asked for"},
        "settings": {
            "model": {"path": str(root / "models"), "sha256": "ab" * 32, "folds": [0], "mirroring": True},
            "prompt_type": "prev_mask",
            "registration": "classical",
            "chain": "previous",
            "series": [],
        },
        "options": {
            "baseline": str(root / "in" / f"{names[0]}.nii.gz"),
            "followups": [str(root / "in" / f"{name}.nii.gz") for name in names[1:]],
            "prompts": [str(root / "in" / "anna_lesions.nii.gz")],
            "followup_labels": [],
        },
        "cases": {},
    }
