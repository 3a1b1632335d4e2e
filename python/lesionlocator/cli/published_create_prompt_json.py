"""``LesionLocator_create_prompt_json``: label maps to prompt files, by the published flags and names."""

from __future__ import annotations

from pathlib import Path

import click

from lesionlocator.cli import console
from lesionlocator.cli.prompts import for_each, label_maps, lesions, masked_prompts
from lesionlocator.io.files import case_name
from lesionlocator.prompts.from_mask import MapKind
from lesionlocator.prompts.kinds import LesionPrompt, PromptSet
from lesionlocator.prompts.published import write_published
from lesionlocator.results.files import make_folder

_PATH = click.Path(path_type=Path)


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("-i", "source", type=_PATH, required=True, help="Label map, or a folder of them.")
@click.option("-o", "target", type=_PATH, required=True, help="Folder for points/ and boxes/.")
@click.option(
    "-label_type",
    type=click.Choice(["instance", "semantic"]),
    required=True,
    help="instance: each label is a lesion. semantic: each connected component is one.",
)
def create_prompt_json(source: Path, target: Path, label_type: str) -> None:
    """Write the prompts of label maps: points/<case>.json and boxes/<case>.json."""
    if source.is_dir():
        for_each(label_maps(source), lambda file: _write_both(file, target, MapKind(label_type)))
    else:
        _write_both(source, target, MapKind(label_type))


def _write_both(file: Path, target: Path, kind: MapKind) -> None:
    found = masked_prompts(file, kind)
    points = PromptSet.of(LesionPrompt(lesion.lesion_id, point=lesion.point) for lesion in found)
    boxes = PromptSet.of(LesionPrompt(lesion.lesion_id, box=lesion.box) for lesion in found)
    name = f"{case_name(file)}.json"
    write_published(points, make_folder(target / "points") / name)
    write_published(boxes, make_folder(target / "boxes") / name)
    console.say(f"{file}: {lesions(len(found))}")


def main() -> None:
    """Run the command."""
    console.run(create_prompt_json)
