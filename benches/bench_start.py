"""How soon the command and the package are there, and that neither imports what it does not need.

usage: python benches/bench_start.py [--runs 9] [--output FILE.json]

Allowed are 60 ms for lesionlocator --help and 110 ms for import lesionlocator, once files are in memory.
Held is what processors worked in the best of the runs, which other processes disturb least.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time

from whole_body import finished, parsed, save

HELP = "from lesionlocator.cli.main import main; import sys; sys.argv[1:] = ['--help']; main()"
STARTS = {"lesionlocator --help": (HELP, 60), "import lesionlocator": ("import lesionlocator", 110)}
HEAVY = {"torch", "scipy", "SimpleITK", "skimage", "pandas", "matplotlib"}


def heavy_imports(code: str) -> list[str]:
    """Return the slow packages that a program has imported when it ends."""
    told = f"import atexit, sys; atexit.register(lambda: print(sorted({HEAVY!r} & set(sys.modules))))"
    done = subprocess.run(
        [sys.executable, "-c", f"{told}\n{code}"], capture_output=True, text=True, check=True
    )
    return json.loads(done.stdout.splitlines()[-1].replace("'", '"'))


def milliseconds(code: str, runs: int) -> dict[str, float]:
    """Return the best of several starts: processor and wall time."""
    processor, wall = [], []
    for _ in range(runs):
        started = time.perf_counter()
        usage = finished("-c", code, quiet=True)
        wall.append(1000 * (time.perf_counter() - started))
        processor.append(1000 * (usage.ru_utime + usage.ru_stime))
    return {"processor_ms": min(processor), "wall_ms": min(wall)}


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--runs", type=int, default=9)
    options = parsed(parser)
    found = {
        name: {**milliseconds(code, options.runs), "allowed_ms": allowed, "heavy": heavy_imports(code)}
        for name, (code, allowed) in STARTS.items()
    }
    found["import torch"] = milliseconds("import torch", 2)
    for name, one in found.items():
        print(f"{name}: {one['processor_ms']:.0f} ms of processors, {one['wall_ms']:.0f} ms in all")
    save(options.output, found)
    held = all(found[name]["processor_ms"] <= allowed for name, (_, allowed) in STARTS.items())
    return 0 if held and not any(found[name]["heavy"] for name in STARTS) else 1


if __name__ == "__main__":
    raise SystemExit(main())
