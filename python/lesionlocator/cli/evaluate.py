"""``lesionlocator evaluate``: predictions against truth."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from lesionlocator.cli import console

if TYPE_CHECKING:
    from rich.table import Table

    from lesionlocator.evaluation.cases import CaseScore, Options
    from lesionlocator.evaluation.files import Masks
    from lesionlocator.evaluation.summary import Estimate
    from lesionlocator.io import LabelMap

_PATH = click.Path(path_type=Path)


@click.command()
@click.option("-t", "--truth", type=_PATH, required=True, help="Label map, or a folder of them.")
@click.option(
    "-p",
    "--predictions",
    type=_PATH,
    multiple=True,
    required=True,
    help="Label map or folder, paired by name; given several times, what came after each click, in order.",
)
@click.option(
    "-o", "--output", type=_PATH, help="Folder for CSV and JSON; without it, only a table is shown."
)
@click.option(
    "--match",
    type=click.Choice(["overlap", "id"]),
    default="overlap",
    show_default=True,
    help="What answers a lesion: what overlaps it best, one to one, or what has its label.",
)
@click.option(
    "--kind",
    type=click.Choice(["auto", "instance", "semantic"]),
    default="auto",
    show_default=True,
    help="instance: each label is a lesion. semantic: each connected component. auto: semantic for a "
    "truth without labels above 1, and for such predictions of it.",
)
@click.option(
    "--detection-iou",
    type=click.FloatRange(0, 1, min_open=True),
    default=0.1,
    show_default=True,
    help="IoU from which on a lesion is detected.",
)
@click.option(
    "--tracking", is_flag=True, help="Measure tracking too: equal labels are one lesion of a patient."
)
@click.option("--groups", type=_PATH, help='Lesions that merged, for --tracking: JSON, {"case": [[2, 5]]}.')
@click.option(
    "--baseline",
    type=_PATH,
    help="Lesions of the baseline, for --tracking: others are new and not tracked. A label map for all "
    "follow-ups, or a folder paired by name.",
)
@click.option("--quiet", is_flag=True, help="Print errors only.")
def evaluate(
    *,
    truth: Path,
    predictions: tuple[Path, ...],
    output: Path | None,
    match: str,
    kind: str,
    detection_iou: float,
    tracking: bool,
    groups: Path | None,
    baseline: Path | None,
    quiet: bool,
) -> None:
    """Compare predicted lesions with true ones: by lesion, by case, and over all cases.

    Writes lesions.csv, cases.csv and evaluation.json; with --tracking tracking.csv, and for predictions after
    clicks clicks.csv and clicks.json. Files are paired by name: ct, ct_0000, ct_lesions and ct_lesion_<id>
    are of one case. What is measured is defined in docs/metrics.md.
    """
    if not tracking and (groups is not None or baseline is not None):
        raise click.UsageError("--groups and --baseline need --tracking")
    if kind == "semantic" and (tracking or match == "id"):
        raise click.UsageError("--kind semantic has no ids, which --match id and --tracking need")
    console.set_verbosity(console.Verbosity.QUIET if quiet else console.Verbosity.NORMAL)
    from lesionlocator.evaluation.cases import Options
    from lesionlocator.evaluation.files import paired, read_baselines, read_groups
    from lesionlocator.evaluation.instances import Kind
    from lesionlocator.evaluation.lesions import Match
    from lesionlocator.results.files import make_folder

    options = Options(Kind(kind), Match(match), detection_iou, tracking)
    merged = {} if groups is None else read_groups(groups)
    cases, failed = paired(truth, predictions)
    known = {} if baseline is None else read_baselines(baseline, cases)
    for name, reason in failed.items():
        console.error(f"{name}: {reason}")
    for name in merged.keys() - cases.keys():
        console.warn(f"warning: {groups}: there is no case {name}")
    folder = None if output is None else make_folder(output)
    total = len(cases) + len(failed)
    scores = _score_all(cases, options, merged, known, failed)
    if scores:
        _report(scores, predictions, options, folder, failed)
    if failed:
        raise console.SomeCasesFailed(len(failed), total)


def _score_all(
    cases: Mapping[str, Sequence[Masks]],
    options: Options,
    merged: Mapping[str, list[list[int]]],
    known: Mapping[str, frozenset[int]],
    failed: dict[str, str],
) -> list[list[CaseScore]]:
    """Return the scores of each case after each click; report and note in ``failed`` what cannot be scored.

    Raises
    ------
    InputError
        Where there is one case only, and it cannot be scored.
    """
    from lesionlocator.errors import InputError
    from lesionlocator.evaluation.cases import evaluate_case

    scores = []
    for name, (true, *predicted) in cases.items():
        try:
            truth = _read(name, true)
            found = []
            for masks in predicted:
                prediction = _read(name, masks)
                found.append(
                    evaluate_case(
                        name,
                        truth,
                        prediction,
                        options,
                        groups=merged.get(name, ()),
                        known=known.get(name),
                    )
                )
            scores.append(found)
        except InputError as error:
            if len(cases) + len(failed) == 1:
                raise
            console.report(error, prefix=f"{name}: ")
            failed[name] = str(error)
    return scores


def _read(name: str, masks: Masks) -> LabelMap:
    labels, shared = masks.read()
    if shared:
        console.warn(
            f"warning: {name}: {shared} voxels belong to masks of several lesions; the lowest id gets them"
        )
    return labels


def _report(
    scores: Sequence[Sequence[CaseScore]],
    predictions: Sequence[Path],
    options: Options,
    folder: Path | None,
    failed: Mapping[str, str],
) -> None:
    from lesionlocator.evaluation.interaction import follow_clicks
    from lesionlocator.evaluation.report import write_click_report, write_report
    from lesionlocator.evaluation.summary import summarize, summarize_clicks

    last = [steps[-1] for steps in scores]
    summary = summarize(last, tracking=options.tracking)
    console.table(_table(f"{len(last)} cases", summary))
    if folder is not None:
        write_report(folder, last, summary, options, failed=failed)
    if len(predictions) > 1:
        clicks = [follow_clicks(steps) for steps in scores]
        areas = summarize_clicks(clicks)
        console.table(_table(f"{len(predictions)} predictions of each case, from click to click", areas))
        if folder is not None:
            write_click_report(folder, [str(path) for path in predictions], clicks, areas)


def _table(title: str, summary: Mapping[str, Estimate]) -> Table:
    from rich.table import Table

    table = Table(title=title)
    table.add_column("metric")
    for column in ("value", "95 % interval", "of"):
        table.add_column(column, justify="right")
    for name, found in summary.items():
        if found.value is None:
            table.add_row(name, "-", "-", "0")
            continue
        interval = "-" if found.low is None else f"{found.low:.3f} to {found.high:.3f}"
        table.add_row(name, f"{found.value:.3f}", interval, f"{found.count:g}")
    return table
