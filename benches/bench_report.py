"""Time and size of the report of a patient with 4 scans and 50 lesions.

usage: python benches/bench_report.py [--shape Z Y X]

The scans are noise with balls: pictures of noise are larger than those of patients. The report is made by the
command in a process of its own, start of Python included, and it has to hold every picture.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from datetime import date
from pathlib import Path

import numpy as np

sys.path.append(str(Path(__file__).parents[1] / "tests"))
from lesionlocator.geometry import Geometry
from report_cases import write_results

LESIONS, SCANS = 50, 4


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--shape", type=int, nargs=3, default=(300, 400, 400))
    shape = tuple(parser.parse_args().shape)
    rng = np.random.default_rng(0)
    balls = {
        i: (tuple(int(rng.integers(20, n - 20)) for n in shape), tuple(rng.uniform(4, 25, SCANS)))
        for i in range(1, LESIONS + 1)
    }
    days = tuple(date(2024, 1 + 2 * place, 1) for place in range(SCANS))
    with tempfile.TemporaryDirectory() as root:
        folder = write_results(
            Path(root),
            grid=Geometry(shape, (2.0, 1.0, 1.0)),
            balls=balls,
            names=tuple(f"ct{place}" for place in range(SCANS)),
            days=days,
        )
        begin = time.perf_counter()
        start = "from lesionlocator.cli.main import main; main()"
        command = [sys.executable, "-c", start, "report", str(folder)]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        seconds = time.perf_counter() - begin
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        page = (folder / "report.html").read_text()
    pictures = page.count("data:image/jpeg;base64")
    if pictures != SCANS * (LESIONS + 1):
        raise SystemExit(f"{pictures} pictures instead of {SCANS * (LESIONS + 1)}")
    busy = used.ru_utime + used.ru_stime
    print(f"{SCANS} scans of {shape}, {LESIONS} lesions: {seconds:.1f} s, {len(page) / 1e6:.1f} MB")
    print(f"processor time {busy:.1f} s; peak memory {used.ru_maxrss / 1024:.0f} MiB")


if __name__ == "__main__":
    main()
