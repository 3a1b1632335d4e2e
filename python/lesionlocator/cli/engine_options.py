"""Which networks ``segment`` and ``track`` use, and how these run: each option declared once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import Any

import click

from lesionlocator.inference.precision import PRECISIONS
from lesionlocator.run_settings import ORIENTATIONS

_Command = Callable[..., Any]


@dataclass(frozen=True)
class EngineOptions:
    """Which networks are used, and how they run.

    Parameters
    ----------
    model
        A checkpoint folder, or a downloaded model's id; None for the built-in model.
    folds, mirroring, device, precision, compiled
        As :func:`lesionlocator.load_model` takes them.
    one_fold
        Whether to use the first of the folds only.
    step_size, canonical
        As for :meth:`lesionlocator.SegmentationModel.segment`.
    threads
        Number of threads; None for the libraries' own choice.
    profile
        Whether to print the stages' times and write a trace.
    """

    model: Path | None
    folds: tuple[int, ...] | None
    mirroring: bool
    device: str
    canonical: bool | None
    threads: int | None = None
    one_fold: bool = False
    precision: str = "auto"
    compiled: bool = False
    step_size: float = 0.5
    profile: bool = False

    @property
    def loading(self) -> dict[str, Any]:
        """Arguments of the functions that load models, beside the model itself."""
        return {
            "device": self.device,
            "folds": self.folds,
            "mirroring": self.mirroring,
            "precision": self.precision,
            "compiled": self.compiled,
        }


def _fold_numbers(_: click.Context, __: click.Parameter, values: tuple[str, ...]) -> tuple[int, ...] | None:
    parts = [part.strip() for value in values for part in value.split(",")]
    wrong = [part for part in parts if not part.isdecimal()]
    if wrong:
        raise click.BadParameter(f"{wrong[0]!r} is no fold number; legal: -f 0 -f 1, or -f 0,1")
    return tuple(dict.fromkeys(int(part) for part in parts)) or None


def _orientation(_: click.Context, __: click.Parameter, value: str) -> bool | None:
    return next(canonical for canonical, name in ORIENTATIONS.items() if name == value)


def _step_size(_: click.Context, __: click.Parameter, value: float) -> float:
    if not 0 < value <= 1:  # this way round, NaN is refused too
        raise click.BadParameter(f"{value} is not above 0 and up to 1")
    return value


_OPTIONS = (
    click.option(
        "-m",
        "--model",
        type=click.Path(path_type=Path),
        help="Checkpoint folder, or a model's id.  [default: the built-in model]",
    ),
    click.option(
        "-f",
        "--folds",
        multiple=True,
        callback=_fold_numbers,
        help="-f 0 -f 1 or -f 0,1.  [default: all there are]",
    ),
    click.option("--disable-tta", is_flag=True, help="Do not average over mirrorings: up to 8 times faster."),
    click.option(
        "--orientation",
        "canonical",
        type=click.Choice(list(ORIENTATIONS.values())),
        default="auto",
        show_default=True,
        callback=_orientation,
        help="Axis order that the network sees; auto: what the model was trained for.",
    ),
    click.option("--device", default="auto", show_default=True, metavar="auto|cuda[:N]|mps|cpu"),
    click.option("--threads", type=click.IntRange(min=1), help="Threads on the CPU.  [default: one a core]"),
    click.option(
        "--precision",
        type=click.Choice(PRECISIONS),
        default="auto",
        show_default=True,
        help="What the network computes in; auto: fp16 on CUDA, else fp32.",
    ),
    click.option("--fast", is_flag=True, help="One fold and no mirroring: quicker, a little less sure."),
    click.option(
        "--compile", "compiled", is_flag=True, help="Compile the network first, with torch.compile."
    ),
    click.option("--profile", is_flag=True, help="Print each stage's time and write profile.json, a trace."),
    click.option(
        "--step-size",
        type=float,
        callback=_step_size,
        default=0.5,
        show_default=True,
        help="Distance of tiles as a fraction of the patch, for prompts larger than a patch.",
    ),
)


def engine_options(command: _Command) -> _Command:
    """Add what chooses a model and how it runs; the command takes them as ``engine``."""

    @wraps(command)
    def wrapped(*, disable_tta: bool, fast: bool, folds: tuple[int, ...] | None, **others: Any) -> Any:
        if fast and folds is not None and len(folds) > 1:
            raise click.UsageError("--fast uses one fold; legal: -f with one number, or none")
        names = ("model", "device", "canonical", "threads", "precision", "compiled", "step_size", "profile")
        chosen = {name: others.pop(name) for name in names}
        mirroring = not (disable_tta or fast)
        engine = EngineOptions(folds=folds, mirroring=mirroring, one_fold=fast, **chosen)
        return command(engine=engine, **others)

    decorated: _Command = wrapped
    for option in reversed(_OPTIONS):  # so that --help lists them in order
        decorated = option(decorated)
    return decorated
