"""What the user sees of a run: progress, a line for each case, and a table at the end."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING, Any

from lesionlocator.cli import console

if TYPE_CHECKING:
    from rich.progress import Progress as Bars
    from rich.progress import TaskID

    from lesionlocator.cli.events import EventLog
    from lesionlocator.progress import Progress
    from lesionlocator.results.lesion import LesionResult


@dataclass(frozen=True)
class CaseOutcome:
    """What the last table says of a case: its state, status of each lesion by id, ml in all, and seconds."""

    name: str
    state: str
    lesions: Mapping[int, str]
    volume_ml: float
    seconds: float

    @property
    def counts(self) -> str:
        """How many lesions there are of each status."""
        found = Counter(self.lesions.values())
        return ", ".join(
            f"{found[status]} {status}" for status in ("segmented", "empty", "refused") if found[status]
        )


class Reporter:
    """Tells terminal and log what happens; bars where the output is a terminal, else plain lines.

    Parameters
    ----------
    log
        Where events go.
    bars
        Whether bars may be shown.
    """

    def __init__(self, log: EventLog, *, bars: bool = True) -> None:
        self._log = log
        self._bars: Bars | None = _bars() if bars and console.is_interactive() else None
        self._cases: TaskID | None = None
        self._calls: TaskID | None = None

    def __enter__(self) -> Reporter:
        if self._bars is not None:
            self._bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, where: TracebackType | None
    ) -> None:
        if self._bars is not None:
            self._bars.stop()

    def stage(self, text: str) -> None:
        """Say what is done while no network runs."""
        self._log.write("stage", stage=text)
        if self._bars is None:
            console.detail(text)
        elif self._calls is None:
            self._calls = self._bars.add_task(text, total=None, stage="")
        else:
            self._bars.reset(self._calls, description=text, total=None, stage="")

    def run_started(self, cases: int, facts: Mapping[str, str]) -> None:
        """Say what will be done, with which model and device."""
        self._log.write("run_started", cases=cases, **facts)
        for name, fact in facts.items():
            console.say(f"{name}: {fact}")
        if self._bars is not None:
            self._cases = self._bars.add_task("cases", total=cases, stage="")

    def case_started(self, case: str, lesions: int) -> None:
        """Say which case comes next."""
        self._log.write("case_started", case=case, lesions=lesions)
        if self._bars is None:
            console.say(f"{case}: {lesions} lesion{'s' * (lesions != 1)}")
        elif self._calls is not None:
            self._bars.reset(self._calls, description=case, total=None, stage="")

    def network_call(self, case: str, progress: Progress) -> None:
        """Count the calls of the network."""
        self._log.write(
            "network_call", case=case, lesion=progress.lesion_id, done=progress.done, total=progress.total
        )
        if self._bars is not None and self._calls is not None:
            self._bars.update(
                self._calls,
                total=progress.total,
                completed=progress.done,
                stage=f"lesion {progress.lesion_id}",
            )

    def lesion_done(self, case: str, lesion: LesionResult) -> None:
        """Say what became of a lesion; what its user should know is a warning."""
        seconds = {stage: round(value, 3) for stage, value in lesion.seconds.items()}
        self._log.write(
            "lesion", case=case, lesion=lesion.lesion_id, status=lesion.status.value, seconds=seconds
        )
        times = ", ".join(f"{stage} {value:.2f} s" for stage, value in seconds.items())
        console.detail(
            f"{case}: lesion {lesion.lesion_id} {lesion.status.value}{f' ({times})' if times else ''}"
        )
        for text in lesion.warnings:
            self.warning(case, f"lesion {lesion.lesion_id} {lesion.status.value}: {text}")

    def warning(self, case: str, text: str, *, quotes: bool = False) -> None:
        """Say what the user should know; a text that may quote what stands in a file, says so."""
        self._log.write("warning", case=case, message=text, quotes="message" if quotes else None)
        console.warn(f"warning: {case}: {text}")

    def case_done(self, outcome: CaseOutcome) -> None:
        """Say that the results of a case are written."""
        self._log.write(
            "case_done", case=outcome.name, volume_ml=outcome.volume_ml, seconds=round(outcome.seconds, 3)
        )
        console.say(
            f"{outcome.name}: {outcome.counts}, {outcome.volume_ml:.2f} ml in {outcome.seconds:.1f} s"
        )
        self._advance()

    def case_skipped(self, outcome: CaseOutcome) -> None:
        """Say that an earlier run has done a case."""
        self._log.write("case_skipped", case=outcome.name)
        console.say(f"{outcome.name}: done by an earlier run, {outcome.counts}")
        self._advance()

    def case_failed(self, case: str, problem: Exception, *, is_only_case: bool) -> None:
        """Say why a case has no results; where it is the only one, the command itself says it at its end."""
        self._log.write("case_failed", case=case, reason=str(problem), quotes="reason")
        if not is_only_case:
            console.report(problem, prefix=f"{case}: ")
        self._advance()

    def run_done(self, outcomes: Sequence[CaseOutcome], folder: str, exit_code: int) -> None:
        """Show all cases in a table."""
        from rich.table import Table

        self._log.write("run_done", exit_code=exit_code)
        if self._bars is not None:
            self._bars.stop()
        table = Table("case", "state", "lesions")
        table.add_column("volume (ml)", justify="right")
        table.add_column("time (s)", justify="right")
        for outcome in outcomes:
            volume = f"{outcome.volume_ml:.2f}" if outcome.lesions else ""
            table.add_row(outcome.name, outcome.state, outcome.counts, volume, f"{outcome.seconds:.1f}")
        if outcomes:
            console.table(table)
            console.say(f"results: {folder}")

    def _advance(self) -> None:
        if self._bars is not None and self._cases is not None:
            self._bars.advance(self._cases)


def _bars() -> Any:
    from rich import progress

    return progress.Progress(
        progress.TextColumn("{task.description}", markup=False),
        progress.BarColumn(),
        progress.MofNCompleteColumn(),
        progress.TextColumn("{task.fields[stage]}", markup=False),
        progress.TimeElapsedColumn(),
        progress.TimeRemainingColumn(),
        console=console.stdout(),
        transient=True,
    )
