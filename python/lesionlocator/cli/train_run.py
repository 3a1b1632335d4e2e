"""A training as ``train`` and ``finetune`` run it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from lesionlocator.cli import console

if TYPE_CHECKING:
    import torch

    from lesionlocator.training.cases import TrainingCase
    from lesionlocator.training.fit import FitOptions, Report
    from lesionlocator.training.processes import Processes
    from lesionlocator.training.setup import Start

_VALIDATION_LESIONS = 60
_RATES = {"sgd": 0.01, "adamw": 0.001, "muon": 0.04}


@dataclass(frozen=True)
class Request:
    """What the shared options ask for."""

    images: Path | None
    labels: Path | None
    dataset: Path | None
    output: Path
    cache: Path | None
    prompts: str
    batch: int
    learning_rate: float | None
    weight_decay: float
    validate_every: int
    validation: float
    amp: bool
    seed: int
    device: str
    threads: int | None
    resume: bool
    quiet: bool

    def cases(self) -> list[TrainingCase]:
        """Return the cases to learn from."""
        from lesionlocator.training.cases import find_cases, nnunet_cases

        if self.dataset is not None and self.images is None and self.labels is None:
            return nnunet_cases(self.dataset)
        if self.dataset is not None or self.images is None or self.labels is None:
            raise click.UsageError("give --images and --labels, or --dataset")
        return find_cases(self.images, self.labels)

    def options(self, steps: int, optimizer: str, part: str) -> FitOptions:
        """Return how to train."""
        from lesionlocator.training.fit import FitOptions

        rate = _RATES[optimizer] if self.learning_rate is None else self.learning_rate
        return FitOptions(
            steps,
            self.batch,
            optimizer,
            rate,
            self.weight_decay,
            part,
            self.amp,
            self.validate_every,
            self.seed,
        )


def run_training(
    request: Request, options: FitOptions, start: Callable[[list[TrainingCase]], Start], command: str
) -> None:
    """Preprocess, train, and write the model, with a bar or lines for its progress.

    Parameters
    ----------
    request, options
        What to do.
    start
        Makes the network and its plans, given the cases.
    command
        Goes into the weights' metadata.
    """
    from lesionlocator.inference.device import choose_device
    from lesionlocator.threads import set_threads
    from lesionlocator.training import processes

    if request.quiet:
        console.set_verbosity(console.Verbosity.QUIET)
    if request.threads:
        set_threads(request.threads)
    cases = request.cases()
    chosen = choose_device(request.device)
    with processes.joined(chosen.device) as joined:
        if not joined.is_first:
            console.set_verbosity(console.Verbosity.QUIET)
        console.say(f"{len(cases)} cases; {joined.count} process(es) on {joined.device}: {chosen.reason}")
        _train(request, options, start(cases), cases=cases, joined=joined, command=command)
        joined.wait()
    console.say(f"Model: {request.output}")


def _train(
    request: Request,
    options: FitOptions,
    made: Start,
    *,
    cases: list[TrainingCase],
    joined: Processes,
    command: str,
) -> None:
    from lesionlocator.results.files import make_folder
    from lesionlocator.training import checkpoint, setup
    from lesionlocator.training.cache import cached
    from lesionlocator.training.fit import fit
    from lesionlocator.training.patches import Sampler

    held_out = setup.split([case.name for case in cases], request.validation, request.seed)
    folder = request.cache or request.output / "cache"
    make_folder(request.output)
    if joined.is_first:
        cached(cases, made.plans, folder, done=lambda name: console.say(f"preprocessed: {name}"))
    joined.wait()
    ready = cached(cases, made.plans, folder)
    kinds = setup.KINDS[request.prompts]
    learning, validating = (
        Sampler(
            [case for case in ready if (case.name in held_out) is wanted],
            made.plans.patch_size,
            made.plans.spacing,
            kinds,
        )
        for wanted in (False, True)
    )
    metadata = checkpoint.base_metadata(command, request.seed)
    name = checkpoint.OPTIMIZED.get(request.prompts, checkpoint.NETWORK)

    def save(network: torch.nn.Module, step: int) -> None:
        told = metadata | {"iterations": str(step)}
        checkpoint.save_model(
            network, request.output, told, content=made.content, name=name, full_precision=True
        )

    network = made.network.to(joined.device)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(
        *columns, console=console.stdout(), transient=True, disable=not console.is_interactive()
    ) as bar:
        task = bar.add_task("training", total=options.steps)

        def told(step: int, loss: float, report: Report | None) -> None:
            bar.update(task, completed=step, description=f"loss {loss:.3f}")
            if report is not None:
                scores = ", ".join(f"{k} {v:.3f}" for k, v in report.dice.items() if " " not in k)
                console.say(f"step {step}: loss {report.loss:.3f}, Dice: {scores}")

        reports = fit(
            network,
            learning,
            validating.fixed(_VALIDATION_LESIONS),
            options,
            output=request.output,
            save=save,
            processes=joined,
            resume=request.resume,
            told=told,
        )
    if reports and joined.is_first:
        console.table(_table(reports[-1]))


def _table(report: Report) -> Table:
    table = Table(title=f"Validation after {report.step} steps")
    table.add_column("prompt and size of the lesion")
    table.add_column("mean Dice", justify="right")
    for name, score in report.dice.items():
        table.add_row(name, f"{score:.3f}")
    return table
