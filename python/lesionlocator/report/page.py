"""A patient's report: one HTML file that needs nothing else."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from lesionlocator.report.chart import timeline

if TYPE_CHECKING:
    from lesionlocator.report.patient import Patient
    from lesionlocator.report.pictures import Picture
    from lesionlocator.results.recist import Entry

_CHANGES = "volume_change_from_baseline_percent", "volume_change_from_nadir_percent"


@dataclass(frozen=True)
class Disclosure:
    """What a report may say of who the patient is.

    Parameters
    ----------
    deidentify
        Whether to keep names, numbers, dates and paths out.
    names
        What must not be said then, the longest first.
    """

    deidentify: bool = False
    names: Sequence[str] = field(default_factory=tuple)

    def text(self, text: str) -> str:
        """Return a text without names."""
        if self.deidentify:
            for name in self.names:
                text = text.replace(name, "…")
        return text


def render(patient: Patient, pictures: Iterable[Picture], disclosure: Disclosure) -> str:
    """Return the page.

    Parameters
    ----------
    patient
        Whose lesions.
    pictures
        All pictures of the patient.
    disclosure
        What may be said.
    """
    from jinja2 import Environment, StrictUndefined

    shown: dict[tuple[int, int | None], dict[str, str]] = {}
    for picture in pictures:
        data = base64.b64encode(picture.jpeg()).decode("ascii")
        shown[picture.place, picture.lesion_id] = {
            "source": f"data:image/jpeg;base64,{data}",
            "text": picture.text,
        }
    labels = _labels(patient, disclosure)
    template = files(__package__).joinpath("page.html").read_text(encoding="utf-8")
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    return environment.from_string(template).render(
        title="Patient" if disclosure.deidentify else patient.name,
        labels=labels,
        chart=timeline(patient, _short(patient, labels, disclosure)),
        projections=[shown.get((place, None)) for place in range(len(labels))],
        lesions=[
            _lesion(lesion_id, entries, shown, disclosure)
            for lesion_id, entries in sorted(patient.lesions.items())
        ],
        recist=None if patient.recist is None else _recist(patient.recist, labels, disclosure),
        provenance=_provenance(patient.run, disclosure),
    )


def _labels(patient: Patient, disclosure: Disclosure) -> list[str]:
    """Return what each timepoint is called."""
    days = [timepoint.date for timepoint in patient.timepoints]
    if not disclosure.deidentify:
        return [
            f"{timepoint.name} ({day.isoformat()})" if day else timepoint.name
            for timepoint, day in zip(patient.timepoints, days, strict=True)
        ]
    first = days[0]
    return [
        f"timepoint {place}" + (f" (day {(day - first).days})" if day and first else "")
        for place, day in enumerate(days)
    ]


def _short(patient: Patient, labels: list[str], disclosure: Disclosure) -> list[str]:
    """Return what stands in the chart: dates where they are known."""
    days = [timepoint.date for timepoint in patient.timepoints]
    if disclosure.deidentify:
        return labels
    return [day.isoformat() if day else label for day, label in zip(days, labels, strict=True)]


def _lesion(
    lesion_id: int,
    entries: Sequence[Entry | None],
    shown: Mapping[tuple[int, int | None], dict[str, str]],
    disclosure: Disclosure,
) -> dict[str, Any]:
    points = [
        None
        if entry is None
        else {
            "status": _status(entry),
            "measurements": entry["measurements"],
            "warnings": [disclosure.text(warning) for warning in entry.get("warnings", ())],
            "picture": shown.get((place, lesion_id)),
        }
        for place, entry in enumerate(entries)
    ]
    last = next((entry for entry in reversed(entries) if entry is not None), None)
    changes = {} if last is None else {name: last.get(name) for name in _CHANGES}
    warnings = sum(len(point["warnings"]) for point in points if point is not None)
    return {
        "id": lesion_id,
        "points": points,
        "status": "" if last is None else _status(last),
        "from_baseline": changes.get(_CHANGES[0]),
        "from_nadir": changes.get(_CHANGES[1]),
        "doubling": None if last is None else last.get("volume_doubling_time_days"),
        "warnings": warnings,
    }


def _status(entry: Entry) -> str:
    related = entry["related_lesion_id"]
    text = str(entry["status"]).replace("_", " ")
    link = {"merged": "into", "split": "from"}.get(text)
    return f"{text} {link} {related}" if link and related is not None else text


def _recist(recist: Mapping[str, Any], labels: Sequence[str], disclosure: Disclosure) -> dict[str, Any]:
    return {
        "notice": recist["notice"],
        "source": recist["source"],
        "lesions": [
            {"id": lesion_id, **lesion, "organ": disclosure.text(lesion["organ"])}
            for lesion_id, lesion in recist["lesions"].items()
        ],
        "points": [
            {**point, "label": label} for label, point in zip(labels, recist["timepoints"], strict=True)
        ],
    }


def _provenance(run: Mapping[str, Any], disclosure: Disclosure) -> list[tuple[str, str]]:
    """Return what is known of how the results came about, in words."""
    settings = run.get("settings") or {}
    model = settings.get("model") or {}
    command = " ".join(map(str, run.get("command") or ()))
    named = {
        "lesionlocator": run.get("version"),
        "model": None if disclosure.deidentify else model.get("path"),
        "model checksum (SHA-256)": model.get("sha256"),
        "folds": ", ".join(map(str, model.get("folds") or ())),
        "mirroring": {True: "yes", False: "no"}.get(model.get("mirroring", "")),
        "prompts": settings.get("prompt_type"),
        "registration": settings.get("registration"),
        "followed from": settings.get("chain"),
        "device": (run.get("device") or {}).get("name"),
        "started": None if disclosure.deidentify else run.get("started"),
        "ended": None if disclosure.deidentify else run.get("ended"),
        "command": None if disclosure.deidentify else command,
    }
    return [(name, str(value)) for name, value in named.items() if value]
