"""How long the network waits between its calls, by the trace that --profile writes.

usage: python benches/network_gaps.py [--model FOLDER] [--slices 150] [--lesions 10] [--output FILE.json]

One fold, no mirroring. The network may be idle for 5 % of the time between its first call and its last.
Told is also how much of preparing, exporting and writing was done while it ran.
"""

from __future__ import annotations

import argparse
import itertools
import json
import tempfile
from pathlib import Path
from typing import Any

from whole_body import parsed, save, segment, write_case

SPACING = (1.5, 0.98, 0.98)
IDLE_ALLOWED = 0.05
_AROUND = ("prepare", "export", "write")
Span = tuple[float, float]
"""First and last second."""


def spans(trace: dict[str, Any], stage: str) -> list[Span]:
    """Return when a stage ran, in order."""
    events = [event for event in trace["traceEvents"] if event.get("name") == f"lesionlocator: {stage}"]
    found = {(event["ts"] / 1e6, (event["ts"] + event["dur"]) / 1e6) for event in events if "dur" in event}
    return sorted(found)


def overlap(some: list[Span], others: list[Span]) -> float:
    """Return the seconds in which one of both ran beside one of the other."""
    return sum(max(0.0, min(a[1], b[1]) - max(a[0], b[0])) for a in some for b in others)


def idle(trace: dict[str, Any]) -> dict[str, Any]:
    """Return calls of the network, seconds between them, and the share of the other stages beside them."""
    calls = spans(trace, "network")
    gaps = [after[0] - before[1] for before, after in itertools.pairwise(calls)]
    whole = calls[-1][1] - calls[0][0]
    stages = {stage: spans(trace, stage) for stage in _AROUND}
    return {
        "calls": len(calls),
        "network_s": whole - sum(gaps),
        "idle_s": sum(gaps),
        "longest_gap_s": max(gaps),
        "idle_share": sum(gaps) / whole,
        "beside_network": {
            stage: overlap(found, calls) / sum(last - first for first, last in found)
            for stage, found in stages.items()
            if found
        },
    }


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", type=Path)
    parser.add_argument("--slices", type=int, default=150)
    parser.add_argument("--lesions", type=int, default=10)
    options = parsed(parser)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        boxes = write_case(folder, options.slices, options.lesions, SPACING)
        segment(folder, boxes, "body.nii.gz", "--profile", *(["-m", options.model] if options.model else []))
        found = idle(json.loads((folder / "out" / "profile.json").read_text()))
    print(json.dumps(found, indent=1))
    save(options.output, found)
    return 0 if found["idle_share"] <= IDLE_ALLOWED else 1


if __name__ == "__main__":
    raise SystemExit(main())
