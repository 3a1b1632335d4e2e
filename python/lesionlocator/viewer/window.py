"""What happens in the window: between the panel and the scans on one side, and the sessions on the other."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lesionlocator.dicom.outputs import NO_DICOM, DicomOutputs
from lesionlocator.errors import InputError
from lesionlocator.viewer.canvas import SCAN, Canvas, Tool
from lesionlocator.viewer.followup_views import FollowUpViews
from lesionlocator.viewer.opening import Opened, Shown, open_scan, series_choices
from lesionlocator.viewer.panel import Panel, Row
from lesionlocator.viewer.patient_session import FollowedPatient, FollowUp, PatientSession
from lesionlocator.viewer.run_folder import RunFolder, names_of
from lesionlocator.viewer.runner import Runner
from lesionlocator.viewer.scan_session import ScanSession

if TYPE_CHECKING:
    from lesionlocator.geometry import Point
    from lesionlocator.prompts.kinds import LesionPrompt
    from lesionlocator.viewer.models import Models


class Window:
    """A napari window with the panel.

    Parameters
    ----------
    viewer
        A ``napari.Viewer``.
    models
        What registers and segments; loaded when first needed, and kept.
    dicom
        What is saved as DICOM too.
    """

    def __init__(self, viewer: Any, models: Models, dicom: DicomOutputs = NO_DICOM) -> None:
        self.viewer = viewer
        self.panel = Panel()
        self.runner = Runner(self.panel)
        self.session: ScanSession | None = None
        self.patient: PatientSession | None = None
        self.canvas: Canvas | None = None
        self.followed: FollowedPatient | None = None
        self.views = FollowUpViews(viewer, self._hovered_followup)
        self.views.on_move, self.views.on_strike = self._moved, self._struck
        self._models = models
        self._dicom = dicom
        self._scans: tuple[Shown, ...] = ()
        self._folders: dict[Path, RunFolder] = {}
        self.panel.on_tool(self._tool)
        self.panel.list.currentItemChanged.connect(lambda *_: self._show_selected())
        self.panel.connect(
            {
                "open": lambda: self._ask(folder=False, followup=False),
                "open_folder": lambda: self._ask(folder=True, followup=False),
                "add": lambda: self._ask(folder=False, followup=True),
                "add_folder": lambda: self._ask(folder=True, followup=True),
                "accept": lambda: self.runner.attempt(self.accept),
                "delete": lambda: self.runner.attempt(self.delete),
                "renumber": lambda: self.runner.attempt(self.renumber),
                "propose": lambda: self.runner.attempt(self.propose),
                "strike": lambda: self.runner.attempt(self.strike),
                "restore": lambda: self.runner.attempt(self.restore),
                "segment": lambda: self.runner.attempt(self.segment_followups),
                "save": lambda: self.runner.attempt(self.save),
                "cancel": self.runner.cancel,
            }
        )

    def open(self, scan: Shown, followups: Sequence[Shown] = ()) -> None:
        """Open a scan and its follow-ups, with the lesions that come with them; in a thread."""
        paths = (scan, *followups)
        self.runner.start(
            f"reading {', '.join(one.path.name for one in paths)}",
            lambda _: [open_scan(one) for one in paths],
            self._opened,
        )

    def choose_from(self, scans: Sequence[Shown]) -> None:
        """Open the first of several scans, and let the user choose between them."""
        self._scans = tuple(scans)
        self.panel.offer_scans([one.path.name for one in scans], self._chosen_scan)
        self.open(scans[0])

    def adopt(self) -> None:
        """Take over a scan that the plugin has read into the window already."""
        for layer in list(self.viewer.layers):
            scan = layer.metadata.get(SCAN)
            if scan is not None:
                self.viewer.layers.remove(layer)
                self.show(Opened(scan))
                return

    def show(self, opened: Opened) -> None:
        """Show a scan that was read, in place of the one before."""
        if self.canvas is not None:
            self.canvas.close()
        self.views.close()
        self.session = ScanSession(opened.scan, self._models, series=opened.series, given=opened.masks)
        self.patient = PatientSession(self.session, self._models, prompts=opened.prompts)
        self.followed = None
        self.canvas = Canvas(self.viewer, opened.scan)
        self.canvas.on_point, self.canvas.on_rectangle = self._clicked, self._drawn
        self.canvas.on_hover = self._hovered_baseline
        self.canvas.choose(next(t for t, button in self.panel.tools.items() if button.isChecked()))
        self.panel.followups.clear()
        self._refresh()
        self.panel.say(f"{opened.scan.name}: click a point or draw a box")

    def accept(self) -> None:
        """Accept the lesion that waits for it."""
        accepted = self._open_session.lesions.accept()
        self._refresh()
        self.panel.select(accepted)
        self.panel.say(f"lesion {accepted} is accepted")

    def delete(self) -> None:
        """Delete the lesion that is chosen in the list."""
        chosen = self._chosen
        self._open_session.lesions.delete(chosen)
        self._refresh()
        self.panel.say(f"lesion {chosen} is deleted")

    def renumber(self) -> None:
        """Give the lesion that is chosen in the list the number beside the button."""
        chosen, new = self._chosen, int(self.panel.new_id.value())
        self._open_session.lesions.renumber(chosen, new)
        self._refresh()
        self.panel.select(new)
        self.panel.say(f"lesion {chosen} is lesion {new} now")

    def propose(self) -> None:
        """Register the follow-ups and show where lesions are expected; in a thread."""
        patient = self._open_patient
        self.runner.start("registering", patient.propose, self._proposed)

    def strike(self) -> None:
        """Do not segment the chosen lesion in the chosen follow-up."""
        followup, chosen = self._chosen_followup, self._chosen
        followup.strike(chosen)
        self.views.show_positions(followup)
        self._say_positions(followup)

    def restore(self) -> None:
        """Take the chosen lesion in the chosen follow-up as registration proposed it."""
        followup, chosen = self._chosen_followup, self._chosen
        followup.restore(chosen)
        self.views.show_positions(followup)
        self._say_positions(followup)

    def segment_followups(self) -> None:
        """Segment the follow-ups at the positions that are left; in a thread."""
        self.runner.start("segmenting the follow-ups", self._open_patient.segment, self._followed)

    def save(self) -> None:
        """Write what the command line would write to the folder of the panel; in a thread.

        Raises
        ------
        InputError
            Where no folder is given, or there is nothing to save.
        """
        session, text = self._open_session, self.panel.folder.text().strip()
        if not text:
            raise InputError("no folder for results is given")
        if session.lesions.candidate is not None:
            raise InputError(
                f"lesion {session.lesions.candidate.lesion_id} is not accepted: accept or delete it"
            )
        path = Path(text).expanduser()
        folder = self._folders.setdefault(path, RunFolder(path, self._models, self._dicom))
        followed = self.followed
        if followed is None:
            self.runner.start("saving", lambda _: folder.save_scan(session), self._saved)
        else:
            self.runner.start("saving", lambda _: folder.save_patient(followed), self._saved)

    def _ask(self, *, folder: bool, followup: bool) -> None:
        """Open what the user chooses; of several DICOM series, the one that the user chooses."""
        answer = self.panel.ask_file(folder=folder)
        if answer:
            self.runner.attempt(lambda: self._open_chosen(Path(answer), followup=followup))

    def _open_chosen(self, path: Path, *, followup: bool) -> None:
        if followup:
            self._open_patient  # noqa: B018  # raises where no scan is open
        else:
            self._check_saved()
        choices, series = series_choices(path), None
        if len(choices) > 1:
            place = self.panel.ask_one("Which series?", [text for _, text in choices])
            if place is None:
                return
            series = choices[place][0]
        shown = Shown(path, series)
        if followup:
            self.runner.start(f"reading {path.name}", lambda _: [open_scan(shown)], self._opened_followups)
        else:
            self.open(shown)

    def _opened(self, opened: Sequence[Opened]) -> None:
        self.show(opened[0])
        if opened[1:]:
            self._opened_followups(opened[1:])

    def _opened_followups(self, opened: Sequence[Opened]) -> None:
        for one in opened:
            self._open_patient.add(one.scan, series=one.series).masks = dict(one.masks)
        self.followed = None
        self._show_followups()

    def _chosen_scan(self, place: int) -> None:
        wanted = self._scans[place]
        if self.session is None or self.session.scan.path == wanted.path:
            return
        self.runner.attempt(self._check_saved)
        if self.session.is_saved:
            self.open(wanted)

    def _check_saved(self) -> None:
        if self.session is not None and not self.session.is_saved:
            raise InputError(f"{self.session.scan.name} has lesions that are not saved: save or delete them")

    def _show_followups(self) -> None:
        followups = self._open_patient.followups
        self.views.show(followups)
        self.panel.followups.clear()
        self.panel.followups.addItems([one.scan.name for one in followups])

    def _clicked(self, shown: Point) -> None:
        self.runner.attempt(
            lambda: self._point_at(self._open_session.at_point(self._open_canvas.space.to_stored(shown)))
        )

    def _drawn(self, corner: Point, opposite: Point, axis: int) -> None:
        box = self._open_canvas.space.drawn_box(corner, opposite, axis, depth_mm=self.panel.depth_mm)
        self.runner.attempt(lambda: self._point_at(self._open_session.in_box(box)))

    def _point_at(self, prompt: LesionPrompt) -> None:
        session = self._open_session
        self.runner.start(
            f"segmenting lesion {prompt.lesion_id}", lambda told: session.segment(prompt, told), self._found
        )

    def _found(self, lesion: Any) -> None:
        self._open_session.lesions.offer(lesion)
        self._refresh()
        self.panel.select(lesion.lesion_id)
        self.panel.say(f"lesion {lesion.lesion_id}: accept it, delete it, or point again")

    def _proposed(self, found: Any) -> None:
        self._open_patient.proposed(found)
        self.followed = None
        for followup, proposal, _ in found:
            self.views.show_positions(followup)
            self._say_positions(followup)
            if proposal.notes:
                self.panel.say(f"{followup.scan.name}: {'; '.join(proposal.notes)}")

    def _moved(self, followup: FollowUp, lesion_id: int, point: Point) -> None:
        self.runner.attempt(lambda: followup.move(lesion_id, point))
        self.views.show_positions(followup)
        self._say_positions(followup)

    def _struck(self, followup: FollowUp, lesion_id: int) -> None:
        self.runner.attempt(lambda: followup.strike(lesion_id))
        self._say_positions(followup)

    def _say_positions(self, followup: FollowUp) -> None:
        self.followed = None
        struck = f"; struck: {', '.join(map(str, followup.struck))}" if followup.struck else ""
        self.panel.say(f"{followup.scan.name}: {len(followup.points)} positions{struck}")

    def _followed(self, followed: FollowedPatient) -> None:
        self.followed = followed
        for followup, one in zip(self._open_patient.followups, followed.course.followups, strict=True):
            followup.masks = one.masks
            self.views.show_lesions(followup)
        self._refresh()
        self.panel.say("the follow-ups are segmented: save them, or move positions and segment again")

    def _saved(self, files: Sequence[Path]) -> None:
        self.panel.say(f"saved {names_of(files)}")

    def _hovered_baseline(self, shown: Point) -> None:
        if self.canvas is not None and self.panel.linked.isChecked():
            self.views.follow_cursor(self.canvas.space.to_lps(shown))

    def _hovered_followup(self, followup: FollowUp, place: Any) -> None:
        if self.canvas is not None and self.panel.linked.isChecked():
            there = followup.link.to_baseline(place)
            self.canvas.show_cursor(self.canvas.space.from_lps(there))

    def _tool(self, tool: Tool) -> None:
        if self.canvas is not None:
            self.canvas.choose(tool)

    def _show_selected(self) -> None:
        """Go to the lesion that is chosen in the list."""
        chosen = self.panel.selected
        if self.session is None or self.canvas is None or chosen is None:
            return
        self.panel.new_id.setValue(chosen)
        mask = self.session.lesions.masks.get(chosen)
        if mask is not None:
            z, y, x = ((a + b - 1) / 2 for a, b in zip(mask.box.start, mask.box.stop, strict=True))
            self.canvas.go_to(self.canvas.space.to_shown((z, y, x)))
        self.views.go_to_lesion(chosen)

    def _refresh(self) -> None:
        """Show the lesions as they are now."""
        session = self._open_session
        masks = session.lesions.masks
        self._open_canvas.show_lesions(masks)
        ml = session.scan.geometry.voxel_volume_ml
        waits = session.lesions.candidate
        self.panel.show_rows(
            Row(
                i,
                f"{i}: {mask.voxels * ml:.2f} ml"
                + (", not accepted" if waits is not None and waits.lesion_id == i else ""),
            )
            for i, mask in masks.items()
        )

    @property
    def _open_session(self) -> ScanSession:
        if self.session is None:
            raise InputError("no scan is open")
        return self.session

    @property
    def _open_patient(self) -> PatientSession:
        if self.patient is None:
            raise InputError("no scan is open")
        return self.patient

    @property
    def _open_canvas(self) -> Canvas:
        if self.canvas is None:
            raise InputError("no scan is open")
        return self.canvas

    @property
    def _chosen(self) -> int:
        chosen = self.panel.selected
        if chosen is None:
            raise InputError("no lesion is chosen in the list")
        return chosen

    @property
    def _chosen_followup(self) -> FollowUp:
        place = int(self.panel.followups.currentIndex())
        if place < 0:
            raise InputError("there is no follow-up: add one first")
        return self._open_patient.followups[place]
