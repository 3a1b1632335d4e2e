"""``lesionlocator train``: a model of one's own, from images and label maps of their lesions."""

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
    "--plans", type=click.Path(path_type=Path), help="plans.json.  [default: that of the built-in model]"
)
@click.option("--patch", type=(int, int, int), help="Voxels, z y x, instead of that of the plans.")
@click.option("--spacing", type=(float, float, float), help="mm, z y x, instead of that of the plans.")
@click.option("--steps", default=20000, show_default=True, help="How many.")
@click.option("--optimizer", type=click.Choice(["sgd", "adamw", "muon"]), default="sgd", show_default=True)
def train(
    *,
    plans: Path | None,
    patch: tuple[int, int, int] | None,
    spacing: tuple[float, float, float] | None,
    steps: int,
    optimizer: str,
    **shared: Any,
) -> None:
    """Train a promptable segmentation model from images and instance maps.

    The model is written in the published layout, and loads wherever checkpoints do. On several cards:
    torchrun --nproc-per-node N -m lesionlocator train ...
    """
    from lesionlocator.cli.train_run import Request, run_training
    from lesionlocator.training.cache import foreground_intensity
    from lesionlocator.training.setup import fresh_start

    request = Request(**shared)

    def start(cases: list[TrainingCase]) -> Start:
        return fresh_start(
            plans,
            patch=patch,
            spacing=spacing,
            prompts=request.prompts,
            intensity=foreground_intensity(cases),
            channels=len(cases[0].images),
            seed=request.seed,
        )

    command = f"lesionlocator train --steps {steps} --batch {request.batch} --seed {request.seed}"
    run_training(
        request, request.options(steps, optimizer, "all"), start, f"{command} --optimizer {optimizer}"
    )
