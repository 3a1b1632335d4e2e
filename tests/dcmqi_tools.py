"""dcmqi's command line tools, which read DICOM results back without any code of ours."""

from __future__ import annotations

import subprocess
import sys


def run_dcmqi(tool: str, *arguments: object) -> None:
    """Run a tool of the PyPI package dcmqi."""
    code = f"import sys, dcmqi; sys.argv = sys.argv[1:]; dcmqi.{tool}()"
    command = [sys.executable, "-c", code, tool, *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
