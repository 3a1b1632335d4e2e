"""``lesionlocator finetune``: a checkpoint that learns on."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from lesionlocator.cli.train_options import training_options

if TYPE_CHECKING:
    from lesionlocator.training.cases import TrainingCase
    from lesionlocator.training.setup import Start


@click.command()
@training_options
@click.option(
    "--from",
    "parent",
    type=click.Path(path_type=Path),
    help="Checkpoint folder, or a model's id.  [default: the built-in model]",
)
@click.option(
    "--train",
    "part",
    type=click.Choice(["encoder", "decoder", "all"]),
    default="all",
    show_default=True,
    help="What learns; the rest stays as it is.",
)
@click.option("--steps", default=2000, show_default=True, help="How many.")
@click.option("--optimizer", type=click.Choice(["sgd", "adamw"]), default="adamw", show_default=True)
def finetune(*, parent: Path | None, part: str, steps: int, optimizer: str, **shared: Any) -> None:
    """Train a checkpoint further, on its own grid and intensities.

    Further channels of the cases (such as PET) are allowed: their weights start at zero, so that the first
    answers are the parent's.
    """
    from lesionlocator.cli.train_run import Request, run_training
    from lesionlocator.training.setup import from_checkpoint

    request = Request(**shared)

    def start(cases: list[TrainingCase]) -> Start:
        return from_checkpoint(parent, prompts=request.prompts, channels=len(cases[0].images))

    source = "the built-in model" if parent is None else parent.name
    command = f"lesionlocator finetune --from {source} --train {part} --steps {steps} --seed {request.seed}"
    run_training(request, request.options(steps, optimizer, part), start, command)
