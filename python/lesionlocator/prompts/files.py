"""Prompt files of every format: which one a file has, and how it is read and written."""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from pathlib import Path

from lesionlocator.errors import InputError
from lesionlocator.geometry import Geometry
from lesionlocator.io.dicom import DicomSource, is_dicom
from lesionlocator.io.files import IMAGE_ENDINGS, PROMPT_ENDINGS
from lesionlocator.io.masks import LabelMap, read_labelmap
from lesionlocator.prompts.csv_file import read_csv, write_csv
from lesionlocator.prompts.dicom_files import read_dicom_prompts
from lesionlocator.prompts.entries import PromptFile
from lesionlocator.prompts.frames import Coordinates, Frame
from lesionlocator.prompts.grand_challenge import (
    is_grand_challenge,
    read_grand_challenge,
    write_grand_challenge,
)
from lesionlocator.prompts.json_file import read_json_object
from lesionlocator.prompts.kinds import PromptKind, PromptSet
from lesionlocator.prompts.published import read_published, write_published


class PromptFormat(str, Enum):
    """The formats of prompt files."""

    PUBLISHED = "published"
    GRAND_CHALLENGE = "grand-challenge"
    CSV = "csv"


_READERS: dict[PromptFormat, Callable[[Path, Coordinates], PromptFile]] = {
    PromptFormat.PUBLISHED: lambda path, _: read_published(path),
    PromptFormat.GRAND_CHALLENGE: read_grand_challenge,
    PromptFormat.CSV: read_csv,
}
_WRITERS: dict[PromptFormat, Callable[[PromptSet, Path, Coordinates], None]] = {
    PromptFormat.PUBLISHED: lambda prompts, path, _: write_published(prompts, path),
    PromptFormat.GRAND_CHALLENGE: write_grand_challenge,
    PromptFormat.CSV: write_csv,
}


def guess_format(path: Path) -> PromptFormat:
    """Say which format an existing file has, by its ending and, for JSON, its keys.

    Raises
    ------
    InputError
        Where the ending is neither .json nor .csv, or the file cannot be read.
    """
    ending = path.suffix.lower()
    if ending == ".csv":
        return PromptFormat.CSV
    if ending == ".json":
        grand_challenge = is_grand_challenge(read_json_object(path))
        return PromptFormat.GRAND_CHALLENGE if grand_challenge else PromptFormat.PUBLISHED
    raise InputError(f"{path}: is no prompt file; legal endings: {', '.join(PROMPT_ENDINGS)}")


def read_prompts(
    path: str | Path,
    geometry: Geometry | None = None,
    *,
    prompt_format: PromptFormat | None = None,
    frame: Frame = Frame.VOXEL,
    source: DicomSource | None = None,
) -> PromptFile | LabelMap:
    """Read a prompt file, a label map, or DICOM: a segmentation, a structure set or a structured report.

    Parameters
    ----------
    path
        .json or .csv, or an image that holds a label map.
    geometry
        The grid of the image that the prompts belong to; needed for a file in mm.
    prompt_format
        The format of a .json or .csv file; guessed from ending and content by default.
    frame
        What the coordinates of a grand-challenge or CSV file are measured in.
    source
        The DICOM files of the image, where it is such: a structured report refers to them.

    Raises
    ------
    InputError
        Where the file cannot be used at all. Entries that cannot be used are refused in the result.
    """
    path = Path(path)
    if path.name.lower().endswith(IMAGE_ENDINGS):
        return read_labelmap(path)
    if path.is_file() and is_dicom(path):
        return read_dicom_prompts(path, geometry, source)
    return _READERS[_checked(prompt_format or guess_format(path), frame)](path, Coordinates(frame, geometry))


def write_prompts(
    prompts: PromptSet,
    path: Path,
    prompt_format: PromptFormat,
    *,
    geometry: Geometry | None = None,
    frame: Frame = Frame.VOXEL,
) -> dict[int, str]:
    """Write a prompt file; return why lesions are left out, which the format cannot hold.

    Raises
    ------
    InputError
        Where the format has no such frame, or a frame in mm comes without geometry.
    OutputError
        Where the file cannot be written.
    """
    writer = _WRITERS[_checked(prompt_format, frame)]
    lesions, refused = list(prompts), dict[int, str]()
    if prompt_format is PromptFormat.GRAND_CHALLENGE:
        lesions, refused = prompts.select(PromptKind.POINT)
    writer(PromptSet.of(lesions), path, Coordinates(frame, geometry))
    return refused


def _checked(prompt_format: PromptFormat, frame: Frame) -> PromptFormat:
    """Return the format where it can hold coordinates of ``frame``.

    Raises
    ------
    InputError
        Where it is the published one, which is in voxels by definition, and the frame is in mm.
    """
    if prompt_format is PromptFormat.PUBLISHED and frame is not Frame.VOXEL:
        raise InputError(f"the published format is in voxels; {frame.value} needs grand-challenge or csv")
    return prompt_format
