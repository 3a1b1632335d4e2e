"""The options that ``segment`` and ``track`` share, each declared once."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from lesionlocator.cli import console

if TYPE_CHECKING:
    from lesionlocator.dicom.outputs import DicomOutputs

PATH = click.Path(path_type=Path)
SERIES = click.option(
    "--series", metavar="UID|NUMBER", help="DICOM series.  [default: the only usable CT series]"
)

_Command = Callable[..., Any]
_Decorator = Callable[[_Command], _Command]


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
_SAVES = ("per-lesion", "labelmap", *DICOM_SAVES)


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


def save_options(command: _Command) -> _Command:
    """Add what is written: ``save``, and what :func:`dicom_options` adds."""
    save = click.option(
        "--save",
        callback=chosen_of(_SAVES),
        default="per-lesion,labelmap",
        show_default=True,
        help=f"What to write, with commas: {', '.join(_SAVES)}.",
    )
    return save(dicom_options(command))


def check_deidentify(deidentify: bool, *, visualize: bool, profile: bool) -> None:
    """Refuse what shows or writes names and dates.

    Raises
    ------
    click.UsageError
        Where it is wanted together with ``deidentify``.
    """
    for option, given in (("--visualize", visualize), ("--profile", profile)):
        if deidentify and given:
            raise click.UsageError(f"--deidentify excludes {option}, which tells names and times")


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
