"""Write and run the notebook of the demo patient: docs/demo.ipynb.

usage: python docs/make_notebook.py

What the notebook shows is what its cells gave when this was last run; no cell may fail.
"""

from __future__ import annotations

from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

FILE = Path(__file__).with_name("demo.ipynb")
CELLS = (
    (
        "text",
        """# Lesions of a synthetic patient, segmented and followed

The patient is that of `lesionlocator demo`: a synthetic whole-body CT with eight lesions, whose truth is
known. The model is the one that comes with lesionlocator. `make notebook` writes this notebook again.""",
    ),
    (
        "code",
        """import lesionlocator as ll
from lesionlocator.synthetic import make_followup, make_patient

patient = make_patient(
    7, (260, 196, 280), (3.0, 1.8, 1.5), lesions=8, middle_mm=-40.0, diameters_mm=(8.0, 45.0)
)
baseline = ll.Scan("baseline", patient.voxels, patient.geometry)
truth = ll.LabelMap(patient.labels, patient.geometry)
baseline""",
    ),
    (
        "text",
        """## Segment

A label map prompts with the box around each of its lesions; prompt files and prompts made in Python do as
well. Averaging over mirrorings is left out here: it takes up to eight times as long.""",
    ),
    (
        "code",
        """model = ll.load_model(device="cpu", mirroring=False)
result = model.segment(baseline, truth)
result""",
    ),
    (
        "code",
        """from lesionlocator.training.validation import dice

for lesion_id, mask in result.masks.items():
    print(lesion_id, f"Dice {dice(mask.full() > 0, patient.labels == lesion_id):.3f}")""",
    ),
    (
        "text",
        """## Follow

A synthetic follow-up is the same patient on another day: the anatomy is deformed, the field of view is
another one, and lesions grow, shrink, vanish or appear. Tracking gets its voxels only.""",
    ),
    (
        "code",
        """from datetime import date

day = make_followup(5, baseline, truth, new_lesions=0)
followup = ll.Scan("followup", day.voxels, day.geometry)
tracker = ll.load_tracker(device="cpu", mirroring=False)
course = tracker.track([baseline, followup], result, dates=[date(2024, 1, 31), date(2024, 4, 30)])
course""",
    ),
    ("text", "What the follow-up looks like with the lesions found in it:"),
    ("code", "course.followups[0]"),
    ("text", "And what had really become of them:"),
    (
        "code",
        """for change in day.changes:
    print(change.baseline, change.fate.value)""",
    ),
)


def main() -> None:
    """Write the notebook once all its cells have run."""
    notebook = new_notebook(
        cells=[
            new_markdown_cell(text, id=f"cell-{number}")
            if kind == "text"
            else new_code_cell(text, id=f"cell-{number}")
            for number, (kind, text) in enumerate(CELLS)
        ],
        metadata={"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}},
    )
    NotebookClient(notebook, timeout=3600, record_timing=False, coalesce_streams=True).execute()
    for output in (output for cell in notebook.cells for output in cell.get("outputs", ())):
        data = output.get("data", {})
        if "text/html" in data:
            # The plain text of what has a picture is long, and tells where the model lies on this machine.
            data.pop("text/plain", None)
    nbformat.write(notebook, FILE)


if __name__ == "__main__":
    main()
