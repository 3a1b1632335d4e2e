"""``python -m lesionlocator.training``: train the built-in model, or evaluate it."""

from __future__ import annotations

from pathlib import Path

import click

HELD_OUT_SEED = 9_000_000
"""First seed of bodies that no training sees: those used in training stay below it."""


@click.group()
def main() -> None:
    """Train and evaluate the model that comes with lesionlocator."""


@main.command()
@click.option("--phantoms", default=100, show_default=True, help="Synthetic bodies to train on.")
@click.option("--iterations", default=20000, show_default=True, help="Steps at most.")
@click.option("--minutes", default=60.0, show_default=True, help="Wall time at most.")
@click.option("--seed", default=1, show_default=True, help="Decides bodies, samples and first weights.")
@click.option("--threads", default=2, show_default=True, help="CPU threads of the network.")
@click.option(
    "--output", type=click.Path(file_okay=False, path_type=Path), required=True, help="Folder to write."
)
def train(*, phantoms: int, iterations: int, minutes: float, seed: int, threads: int, output: Path) -> None:
    """Train on synthetic bodies with fresh lesions in every step."""
    import numpy as np
    import torch

    from lesionlocator.training import checkpoint, loop, recipe, samples

    torch.set_num_threads(threads)
    torch.manual_seed(seed)
    bodies = list(samples.make_bodies(1000 * seed, phantoms))
    others = list(samples.make_bodies(HELD_OUT_SEED, 6))
    rng = np.random.default_rng([seed, 5])
    held_out = [samples.draw_sample(rng, others, recipe.PATCH) for _ in range(40)]
    command = (
        f"python -m lesionlocator.training train --phantoms {phantoms} --iterations {iterations} "
        f"--minutes {minutes:g} --seed {seed} --threads {threads}"
    )
    schedule = loop.Schedule(iterations=iterations, minutes=minutes)
    metadata = checkpoint.base_metadata(command, seed)
    loop.train(
        recipe.build_network(), bodies, held_out, schedule, seed=seed, output=output, metadata=metadata
    )


if __name__ == "__main__":
    main()
