"""Where results come from: which model, and the record of a whole run."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timezone
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lesionlocator.errors import InputError
from lesionlocator.model.store import BUILTIN_FOLDER
from lesionlocator.results.documents import read_document, write_document

if TYPE_CHECKING:
    from lesionlocator.model import NetworkFolder

RUN_FILE = "run.json"
_SETTING_NAMES = {"sha256": "model checksum", "prompt_type": "prompt type", "step_size": "step size"}
_STATUS = Path("/proc/self/status")
"""Of Linux."""
_BYTES_PER_UNIT = 1 if sys.platform == "darwin" else 1024
"""Of the system's figure for peak memory."""


@dataclass(frozen=True)
class ModelIdentity:
    """Which model it was.

    Parameters
    ----------
    folder
        Its files.
    folds
        The folds whose mean it answers with, ascending.
    mirroring
        Whether it also averages over mirrorings.
    has_path
        Whether it may be told where the files are.
    """

    folder: NetworkFolder
    folds: tuple[int, ...]
    mirroring: bool
    has_path: bool = True

    @cached_property
    def checksum(self) -> str:
        """SHA-256 over the plans and all weights."""
        return self.folder.checksum(self.folds)

    @property
    def name(self) -> str:
        """``built-in``, or the path of the folder, or only its name."""
        if BUILTIN_FOLDER in self.folder.path.parents:
            return "built-in"
        path = self.folder.path.resolve()
        return str(path) if self.has_path else path.name

    @cached_property
    def discreet(self) -> ModelIdentity:
        """The same model, without telling where it is."""
        return replace(self, has_path=False)

    def as_dict(self) -> dict[str, Any]:
        """Return plain values; this reads the model's files once."""
        return {
            "path": self.name,
            "sha256": self.checksum,
            "folds": list(self.folds),
            "mirroring": self.mirroring,
        }


@dataclass
class CaseRecord:
    """What became of one case.

    Parameters
    ----------
    state
        ``running``, ``ok`` or ``failed``.
    reason
        Why it failed.
    prompts_sha256
        The prompts' file.
    lesions
        Status of each lesion that is done, by id.
    seconds
        Time of each stage.
    is_earlier
        Whether all of it was done by an earlier run that this one resumes.
    """

    state: str = "running"
    reason: str | None = None
    prompts_sha256: str | None = None
    lesions: dict[int, str] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)
    is_earlier: bool = False

    def add_seconds(self, seconds: Mapping[str, float]) -> None:
        """Add to the time of each stage."""
        for stage, more in seconds.items():
            self.seconds[stage] = self.seconds.get(stage, 0.0) + more

    @classmethod
    def parse(cls, content: Mapping[str, Any]) -> CaseRecord:
        """Return what :meth:`as_dict` gave, as a record of an earlier run."""
        return cls(
            state=str(content["state"]),
            reason=content["reason"],
            prompts_sha256=content["prompts_sha256"],
            lesions={int(lesion_id): str(status) for lesion_id, status in content["lesions"].items()},
            seconds={stage: float(seconds) for stage, seconds in content["seconds"].items()},
            is_earlier=True,
        )

    def as_dict(self) -> dict[str, Any]:
        """Return plain values."""
        return {
            "state": self.state,
            "reason": self.reason,
            "prompts_sha256": self.prompts_sha256,
            "lesions": {str(lesion_id): status for lesion_id, status in sorted(self.lesions.items())},
            "seconds": _rounded(self.seconds),
            "from_earlier_run": self.is_earlier,
        }


@dataclass
class RunRecord:
    """The record of a run, kept in ``run.json`` from its first to its last moment.

    Parameters
    ----------
    path
        The file.
    settings
        What decides the results: two runs with the same settings and inputs give the same masks. Where they
        say ``deidentified``, no moment of the run is told.
    environment
        What else is worth knowing: version, command, device, threads, options.
    started
        When the run began.
    cases
        What became of each case, by name.
    seconds
        Time of stages that belong to no case.
    """

    path: Path
    settings: dict[str, Any]
    environment: dict[str, Any]
    started: datetime
    cases: dict[str, CaseRecord] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)

    def write(self, *, exit_code: int | None = None) -> None:
        """Write the file: the state is ``running`` until there is an exit code.

        Raises
        ------
        OutputError
            Where the file cannot be written.
        """
        ended = None if exit_code is None else datetime.now(timezone.utc)
        has_dates = not self.settings.get("deidentified")
        write_document(
            self.path,
            {
                "state": _state(exit_code),
                "exit_code": exit_code,
                "started": _iso(self.started) if has_dates else None,
                "ended": _iso(ended) if has_dates and ended is not None else None,
                **self.environment,
                "settings": self.settings,
                "seconds": _rounded(self.total_seconds(ended)),
                "peak_memory_mib": peak_memory_mib(),
                "cases": {name: record.as_dict() for name, record in sorted(self.cases.items())},
            },
        )

    def total_seconds(self, ended: datetime | None = None) -> dict[str, float]:
        """Return the seconds of each stage over all cases, and of the whole run where it has ended."""
        total = CaseRecord(seconds=dict(self.seconds))
        for record in self.cases.values():
            if not record.is_earlier:
                total.add_seconds(record.seconds)
        if ended is not None:
            total.seconds["total"] = (ended - self.started).total_seconds()
        return total.seconds


def read_run(path: Path) -> tuple[dict[str, Any], dict[str, CaseRecord]]:
    """Read settings and cases of a ``run.json``.

    Raises
    ------
    InputError
        Where the file cannot be read or is no such record.
    """
    content = read_document(path)
    try:
        cases = {str(name): CaseRecord.parse(case) for name, case in content["cases"].items()}
        return dict(content["settings"]), cases
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise InputError(f"{path}: is not the record of a run ({error!r})") from error


def differing_settings(earlier: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """Say which settings differ, where it matters for the results: a model may have been moved."""
    old, new = ({**settings, **settings.get("model", {})} for settings in (earlier, now))
    names = ("sha256", "folds", "mirroring", "prompt_type", "step_size", "orientation", "deidentified")
    return [
        f"{_SETTING_NAMES.get(name, name)} {old.get(name)!r}, now {new.get(name)!r}"
        for name in names
        if old.get(name) != new.get(name)
    ]


def peak_memory_mib() -> float | None:
    """Return the largest resident memory of this process so far; None where the system does not tell.

    On Linux ``ru_maxrss`` is no less than what the parent had when it started the process; ``VmHWM`` is.
    """
    with suppress(OSError):
        for line in _STATUS.read_text().splitlines():
            if line.startswith("VmHWM:"):
                return round(int(line.split()[1]) / 2**10, 1)
    try:
        import resource
    except ImportError:  # Windows
        return None
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * _BYTES_PER_UNIT / 2**20, 1)


def _state(exit_code: int | None) -> str:
    if exit_code is None:
        return "running"
    return "finished" if exit_code in (0, 3) else "interrupted" if exit_code == 130 else "failed"


def _rounded(seconds: Mapping[str, float]) -> dict[str, float]:
    return {stage: round(value, 3) for stage, value in seconds.items()}


def _iso(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds")
