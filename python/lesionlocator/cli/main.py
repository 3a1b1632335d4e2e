"""The ``lesionlocator`` command: a group whose commands are imported when they are used."""

from __future__ import annotations

from importlib import import_module
from typing import NamedTuple

import click

from lesionlocator.cli import console


class _Command(NamedTuple):
    """Where a command lives, and its line in the help of the group; dataclasses take longer to import."""

    module: str
    attribute: str
    short_help: str


_COMMANDS = {
    "segment": _Command("lesionlocator.cli.segment", "segment", "Segment the lesions that prompts point at."),
    "track": _Command("lesionlocator.cli.track", "track", "Follow lesions through the scans of a patient."),
    "inspect": _Command("lesionlocator.cli.inspect", "inspect", "Show which DICOM series a folder holds."),
    "convert": _Command("lesionlocator.cli.convert", "convert", "Write masks that exist as DICOM."),
    "prompts": _Command("lesionlocator.cli.prompts", "prompts", "Make, convert and check prompt files."),
    "measure": _Command("lesionlocator.cli.measure", "measure", "Measure the lesions of any label map."),
    "model": _Command("lesionlocator.cli.model", "model", "List, check, convert and download models."),
    "recist": _Command("lesionlocator.cli.recist", "recist", "Fill in a RECIST 1.1 worksheet."),
    "train": _Command("lesionlocator.cli.train", "train", "Train a model from images and label maps."),
    "finetune": _Command("lesionlocator.cli.finetune", "finetune", "Train a checkpoint further."),
    "synth": _Command("lesionlocator.cli.synth", "synth", "Make synthetic patients and follow-ups."),
    "report": _Command("lesionlocator.cli.report", "report", "Write a page with pictures for each patient."),
    "preview": _Command("lesionlocator.cli.report", "preview", "Write the pictures of a report as PNG."),
    "view": _Command("lesionlocator.cli.view", "view", "Point at lesions in a window."),
    "evaluate": _Command("lesionlocator.cli.evaluate", "evaluate", "Compare predictions with truth."),
    "demo": _Command("lesionlocator.cli.demo", "demo", "Segment a synthetic scan, compare with its truth."),
}


class _LazyGroup(click.Group):
    """A group that knows its commands by a table, so that its help imports none of them."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        found = _COMMANDS.get(cmd_name)
        if found is None:
            return None
        command: click.Command = getattr(import_module(found.module), found.attribute)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, command.short_help) for name, command in _COMMANDS.items()])


def _print_version(ctx: click.Context, _: click.Parameter, wanted: bool) -> None:
    if not wanted:
        return
    from lesionlocator import _core

    console.say(f"lesionlocator {_core.__version__}")
    ctx.exit()


@click.group(cls=_LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_print_version,
    help="Show the version.",
)
def lesionlocator() -> None:
    """Point at a lesion in a CT scan, get its 3D mask.

    Exit codes: 0 ok, 1 error, 2 usage, 3 some cases failed, 4 model missing or unusable, 130 interrupted.
    """


def main() -> None:
    """Run the command."""
    console.run(lesionlocator)
