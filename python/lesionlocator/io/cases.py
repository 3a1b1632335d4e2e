"""Which prompts belong to which image."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

from lesionlocator.errors import InputError
from lesionlocator.io import dicom
from lesionlocator.io.channels import CHANNEL_SUFFIX, channel_files
from lesionlocator.io.files import IMAGE_ENDINGS, PROMPT_ENDINGS
from lesionlocator.io.scans import scan_name


@dataclass(frozen=True)
class Case:
    """An image and its prompts; the name is the image's."""

    name: str
    image: Path
    prompts: Path


@dataclass(frozen=True)
class UnpairedCase:
    """A name for which no image and prompts could be put together, and why."""

    name: str
    reason: str


def pair_cases(
    images: str | Path, prompts: str | Path, *, channels: int = 1
) -> tuple[list[Case], list[UnpairedCase]]:
    """Put images and prompts together.

    Parameters
    ----------
    images
        An image file or a folder of them; or DICOM: a zip, a file or a folder without images. With a folder
        of prompts, each of its folders and zips is a scan, and it is one itself where DICOM files lie in it.
    prompts
        A prompt file (JSON, CSV or label map) or a folder of them. Folders are paired by name; an image
        called ``name_0000`` also takes the prompts called ``name``. Hidden files are left out.
    channels
        Images that a model takes of each case; those called ``name_0001`` and so on are no cases then.

    Returns
    -------
    tuple
        Cases and names without a pair, each sorted by name.

    Raises
    ------
    InputError
        Where a path does not exist, a folder has no usable file, or one prompt file meets several images.
    """
    image_path, prompt_path = Path(images), Path(prompts)
    image_files = _images(image_path, several=prompt_path.is_dir())
    prompt_files = _prompts(prompt_path)
    if prompt_path.is_file():
        if len(image_files) != 1:
            raise InputError(f"{prompt_path}: one prompt file for {len(image_files)} images; legal: a folder")
        return [Case(scan_name(image_files[0]), image_files[0], prompt_path)], []
    further = {file for first in image_files for file in channel_files(first)[1:channels]}
    image_files = [file for file in image_files if file not in further]
    own_prompts = [file for file in prompt_files if not any(file.samefile(image) for image in image_files)]
    return _pair(_by_name(image_files), _by_name(own_prompts), report_prompts=image_path.is_dir())


def _images(path: Path, *, several: bool) -> list[Path]:
    """Return the scans of a path: image files, or else DICOM."""
    if path.is_file() and dicom.is_dicom(path):
        return [path]
    visible = [file for file in sorted(path.iterdir()) if file.name[0] != "."] if path.is_dir() else []
    files = [file for file in visible if file.is_file()]
    if any(_has_ending(file, IMAGE_ENDINGS) for file in files):
        return _usable(path, IMAGE_ENDINGS, "image")
    if several and not any(dicom.has_magic(file) for file in files):
        scans = [one for one in visible if one.suffix.lower() == ".zip" or dicom.holds_dicom(one)]
    else:
        scans = [path] if dicom.holds_dicom(path) else []
    return scans or _usable(path, IMAGE_ENDINGS, "image")


def _prompts(path: Path) -> list[Path]:
    is_file = path.is_file() and dicom.is_dicom(path)
    return [path] if is_file else _usable(path, PROMPT_ENDINGS, "prompt")


def _usable(path: Path, endings: tuple[str, ...], what: str) -> list[Path]:
    if not path.exists():
        raise InputError(f"{path} does not exist; expected {what} file or folder")
    if path.is_dir():
        files = [file for file in sorted(path.iterdir()) if file.is_file() and _has_ending(file, endings)]
        files = [file for file in files if not file.name.startswith(".")]
    else:
        files = [path] if _has_ending(path, endings) else []
    if not files:
        more = ", or DICOM" if what == "image" else ""
        raise InputError(f"{path}: no {what} file found; legal endings: {', '.join(endings)}{more}")
    return files


def _has_ending(path: Path, endings: tuple[str, ...]) -> bool:
    return path.name.lower().endswith(endings)


def _by_name(files: list[Path]) -> dict[str, list[Path]]:
    named: dict[str, list[Path]] = defaultdict(list)
    for file in files:
        named[scan_name(file)].append(file)
    return dict(named)


def _pair(
    images: dict[str, list[Path]], prompts: dict[str, list[Path]], *, report_prompts: bool
) -> tuple[list[Case], list[UnpairedCase]]:
    cases, unpaired, used = [], [], set()
    for name, files in images.items():
        names = _prompt_names(name, images)
        candidates = [file for known in names for file in prompts.get(known, [])]
        used.update(names)
        if len(files) > 1:
            unpaired.append(UnpairedCase(name, f"{len(files)} images of that name: {_listed(files)}"))
        elif not candidates:
            unpaired.append(UnpairedCase(name, f"no prompts for {files[0].name}"))
        elif len(candidates) > 1:
            unpaired.append(UnpairedCase(name, f"{len(candidates)} prompt files: {_listed(candidates)}"))
        else:
            cases.append(Case(name, files[0], candidates[0]))
    if report_prompts:
        left = [name for name in prompts if name not in used]
        unpaired += [UnpairedCase(name, f"no image for {_listed(prompts[name])}") for name in left]
    return sorted(cases, key=lambda case: case.name), sorted(unpaired, key=lambda case: case.name)


def _prompt_names(image: str, images: dict[str, list[Path]]) -> list[str]:
    short = image.removesuffix(CHANNEL_SUFFIX)
    return [image] if short == image or short in images else [image, short]


def _listed(files: list[Path]) -> str:
    return ", ".join(file.name for file in files)
