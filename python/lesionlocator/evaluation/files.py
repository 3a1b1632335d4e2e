"""Label maps of truth and prediction by case, as folders and files hold them, and groups that merged."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from lesionlocator.errors import InputError
from lesionlocator.io import LabelMap, read_labelmap
from lesionlocator.io.channels import CHANNEL_SUFFIX
from lesionlocator.io.files import IMAGE_ENDINGS, case_name
from lesionlocator.prompts.components import regions
from lesionlocator.results.documents import read_document

_LABELS_SUFFIX = "_lesions"
_ONE_LESION = re.compile(r"(?P<case>.+)_lesion_(?P<id>\d+)")
_EXPECTED = re.compile(r".+_expected_\d+")


@dataclass(frozen=True)
class Masks:
    """The files that hold the lesions of a case: one label map, or a mask for each lesion by its id."""

    label_map: Path | None
    by_id: dict[int, Path]

    def read(self) -> tuple[LabelMap, int]:
        """Return the lesions as a label map, and how many voxels several masks claim.

        Of masks that overlap, the lowest id gets what they share.

        Raises
        ------
        InputError
            Where a file cannot be read, or masks are on different grids.
        """
        if self.label_map is not None:
            return read_labelmap(self.label_map), 0
        ids = sorted(self.by_id)
        first = read_labelmap(self.by_id[ids[0]])
        labels, shared = np.zeros(first.labels.shape, np.uint16), 0
        for identity in ids:
            mask = read_labelmap(self.by_id[identity])
            difference = mask.geometry.difference(first.geometry)
            if difference is not None:
                raise InputError(f"{mask.path}: is not on the grid of {first.path}: {difference}")
            inside = mask.labels > 0
            shared += int(np.count_nonzero(inside & (labels > 0)))
            labels[inside & (labels == 0)] = identity
        return LabelMap(labels, first.geometry, first.path), shared


def masks_by_case(path: Path) -> dict[str, Masks]:
    """Return the masks of a file or folder by the name of their case.

    A case ``ct`` can be called ``ct``, ``ct_0000`` or ``ct_lesions``, or consist of ``ct_lesion_<id>``; where
    there is a label map, the masks of single lesions are left out. So are masks of expected lesions.

    Raises
    ------
    InputError
        Where there is no mask, or two label maps of one case.
    """
    files = sorted(path.iterdir()) if path.is_dir() else [path]
    files = [file for file in files if file.is_file() and file.name.lower().endswith(IMAGE_ENDINGS)]
    if not files:
        raise InputError(f"{path}: no label map found; legal endings: {', '.join(IMAGE_ENDINGS)}")
    maps: dict[str, Path] = {}
    single: dict[str, dict[int, Path]] = {}
    for file in files:
        name = case_name(file)
        one = _ONE_LESION.fullmatch(name)
        if file.name.startswith(".") or _EXPECTED.fullmatch(name):
            continue
        if one is not None:
            single.setdefault(_short(one["case"]), {})[int(one["id"])] = file
        elif _short(name) in maps:
            raise InputError(f"{path}: {maps[_short(name)].name} and {file.name} are of one case")
        else:
            maps[_short(name)] = file
    return {name: Masks(maps.get(name), single.get(name, {})) for name in sorted({*maps, *single})}


def paired(truth: Path, predictions: Sequence[Path]) -> tuple[dict[str, list[Masks]], dict[str, str]]:
    """Put truth and predictions together by the names of their cases; two single files belong together.

    Returns
    -------
    cases
        By name, the masks of the truth and then of each prediction.
    unpaired
        Why a name has no pair.

    Raises
    ------
    InputError
        As :func:`masks_by_case`, or where nothing belongs together.
    """
    sides = [masks_by_case(path) for path in (truth, *predictions)]
    if all(path.is_file() for path in (truth, *predictions)):
        return {next(iter(sides[0])): [next(iter(side.values())) for side in sides]}, {}
    cases, unpaired = {}, {}
    for name in sorted(set().union(*sides)):
        missing = [path for path, side in zip((truth, *predictions), sides, strict=True) if name not in side]
        if missing:
            unpaired[name] = f"is not in {', '.join(map(str, missing))}"
        else:
            cases[name] = [side[name] for side in sides]
    if not cases:
        raise InputError(f"{truth}: no case of {', '.join(map(str, predictions))} has its name")
    return cases, unpaired


def read_baselines(path: Path, cases: Iterable[str]) -> dict[str, frozenset[int]]:
    """Return which lesions the baseline of each case has: a file is that of all, a folder holds one for each.

    Raises
    ------
    InputError
        Where a case has none, or a file cannot be read.
    """
    there = masks_by_case(path)
    if path.is_file():
        found = _ids(next(iter(there.values())))
        return dict.fromkeys(cases, found)
    missing = [name for name in cases if name not in there]
    if missing:
        raise InputError(f"{path}: holds no label map called {', '.join(missing)}, as the follow-ups are")
    return {name: _ids(there[name]) for name in cases}


def _ids(masks: Masks) -> frozenset[int]:
    labels, _ = masks.read()
    return frozenset(region.label for region in regions(labels.labels))


def read_groups(path: Path) -> dict[str, list[list[int]]]:
    """Read which lesions have merged: ``{"case": [[2, 5], [3, 7, 8]]}``.

    Raises
    ------
    InputError
        Where the file holds something else.
    """
    groups: dict[str, list[list[int]]] = {}
    for case, content in read_document(path).items():
        is_legal = isinstance(content, list) and all(
            isinstance(group, list) and all(type(identity) is int for identity in group) for group in content
        )
        if not is_legal:
            raise InputError(
                f"{path}: groups of {case!r} are {content!r}; legal: lists of lists of lesion ids"
            )
        groups[_short(case)] = content
    return groups


def _short(name: str) -> str:
    """Return the name of a case without what marks its files."""
    return name.removesuffix(_LABELS_SUFFIX).removesuffix(CHANNEL_SUFFIX)
