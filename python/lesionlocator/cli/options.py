"""The options that ``segment`` and ``track`` share, each declared once."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from lesionlocator.cli import console
from lesionlocator.inference.precision import PRECISIONS

if TYPE_CHECKING:
    from lesionlocator.dicom.outputs import DicomOutputs

PATH = click.Path(path_type=Path)
ORIENTATIONS = {None: "auto", False: "stored", True: "canonical"}
"""Names of the axis orders that a network can see: None is what the model was trained for."""

_Command = Callable[..., Any]
_Decorator = Callable[[_Command], _Command]


def _fold_numbers(_: click.Context, __: click.Parameter, values: tuple[str, ...]) -> tuple[int, ...] | None:
    parts = [part.strip() for value in values for part in value.split(",")]
    wrong = [part for part in parts if not part.isdecimal()]
    if wrong:
        raise click.BadParameter(f"{wrong[0]!r} is no fold number; legal: -f 0 -f 1, or -f 0,1")
    return tuple(dict.fromkeys(int(part) for part in parts)) or None


def _orientation(_: click.Context, __: click.Parameter, value: str) -> bool | None:
    return next(canonical for canonical, name in ORIENTATIONS.items() if name == value)


_MODEL = (
    click.option(
        "-m", "--model", type=PATH, help="Checkpoint folder, or a model's id.  [default: the built-in model]"
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
)
_ENGINE = (
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
)
_RUN = (
    click.option(
        "--resume/--overwrite",
        default=False,
        help="Do what an earlier run left, or start again.  [default: --overwrite]",
    ),
    click.option("--quiet", is_flag=True, help="Print errors only."),
    click.option("--verbose", is_flag=True, help="Print stages and decisions, and tracebacks of errors."),
    click.option("--log-json", type=PATH, help="Also write events to this file, one JSON object a line."),
)


_DICOM = (
    click.option(
        "--seg-type",
        type=click.Choice(["binary", "labelmap"]),
        default="binary",
        show_default=True,
        help="Of dicom-seg: a mask for each lesion, or one label map.",
    ),
    click.option(
        "--deidentify",
        is_flag=True,
        help="Keep names, numbers and dates of the patient out of what is written.",
    ),
)
DICOM_SAVES = ("dicom-seg", "dicom-sr", "rtstruct")


def model_options(command: _Command) -> _Command:
    """Add what chooses a model and how it runs.

    The command takes ``model``, ``folds``, ``disable_tta``, ``canonical``, ``device`` and ``threads``.
    """
    return _decorated(command, _MODEL)


def engine_options(command: _Command) -> _Command:
    """Add how the networks run; the command takes ``precision``, ``fast``, ``compiled`` and ``profile``."""
    return _decorated(command, _ENGINE)


def run_options(command: _Command) -> _Command:
    """Add what every run of a model takes: ``resume``, ``quiet``, ``verbose`` and ``log_json``."""
    return _decorated(command, _RUN)


def set_verbosity(*, quiet: bool, verbose: bool) -> None:
    """Let the console say as much as the options ask for.

    Raises
    ------
    click.UsageError
        Where both are given.
    """
    if quiet and verbose:
        raise click.UsageError("--quiet and --verbose exclude each other")
    console.set_verbosity(
        console.Verbosity.QUIET if quiet else console.Verbosity(console.Verbosity.NORMAL + verbose)
    )


def dicom_options(command: _Command) -> _Command:
    """Add how results are written as DICOM: ``seg_type`` and ``deidentify``."""
    return _decorated(command, _DICOM)


def chosen_of(legal: tuple[str, ...]) -> Callable[[click.Context, click.Parameter, str], frozenset[str]]:
    """Return the callback of an option that takes some of several words, with commas."""

    def chosen(_: click.Context, __: click.Parameter, value: str) -> frozenset[str]:
        parts = frozenset(part.strip() for part in value.split(",") if part.strip())
        if not parts <= set(legal):
            raise click.BadParameter(f"{value!r} is unknown; legal: {', '.join(legal)}, with commas between")
        return parts

    return chosen


def dicom_outputs(chosen: frozenset[str], *, seg_type: str, deidentify: bool) -> DicomOutputs:
    """Return which DICOM files are to be written."""
    from lesionlocator.dicom.outputs import DicomKind, DicomOutputs

    kinds = frozenset(kind for kind in DicomKind if kind.value in chosen)
    return DicomOutputs(kinds, labelmap=seg_type == "labelmap", deidentify=deidentify)


def _decorated(command: _Command, options: tuple[_Decorator, ...]) -> _Command:
    for option in reversed(options):  # so that --help lists them in order
        command = option(command)
    return command
