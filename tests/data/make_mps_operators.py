"""Write mps_operators.txt anew from the operators that the installed torch declares.

usage: python tests/data/make_mps_operators.py

torch ships its declarations with torchgen, as native_functions.yaml, which PyYAML reads. An operator counts
where one of its overloads has a kernel for MPS, or one for every device; an overload may leave its kernel to
another, which its structured_delegate names.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
import torchgen
import yaml

LIST = Path(__file__).with_name("mps_operators.txt")
_DECLARED = Path(torchgen.__file__).parent / "packaged" / "ATen" / "native" / "native_functions.yaml"
_EVERYWHERE = {"CompositeExplicitAutograd", "CompositeExplicitAutogradNonFunctional"}
_OTHER_TENSORS = ("_sparse", "_to_sparse", "sparse", "_nested", "mkldnn")
_TRAINING = ("_fused_", "_foreach_")
_HEAD = """\
# Operators of torch {version} that have a kernel for MPS, or one for every device, without those of training
# and of sparse tensors; written by make_mps_operators.py. A name says nothing of dimensions: transposed
# convolutions in 3D are missing.
"""


def devices_of(declared: Mapping[str, Any]) -> set[str]:
    """Return the dispatch keys under which a declaration has a kernel."""
    return {key.strip() for keys in declared.get("dispatch", {}) for key in keys.split(",")}


def operators() -> Iterator[str]:
    """Yield the name of each operator that MPS has; a name for each such overload."""
    declarations = yaml.safe_load(_DECLARED.read_text())
    by_overload = {declared["func"].split("(")[0]: declared for declared in declarations}
    for overload, declared in by_overload.items():
        delegate = by_overload.get(declared.get("structured_delegate", ""), {})
        if (devices_of(declared) | devices_of(delegate)) & ({"MPS"} | _EVERYWHERE):
            yield overload.split(".")[0]


def listed() -> str:
    """Return the content of the list."""
    names = sorted({name for name in operators() if _is_of_inference(name)})
    return _HEAD.format(version=".".join(torch.__version__.split(".")[:2])) + "\n".join(names) + "\n"


def _is_of_inference(name: str) -> bool:
    return "backward" not in name and not name.startswith((*_OTHER_TENSORS, *_TRAINING))


if __name__ == "__main__":
    LIST.write_text(listed())
