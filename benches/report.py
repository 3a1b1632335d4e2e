"""Turn the files of pytest-benchmark into a table, a small JSON file and plots, named after the machine.

usage: python benches/report.py RUN.json [RUN.json ...] [--whole-run FILE.json] [--plots FOLDER]

Each RUN.json is what ``pytest -c benches/pytest.ini benches --benchmark-json=RUN.json`` wrote, usually one
for each number of threads. Results go to benches/results/<machine>.json and .md.
"""

from __future__ import annotations

import argparse
import json
import re
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).parent / "results"
_KEPT = ("work", "peer", "threads", "goal", "ms", "peer_ms", "ratio", "limit_share")


def condensed(runs: list[dict[str, Any]]) -> dict[str, Any]:
    """Return machine, versions, load of each run, and what every race found."""
    machine = runs[0]["machine_info"]
    races = [bench["extra_info"] for run in runs for bench in run["benchmarks"]]
    return {
        "machine": {key: machine[key] for key in ("processor", "cores", "system", "release")},
        "versions": machine["versions"],
        "runs": [
            {"date": run["datetime"][:16], "commit": run["commit_info"].get("id", "")[:12]}
            | {key: run["machine_info"][key] for key in ("threads", "load")}
            for run in runs
        ],
        "races": [{key: race.get(key) for key in _KEPT} for race in races if "ratio" in race],
    }


def name(machine: dict[str, Any]) -> str:
    """Return a file name for a machine."""
    return re.sub(r"[^a-z0-9]+", "-", f"{machine['processor']} {machine['cores']} cores".lower()).strip("-")


def table(found: dict[str, Any]) -> str:
    """Return the results as Markdown."""
    machine, versions = found["machine"], found["versions"]
    loads = ", ".join(
        f"{run['load']:.2f} after the run of {run['threads']} thread{'s' * (run['threads'] > 1)}"
        for run in found["runs"]
    )
    lines = [
        f"# {machine['processor']}, {machine['cores']} cores",
        "",
        f"{machine['system']} {machine['release']}; {', '.join(f'{k} {v}' for k, v in versions.items())}.",
        f"Load average {loads}. Commit {found['runs'][0]['commit']}, {found['runs'][0]['date']}.",
        "",
        "Best of several rounds of both sides, run in turn in one process after their answers were compared.",
        "",
        "| work | threads | ms | peer | peer ms | ratio | goal | share of the limit |",
        "| --- | ---: | ---: | --- | ---: | ---: | ---: | ---: |",
    ]
    for race in sorted(found["races"], key=lambda race: (race["work"], race["peer"], race["threads"])):
        goal = "" if race["goal"] is None else f"{race['goal']:.3g}"
        share = "" if race["limit_share"] is None else f"{race['limit_share']:.0%}"
        lines.append(
            f"| {race['work']} | {race['threads']} | {race['ms']:.2f} | {race['peer']} "
            f"| {race['peer_ms']:.1f} | {race['ratio']:.2f} | {goal} | {share} |"
        )
    if "whole_run" in found:
        lines += ["", *whole_run(found["whole_run"])]
    return "\n".join(lines) + "\n"


def whole_run(run: dict[str, Any]) -> list[str]:
    """Return what segmenting a whole body took."""
    stages = ", ".join(f"{stage} {seconds:.2f} s" for stage, seconds in run["stages"].items())
    return [
        f"`lesionlocator segment`, {run['scan']}: {run['wall_s']:.1f} s, "
        f"peak memory {run['peak_mib']:.0f} MiB (allowed: {run['allowed_mib']:.0f}). Of it: {stages}."
    ]


def plot(found: dict[str, Any], folder: Path, stem: str) -> None:
    """Write one figure: how many times quicker than the peer, with the goals, on a logarithmic axis."""
    import matplotlib as mpl

    mpl.use("svg")
    mpl.rcParams["svg.hashsalt"] = stem  # the same figures give the same file
    from matplotlib import pyplot as plt

    races = sorted(
        found["races"], key=lambda race: (race["work"], race["peer"], race["threads"]), reverse=True
    )
    labels = [f"{race['work']} ({race['threads']} thr.)\nagainst {race['peer']}" for race in races]
    figure, axes = plt.subplots(figsize=(9, 1 + 0.36 * len(races)), layout="constrained")
    colors = ["#1f5673" if race["threads"] == 1 else "#4a9ebf" for race in races]
    axes.barh(labels, [race["ratio"] for race in races], color=colors)
    goals = [(race["goal"], row) for row, race in enumerate(races) if race["goal"] is not None]
    axes.plot(*zip(*goals, strict=True), "|", color="#c0392b", markersize=11, markeredgewidth=2, label="goal")
    axes.axvline(1, color="black", linewidth=0.8)
    axes.set_xscale("log")
    axes.set_xlabel("times as quick as the peer")
    axes.tick_params(axis="y", labelsize=7)
    axes.margins(y=0.01)
    axes.legend(loc="lower right")
    folder.mkdir(parents=True, exist_ok=True)
    figure.savefig(folder / f"{stem}.svg", metadata={"Date": None})


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("runs", type=Path, nargs="+")
    parser.add_argument("--whole-run", type=Path, help="what bench_segment.py wrote")
    parser.add_argument("--plots", type=Path)
    options = parser.parse_args()
    found = condensed([json.loads(path.read_text()) for path in options.runs])
    if options.whole_run:
        found["whole_run"] = json.loads(options.whole_run.read_text())
    stem = name(found["machine"])
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / f"{stem}.json").write_text(json.dumps(found, indent=1) + "\n")
    (RESULTS / f"{stem}.md").write_text(table(found))
    if options.plots:
        plot(found, options.plots, stem)
    print(table(found))


if __name__ == "__main__":
    main()
