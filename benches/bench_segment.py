"""Segment a whole-body scan through the command line, and hold its peak memory to what is allowed.

usage: python benches/bench_segment.py [--model FOLDER] [--slices 1000] [--lesions 20] [--output FILE.json]

The scan is int16, 512 x 512 in plane. One fold and no mirroring, so that the network is a minor part. Every
mask must lie around its box. Allowed is what importing torch takes, 1.3 times the scan as stored, and
300 MiB.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from whole_body import MIB, MIB_ALLOWED, SCANS_ALLOWED, parsed, peak_mib_of, save, segment, write_case

SPACING = (1.5, 0.98, 0.98)


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", type=Path)
    parser.add_argument("--slices", type=int, default=1000)
    parser.add_argument("--lesions", type=int, default=20)
    options = parsed(parser)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        boxes = write_case(folder, options.slices, options.lesions, SPACING)
        run = segment(folder, boxes, "body.nii.gz", *(["-m", options.model] if options.model else []))
    around = sum(run.stages[stage] for stage in ("prepare", "export", "write")) / options.lesions
    stored = 2 * options.slices * 512 * 512 / MIB
    allowed = peak_mib_of("import torch") + SCANS_ALLOWED * stored + MIB_ALLOWED
    found = {
        "scan": f"512 x 512 x {options.slices} int16 ({stored:.0f} MiB), {options.lesions} boxes",
        "wall_s": run.wall_s,
        "processor_s": run.processor_s,
        "peak_mib": run.peak_mib,
        "allowed_mib": allowed,
        "around_network_s_per_lesion": around,
        "stages": run.stages,
    }
    took = f"{run.wall_s:.1f} s, {run.processor_s:.1f} s of processors"
    print(f"{found['scan']}: {took}, peak {run.peak_mib:.0f} MiB of {allowed:.0f} MiB allowed")
    print(f"outside network and reading: {around:.3f} s a lesion; stages {run.stages}")
    save(options.output, found)
    return 0 if run.peak_mib <= allowed else 1


if __name__ == "__main__":
    raise SystemExit(main())
