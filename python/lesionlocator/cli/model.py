"""``lesionlocator model``: which models there are, downloading, checking and converting them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from lesionlocator.cli import console
from lesionlocator.errors import InputError, ModelError

if TYPE_CHECKING:
    from lesionlocator.model.convert import Conversion
    from lesionlocator.model.manifest import ModelSource

_PATH = click.Path(path_type=Path)
_MANIFEST = click.option(
    "--manifest", type=_PATH, help="Another manifest than the one that comes with lesionlocator."
)


@click.group()
def model() -> None:
    """List, inspect, check, convert and download models.

    Downloaded models lie in LESIONLOCATOR_HOME (default ~/.lesionlocator), and -m takes them by their id.
    """


@model.command("list", short_help="List the models that are here, and those to download.")
@_MANIFEST
def list_models(manifest: Path | None) -> None:
    """List the models that are here, and those that can be downloaded."""
    from rich.table import Table
    from rich.text import Text

    from lesionlocator.cli.model_facts import folder_size, licence_of, mebibytes
    from lesionlocator.model.store import BUILTIN_FOLDER, BUILTIN_ID, installed

    table = Table("id")
    for column in ("where", "size", "licence"):
        table.add_column(column, overflow="fold")
    here = {BUILTIN_ID: BUILTIN_FOLDER, **installed()}
    for model_id, folder in here.items():
        where = "built in" if folder == BUILTIN_FOLDER else str(folder)
        table.add_row(model_id, Text(where), mebibytes(folder_size(folder)), Text(licence_of(folder)))
    for source in _sources(manifest).values():
        if source.model_id not in here:
            size = mebibytes(source.size) if source.size else "not known yet"
            licence = source.licence or "see its record"
            table.add_row(source.model_id, Text(f"to download: {source.homepage}"), size, Text(licence))
    console.table(table)


@model.command(short_help="Tell architecture, folds, patch and checksum of a model.")
@click.argument("folder", type=_PATH)
def info(folder: Path) -> None:
    """Tell architecture, folds, patch, spacing and checksum of each network of FOLDER, or of a model's id."""
    from lesionlocator.cli.model_facts import facts
    from lesionlocator.model.folder import networks
    from lesionlocator.model.store import Provenance, find_model

    root = find_model(folder)
    found = networks(root)
    if not found:
        raise ModelError(f"{root}: holds no network: no plans.json beside fold_<number>")
    for network in found:
        for line in facts(network, root):
            console.say(line)
    record = Provenance.read(root)
    if record is not None:
        console.say(f"installed {record.installed} from {record.origin}")
        console.say(f"zip file SHA-256 {record.sha256}; {record.verified}")


@model.command(short_help="Load every fold of a model, and compare with what was installed.")
@click.argument("folder", type=_PATH)
def check(folder: Path) -> None:
    """Load every fold of FOLDER, or of a model's id, as segmenting and tracking would.

    A downloaded model is also compared with the files that were installed. The exit code is 4 where something
    cannot be used.
    """
    from lesionlocator.cli.model_facts import problems
    from lesionlocator.model.store import find_model

    root, failed, total = find_model(folder), 0, 0
    for name, problem in problems(root):
        console.say(f"{name}: ok") if problem is None else console.error(f"{name}: {problem}")
        failed, total = failed + (problem is not None), total + 1
    if failed:
        raise ModelError(f"{root}: {failed} of {total} checks failed")


@model.command(short_help="Write the weights of a model as safetensors.")
@click.argument("folder", type=_PATH)
@click.option("-o", "--output", type=_PATH, required=True, help="A new folder for the model.")
def convert(folder: Path, output: Path) -> None:
    """Write FOLDER, a model in the published layout, with its weights as safetensors.

    The weights are the same to the bit, and so are the masks; what only training needs is left out.
    """
    from lesionlocator.cli.model_facts import mebibytes
    from lesionlocator.model.convert import convert_model
    from lesionlocator.model.store import find_model

    def told(fold: Conversion) -> None:
        before, after = mebibytes(fold.bytes_before), mebibytes(fold.bytes_after)
        console.say(f"{fold.target}: {after}, was {before}")

    convert_model(find_model(folder), output, done=told)


@model.command(short_help="Download and install a model.")
@click.argument("model_id", metavar="[ID]", required=False)
@click.option("--zip", "archive", type=_PATH, help="Install this file instead of downloading it.")
@click.option("--sha256", help="What the zip file's SHA-256 must be, where you have it from its makers.")
@click.option("--force", is_flag=True, help="Install again where the model is there already.")
@_MANIFEST
def download(
    model_id: str | None, archive: Path | None, sha256: str | None, force: bool, manifest: Path | None
) -> None:
    """Download a model by its ID (that of the only one by default), verify, unpack and install it.

    A download that broke goes on where it broke. Proxies are taken from the environment.
    """
    from lesionlocator.model.acquire import acquire, acquire_local
    from lesionlocator.model.store import installed

    source = _chosen(_sources(manifest), model_id)
    there = installed().get(source.model_id)
    if there is not None and not force:
        console.say(f"{source.model_id} is installed already: {there} (--force installs it again)")
        return
    with _bytes_shown() as progress:
        if archive is not None:
            found = acquire_local(source, archive, sha256=sha256)
        else:
            found = acquire(source, sha256=sha256, say=console.say, progress=progress)
    console.say(f"{found.verified}; SHA-256 {found.sha256}")
    if not found.is_verified:
        console.warn("warning: nothing was known to compare it with; compare this SHA-256 with its makers'")
    console.say(f"installed: {found.folder}; use it with -m {source.model_id}")


def _sources(manifest: Path | None) -> dict[str, ModelSource]:
    from lesionlocator.model.manifest import MANIFEST, read_manifest

    return read_manifest(manifest or MANIFEST)


def _chosen(sources: dict[str, ModelSource], model_id: str | None) -> ModelSource:
    if model_id is None and len(sources) == 1:
        return next(iter(sources.values()))
    if model_id not in sources:
        asked = "which model?" if model_id is None else f"no model {model_id!r} to download;"
        raise InputError(f"{asked} there are: {', '.join(sources)}")
    return sources[model_id]


@contextmanager
def _bytes_shown() -> Iterator[Callable[[int, int | None], None]]:
    """Give what shows the bytes done: a bar on a terminal, otherwise a line each tenth."""
    if not console.is_interactive():
        yield _tenths()
        return
    from rich.progress import BarColumn, DownloadColumn, Progress, TimeRemainingColumn, TransferSpeedColumn

    columns = (BarColumn(), DownloadColumn(), TransferSpeedColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console.stdout()) as bars:
        task = bars.add_task("", total=None)
        yield lambda done, total: bars.update(task, completed=done, total=total)


def _tenths() -> Callable[[int, int | None], None]:
    told = 0

    def tell(done: int, total: int | None) -> None:
        nonlocal told
        tenth = 10 * done // total if total else 0
        if tenth > told:
            told = tenth
            console.say(f"{10 * tenth} % of {total} bytes")

    return tell
