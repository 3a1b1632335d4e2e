"""``lesionlocator prompts``: make, convert and check prompt files."""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from pathlib import Path
from typing import TypeVar

import click
from rich.table import Table
from rich.text import Text

from lesionlocator.cli import console
from lesionlocator.cli.options import SERIES
from lesionlocator.cli.prompts_tracking import FORMAT as TRACKING
from lesionlocator.cli.prompts_tracking import is_tracking_file, prompts_of_scan, write_tracking_file
from lesionlocator.errors import InputError, LesionLocatorError
from lesionlocator.io.cases import Case, pair_cases
from lesionlocator.io.dicom import source_of
from lesionlocator.io.files import IMAGE_ENDINGS, case_name
from lesionlocator.io.masks import LabelMap, read_labelmap
from lesionlocator.io.scans import read_geometry
from lesionlocator.prompts.entries import PromptFile
from lesionlocator.prompts.files import PromptFormat, read_prompts, write_prompts
from lesionlocator.prompts.frames import Frame
from lesionlocator.prompts.from_mask import MapKind, prompts_from_mask
from lesionlocator.prompts.kinds import PromptKind, PromptSet
from lesionlocator.prompts.published import write_published
from lesionlocator.prompts.validation import Problem, validate
from lesionlocator.results.files import make_folder

Member = TypeVar("Member", bound=Enum)
_PATH = click.Path(path_type=Path)
_FORMATS = click.Choice([*(member.value for member in PromptFormat), TRACKING])
_FRAMES = click.Choice([member.value for member in Frame])


@click.group()
def prompts() -> None:
    """Make, convert and check prompt files."""


@prompts.command("from-mask", short_help="Write the prompts of label maps.")
@click.option("-i", "--input", "source", type=_PATH, required=True, help="Label map, or a folder of them.")
@click.option("-o", "--output", "target", type=_PATH, required=True, help="JSON file, or a folder.")
@click.option(
    "--kind",
    type=click.Choice(["instance", "semantic"]),
    required=True,
    help="instance: each label is a lesion and keeps its number. semantic: each connected component is one.",
)
def from_mask(source: Path, target: Path, kind: str) -> None:
    """Write the box and the centroid of every lesion of a label map.

    In a folder, a file that cannot be used is reported and the others are written; the exit code is then 3.
    """
    target_is_file = target.suffix.lower() == ".json"
    if not source.is_dir():
        output = target if target_is_file else target / f"{case_name(source)}.json"
        _write_prompts_of(source, make_folder(output.parent) / output.name, MapKind(kind))
        return
    if target_is_file:
        raise click.UsageError(f"-i {source} is a folder: -o {target} must be one too")
    files, folder = label_maps(source), make_folder(target)
    for_each(files, lambda file: _write_prompts_of(file, folder / f"{case_name(file)}.json", MapKind(kind)))


@prompts.command(short_help="Convert between prompt formats.")
@click.option("-i", "--input", "source", type=_PATH, required=True, help="Prompt file (.json or .csv).")
@click.option("-o", "--output", "target", type=_PATH, required=True, help="Prompt file to write.")
@click.option("--from", "source_format", type=_FORMATS, help="Format of the input; guessed if not given.")
@click.option("--to", "target_format", type=_FORMATS, help="Format of the output; a .json is published.")
@click.option("--from-coordinates", "source_frame", type=_FRAMES, default="voxel", show_default=True)
@click.option("--to-coordinates", "target_frame", type=_FRAMES, default="voxel", show_default=True)
@click.option("--image", type=_PATH, help="The image that the prompts belong to; needed for mm.")
@SERIES
@click.option("--scan", help="Which scan of a tracking file.  [default: its only follow-up]")
def convert(
    *,
    source: Path,
    target: Path,
    source_format: str | None,
    target_format: str | None,
    source_frame: str,
    target_frame: str,
    image: Path | None,
    series: str | None,
    scan: str | None,
) -> None:
    """Convert between the published JSON, grand-challenge "Multiple points" JSON, CSV and tracking files.

    Of LongiSeg's tracking file, the points of one scan are read; one is written from the tracking.json of a
    patient that was tracked.

    Entries that cannot be used or written are reported and the others written; the exit code is then 3.
    """
    if image is None and {source_frame, target_frame} != {"voxel"}:
        raise click.UsageError("lps and ras coordinates need --image")
    if image is None and series is not None:
        raise click.UsageError("--series needs --image")
    if target_format == TRACKING:
        _write_tracking(source, make_folder(target.parent) / target.name)
        return
    geometry = read_geometry(image, series=series) if image else None
    if source_format == TRACKING or (source_format is None and is_tracking_file(source)):
        content: PromptFile | LabelMap = prompts_of_scan(source, scan)
    else:
        content = read_prompts(
            source,
            geometry,
            prompt_format=_member(PromptFormat, source_format),
            frame=Frame(source_frame),
            source=None if image is None else source_of(image, series),
        )
    if isinstance(content, LabelMap):
        raise click.UsageError(f"{source} is a label map: use lesionlocator prompts from-mask")
    for note in content.notes:
        console.say(f"{source}: {note}")
    for lesion_id, remark in content.box_remarks.items():
        console.warn(f"warning: {source}: lesion {lesion_id}: {remark}")
    unwritten = write_prompts(
        content.prompts,
        make_folder(target.parent) / target.name,
        _member(PromptFormat, target_format) or _format_of_new(target),
        geometry=geometry,
        frame=Frame(target_frame),
    )
    left_out = [*content.refused.items(), *unwritten.items()]
    written = len(content.prompts) + len(content.refused) - len(left_out)
    for key, reason in left_out:
        console.warn(f"{source}: lesion {key}: {reason}")
    console.say(f"{target}: {lesions(written)}")
    if left_out:
        raise console.SomeCasesFailed(len(left_out), written + len(left_out))


def _write_tracking(source: Path, target: Path) -> None:
    written, left_out = write_tracking_file(source, target)
    for where, reason in left_out.items():
        console.warn(f"{source}: {where}: {reason}")
    console.say(f"{target}: {lesions(written)}")
    if left_out:
        raise console.SomeCasesFailed(len(left_out), written + len(left_out))


@prompts.command("validate", short_help="Name the prompts that cannot be used.")
@click.option("-p", "--prompts", "prompt_path", type=_PATH, required=True, help="Prompt file or folder.")
@click.option("-i", "--image", "image_path", type=_PATH, required=True, help="Image, or a folder of images.")
@SERIES
@click.option("-t", "--prompt-type", type=click.Choice(["box", "point"]), help="What every lesion needs.")
def validate_command(
    prompt_path: Path, image_path: Path, series: str | None, prompt_type: str | None
) -> None:
    """Name every prompt that is outside the scan, empty or of the wrong kind.

    Exit code 0: all can be used. 1: a single file has a problem. 3: files of a folder have.
    """
    cases, unpaired = pair_cases(image_path, prompt_path)
    kind = _member(PromptKind, prompt_type)
    table = Table("case", "lesion", "problem", title="Prompts that cannot be used")
    failed = len(unpaired)
    for missing in unpaired:
        table.add_row(Text(missing.name), "", Text(missing.reason))
    for case in cases:
        problems = _problems(case, kind, series)
        failed += bool(problems)
        for problem in problems:
            table.add_row(Text(case.name), Text(problem.lesion), Text(problem.reason))
        if not problems:
            console.say(f"{case.name}: all prompts can be used")
    if table.row_count:
        console.table(table)
    if failed and prompt_path.is_dir():
        raise console.SomeCasesFailed(failed, len(cases) + len(unpaired))
    if failed:
        raise InputError(f"{prompt_path}: has prompts that cannot be used")


def for_each(files: list[Path], action: Callable[[Path], None]) -> None:
    """Do something with each file; report those for which it fails, and go on.

    Raises
    ------
    SomeCasesFailed
        At the end, where it failed for a file.
    """
    failed = 0
    for file in files:
        try:
            action(file)
        except LesionLocatorError as error:
            failed += 1
            console.error(str(error))
    if failed:
        raise console.SomeCasesFailed(failed, len(files))


def label_maps(folder: Path) -> list[Path]:
    """Return the images of a folder, sorted; hidden files are left out.

    Raises
    ------
    InputError
        Where it has none, or two have the same name but for the ending.
    """
    visible = (file for file in folder.iterdir() if not file.name.startswith("."))
    files = sorted(file for file in visible if file.name.lower().endswith(IMAGE_ENDINGS))
    if not files:
        raise InputError(f"{folder}: holds no label map ({', '.join(IMAGE_ENDINGS)})")
    names = [case_name(file) for file in files]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise InputError(f"{folder}: several files are called {', '.join(twice)} but for their ending")
    return files


def lesions(count: int) -> str:
    """Return "1 lesion", "2 lesions"."""
    return f"{count} lesion" if count == 1 else f"{count} lesions"


def masked_prompts(file: Path, kind: MapKind) -> PromptSet:
    """Read a label map and return its prompts.

    Raises
    ------
    InputError
        Where the file cannot be used or holds no lesion.
    """
    mask = read_labelmap(file)
    try:
        return prompts_from_mask(mask.labels, kind)
    except InputError as error:
        raise InputError(f"{file}: {error}") from error


def _write_prompts_of(mask: Path, output: Path, kind: MapKind) -> None:
    found = masked_prompts(mask, kind)
    write_published(found, output)
    console.say(f"{output}: {lesions(len(found))}")


def _problems(case: Case, kind: PromptKind | None, series: str | None) -> list[Problem]:
    try:
        geometry = read_geometry(case.image, series=series)
        return validate(case.prompts, geometry, kind, source=source_of(case.image, series))
    except InputError as error:
        return [Problem("", str(error))]


def _format_of_new(target: Path) -> PromptFormat:
    known = {".csv": PromptFormat.CSV, ".json": PromptFormat.PUBLISHED}
    if target.suffix.lower() not in known:
        raise click.UsageError(f"-o {target}: give --to, or an ending of {', '.join(known)}")
    return known[target.suffix.lower()]


def _member(members: type[Member], value: str | None) -> Member | None:
    return None if value is None else members(value)
