"""The arrows between the rooms run one way, and only chosen modules touch the compiled kernels."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import lesionlocator

PACKAGE = Path(__file__).parents[2] / "python" / "lesionlocator"

LAYERS = [
    {"errors", "_core"},
    {"filling", "geometry", "planes", "progress", "threads"},
    {"io", "model", "networks"},
    {"preprocessing"},
    {"prompts"},
    {"inference"},
    {"tracking"},
    {"results"},
    {"segmentation", "dicom", "run_settings"},
    {"longitudinal", "tracked_pair"},
    {"following"},
    {"evaluation"},
    {"synthetic", "training", "report", "viewer"},
    {"cli"},
]
"""Each room imports only from its own layer and those above it in this list."""

KERNEL_CALLERS = {
    "cli/main.py",
    "run_settings.py",
    "evaluation/instances.py",
    "evaluation/lesions.py",
    "evaluation/surfaces.py",
    "inference/segmenter.py",
    "inference/tiles.py",
    "io/nifti.py",
    "preprocessing/intensity.py",
    "preprocessing/model_grid.py",
    "preprocessing/resample.py",
    "prompts/components.py",
    "prompts/on_grid.py",
    "results/export.py",
    "results/extended.py",
    "results/findings.py",
    "results/files.py",
    "results/measurements.py",
    "synthetic/pieces.py",
    "synthetic/warp.py",
    "threads.py",
    "prompts/masks.py",
    "tracking/matching.py",
    "tracking/void.py",
}


def imported_rooms(path: Path) -> set[str]:
    rooms = set()
    for node in ast.walk(ast.parse(path.read_text())):
        names = []
        if isinstance(node, ast.ImportFrom) and node.module:
            names = (
                [node.module]
                if node.module != "lesionlocator"
                else [f"lesionlocator.{a.name}" for a in node.names]
            )
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        rooms |= {name.split(".")[1] for name in names if name.startswith("lesionlocator.")}
    return rooms


def layer(room: str) -> int:
    return next(i for i, rooms in enumerate(LAYERS) if room in rooms)


def modules() -> list[Path]:
    return [path for path in sorted(PACKAGE.rglob("*.py")) if path != PACKAGE / "__init__.py"]


def room_of(path: Path) -> str:
    if path.name == "__main__.py":
        return "cli"
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def test_arrows_between_rooms_run_one_way() -> None:
    against = [
        f"{path.relative_to(PACKAGE)} imports {room}"
        for path in modules()
        for room in imported_rooms(path)
        if layer(room) > layer(room_of(path))
    ]
    assert against == []


def test_only_chosen_modules_call_the_kernels() -> None:
    callers = {str(path.relative_to(PACKAGE)) for path in modules() if "_core" in imported_rooms(path)}
    assert callers <= KERNEL_CALLERS


def test_importing_the_package_imports_neither_torch_nor_simpleitk() -> None:
    code = "import sys, lesionlocator; print(sorted({'torch', 'SimpleITK', 'scipy'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_every_public_name_exists() -> None:
    assert all(hasattr(lesionlocator, name) for name in lesionlocator.__all__)
