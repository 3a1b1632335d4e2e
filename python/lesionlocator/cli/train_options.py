"""The options that ``train`` and ``finetune`` share, each declared once."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

_PATH = click.Path(path_type=Path)
_OPTIONS = (
    click.option("-i", "--images", type=_PATH, help="Folder of images; <case>_0001 and on: more channels."),
    click.option("-l", "--labels", type=_PATH, help="Folder of label maps, one label a lesion."),
    click.option("--dataset", type=_PATH, help="Instead of both: a folder in nnU-Net's raw layout."),
    click.option("-o", "--output", type=_PATH, required=True, help="Folder for the model and its log."),
    click.option("--cache", type=_PATH, help="Folder of preprocessed cases.  [default: cache in --output]"),
    click.option(
        "--prompts",
        type=click.Choice(["all", "box", "point"]),
        default="all",
        show_default=True,
        help="all: one model for boxes, points and masks.",
    ),
    click.option("--batch", default=2, show_default=True, help="Patches in a step, of each process."),
    click.option(
        "--learning-rate", type=float, help="[default: 0.01 for sgd, 0.001 for adamw, 0.04 for muon]"
    ),
    click.option("--weight-decay", type=float, default=3e-5, show_default=True),
    click.option("--validate-every", default=500, show_default=True, help="Steps; each writes a checkpoint."),
    click.option(
        "--validation", default=0.2, show_default=True, help="Fraction of the cases to validate on."
    ),
    click.option("--amp/--no-amp", default=True, show_default=True, help="Mixed precision."),
    click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True),
    click.option("--device", default="auto", show_default=True, metavar="auto|cuda[:N]|mps|cpu"),
    click.option("--threads", type=click.IntRange(min=1), help="Threads on the CPU.  [default: one a core]"),
    click.option(
        "--resume/--overwrite", default=False, help="Go on with an earlier run.  [default: --overwrite]"
    ),
    click.option("--quiet", is_flag=True, help="Print errors only."),
)


def training_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add what every training takes; the values go to :class:`~lesionlocator.cli.train_run.Request`."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command
