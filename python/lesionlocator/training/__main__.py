"""``python -m lesionlocator.training``: train the built-in model, or evaluate it."""

from __future__ import annotations

import json
import math
from pathlib import Path

import click

_HELD_OUT_OF_EACH = 8


@click.group()
def main() -> None:
    """Train and evaluate the model that comes with lesionlocator."""


@main.command()
@click.option("--phantoms", default=100, show_default=True, help="Synthetic bodies to train on.")
@click.option("--iterations", default=20000, show_default=True, help="Steps at most.")
@click.option("--minutes", default=math.inf, help="Wall time at most; no limit by default.")
@click.option("--seed", default=1, show_default=True, help="Decides bodies, samples and first weights.")
@click.option("--threads", default=2, show_default=True, help="CPU threads of the network.")
@click.option("--learning-rate", default=4e-2, show_default=True, help="Highest, after warm-up.")
@click.option("--naming/--no-naming", default=True, show_default=True, help="Learn to name tissues too.")
@click.option(
    "--start-from",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="A model of an earlier training, whose weights to start with; its network may have fewer blocks.",
)
@click.option(
    "--background",
    "backgrounds",
    multiple=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A real CT into which lesions are drawn as well, without its uppermost 30 %; several are allowed.",
)
@click.option(
    "--output", type=click.Path(file_okay=False, path_type=Path), required=True, help="Folder to write."
)
def train(
    *,
    phantoms: int,
    iterations: int,
    minutes: float,
    seed: int,
    threads: int,
    learning_rate: float,
    naming: bool,
    start_from: Path | None,
    backgrounds: tuple[Path, ...],
    output: Path,
) -> None:
    """Train on synthetic bodies with fresh lesions in every step.

    Several processes train together when torch's launcher starts them:
    torchrun --nproc-per-node N -m lesionlocator.training train ...
    """
    import numpy as np
    import torch

    from lesionlocator.model import read_weights
    from lesionlocator.training import checkpoint, evaluate, loop, processes, recipe, samples
    from lesionlocator.training.recipe import HELD_OUT_ABOVE
    from lesionlocator.training.shown_patches import SHOWN_PATCHES

    torch.set_num_threads(threads)
    torch.manual_seed(seed)
    bodies = list(samples.make_bodies(1000 * seed, phantoms))
    bodies += [samples.real_body(path, highest=HELD_OUT_ABOVE) for path in backgrounds]
    others = list(samples.make_bodies(evaluate.HELD_OUT_SEED, 6))
    rng = np.random.default_rng([seed, 5])
    held_out = [
        samples.draw_sample(rng, others, shown) for shown in SHOWN_PATCHES for _ in range(_HELD_OUT_OF_EACH)
    ]
    command = (
        f"python -m lesionlocator.training train --phantoms {phantoms} --iterations {iterations} "
        f"--minutes {minutes:g} --seed {seed} --threads {threads} --learning-rate {learning_rate:g}"
        + ("" if naming else " --no-naming")
        + "".join(f" --background {path.name}" for path in backgrounds)
    )
    schedule = loop.Schedule(iterations=iterations, minutes=minutes, learning_rate=learning_rate)
    metadata = checkpoint.base_metadata(command, seed)
    network = recipe.build_network()
    if start_from is not None:
        weights = checkpoint.single_weights(start_from)
        recipe.begin_with(network, read_weights(weights).parameters)
        metadata["started_from"] = json.dumps(checkpoint.history_of(weights))
    with processes.joined(torch.device("cpu")) as joined:
        metadata["processes"] = str(joined.count)
        loop.train(
            network,
            bodies,
            held_out,
            schedule,
            seed=seed,
            output=output,
            metadata=metadata,
            processes=joined,
            naming=naming,
        )


@main.command("average")
@click.argument("earlier", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.argument("later", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option(
    "--share",
    type=click.FloatRange(0, 1),
    default=0.5,
    show_default=True,
    help="Of the later model's weights in the mean.",
)
@click.option(
    "--output", type=click.Path(file_okay=False, path_type=Path), required=True, help="Folder to write."
)
def average_command(*, earlier: Path, later: Path, share: float, output: Path) -> None:
    """Average the weights of a model before and after a training that started from it."""
    from lesionlocator.training.averaging import average_models

    average_models(earlier, later, share, output)


@main.command("evaluate")
@click.option(
    "--model",
    "folder",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="A model in the published layout; the built-in one by default.",
)
@click.option("--phantoms", default=30, show_default=True, help="Synthetic patients to measure on.")
@click.option("--lesions", default=8, show_default=True, help="Lesions in each.")
@click.option("--first-seed", default=9_000_100, show_default=True, help="Seed of the first patient.")
@click.option("--mirroring/--no-mirroring", default=True, show_default=True, help="Average 8 mirrorings.")
@click.option(
    "--processes", type=click.IntRange(1), default=1, show_default=True, help="That share the patients."
)
@click.option("--threads", default=2, show_default=True, help="CPU threads of the network, in each process.")
@click.option(
    "--background",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Measure in the uppermost 30 % of this real CT, instead of on phantoms.",
)
@click.option(
    "--output", type=click.Path(dir_okay=False, path_type=Path), required=True, help="JSON file to write."
)
def evaluate_command(
    *,
    folder: Path | None,
    phantoms: int,
    lesions: int,
    first_seed: int,
    mirroring: bool,
    processes: int,
    threads: int,
    background: Path | None,
    output: Path,
) -> None:
    """Measure a model on patients that it has not seen; same options, same figures."""
    from lesionlocator.cli import console
    from lesionlocator.io import write_atomically
    from lesionlocator.training.evaluate import Examination, evaluate

    report = evaluate(
        Examination(folder, mirroring, lesions, background),
        range(first_seed, first_seed + phantoms),
        processes=processes,
        threads=threads,
        progress=lambda seed, found: console.say(
            f"patient {seed}: " + ", ".join(f"{m.diameter_mm:.0f} mm {m.prompt} {m.dice:.2f}" for m in found)
        ),
    )
    report["command"] = (
        f"python -m lesionlocator.training evaluate --phantoms {phantoms} --lesions {lesions} "
        f"--first-seed {first_seed} {'--mirroring' if mirroring else '--no-mirroring'}"
        + (f" --background {background.name}" if background else "")
    )
    with write_atomically(output) as temporary:
        temporary.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    console.say(json.dumps(report["summary"], indent=1))


@main.command("tables")
@click.argument("report", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def tables_command(report: Path) -> None:
    """Print what an evaluation measured, as the tables of a model card."""
    from lesionlocator.cli import console
    from lesionlocator.training.card import tables

    console.say(tables(json.loads(report.read_text(encoding="utf-8"))))


if __name__ == "__main__":
    main()
