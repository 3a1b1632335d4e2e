"""Setting the number of threads, which the kernels take once for a process."""

from __future__ import annotations

import subprocess
import sys

CODE = """
from lesionlocator.errors import KernelError
from lesionlocator.threads import set_threads, thread_counts
set_threads(3)
assert thread_counts() == {"kernels": 3, "torch": 3}, thread_counts()
set_threads(3)
try:
    set_threads(2)
except KernelError as error:
    assert "threads is 2, but the kernels already run on 3" in str(error)
else:
    raise SystemExit("another number was taken")
"""


def test_kernels_and_torch_take_the_number_and_the_kernels_keep_it() -> None:
    done = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
