"""The panel beside the scans: buttons, the list of lesions, and how far work is. It decides nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from lesionlocator.viewer.canvas import Tool

_TOOLS = {Tool.NAVIGATE: "Navigate", Tool.POINT: "Click a point", Tool.BOX: "Draw a box"}
_MOST_DEPTH_MM = 500
_LARGEST_ID = 65535


@dataclass(frozen=True)
class Row:
    """A line of the list of lesions."""

    lesion_id: int
    text: str


class Panel:
    """The widgets; each button is kept by name, for who connects it.

    Attributes
    ----------
    widget
        The whole panel, a ``QWidget``.
    buttons
        By name: ``open``, ``open_folder``, ``add``, ``add_folder``, ``accept``, ``delete``, ``renumber``,
        ``propose``, ``strike``, ``restore``, ``segment``, ``save``, ``cancel``.
    """

    def __init__(self) -> None:
        from qtpy import QtWidgets

        self._qt = QtWidgets
        self.widget: Any = QtWidgets.QWidget()
        self.buttons: dict[str, Any] = {}
        self._layout = QtWidgets.QVBoxLayout(self.widget)
        self._row("Scan", open="Open file…", open_folder="Open folder…")
        self.scans: Any = QtWidgets.QComboBox()
        self.scans.hide()
        self._layout.addWidget(self.scans)
        self.tools = self._tool_choice()
        self.depth = self._depth_choice()
        self.list: Any = QtWidgets.QListWidget()
        self._layout.addWidget(self.list)
        self._row("Lesion", accept="Accept", delete="Delete", renumber="Renumber to")
        self.new_id: Any = QtWidgets.QSpinBox()
        self.new_id.setRange(1, _LARGEST_ID)
        self._last_row.addWidget(self.new_id)
        self._row("Follow-ups", add="Add file…", add_folder="Add folder…")
        self._row("Positions", propose="Propose", strike="Strike", restore="Restore")
        self.followups: Any = QtWidgets.QComboBox()
        self._last_row.addWidget(self.followups)
        self._row("", segment="Segment follow-ups")
        self.linked: Any = QtWidgets.QCheckBox("Link cursors")
        self.linked.setChecked(True)
        self._last_row.addWidget(self.linked)
        self.folder: Any = QtWidgets.QLineEdit()
        self.folder.setPlaceholderText("folder for results")
        self._layout.addWidget(self.folder)
        self._row("Results", save="Save")
        self.bar: Any = QtWidgets.QProgressBar()
        self._layout.addWidget(self.bar)
        self._row("", cancel="Cancel")
        self.status: Any = QtWidgets.QLabel()
        self.status.setWordWrap(True)
        self.status.setMinimumHeight(3 * self.status.fontMetrics().height())
        self._layout.addWidget(self.status)
        self.idle()

    def connect(self, actions: dict[str, Callable[[], None]]) -> None:
        """Let each button do something."""
        for name, action in actions.items():
            self.buttons[name].clicked.connect(lambda _=False, action=action: action())

    def on_tool(self, chosen: Callable[[Tool], None]) -> None:
        """Tell which tool is chosen."""
        for tool, button in self.tools.items():
            button.toggled.connect(lambda on, tool=tool: chosen(tool) if on else None)

    def offer_scans(self, names: list[str], chosen: Callable[[int], None]) -> None:
        """Let the user choose between scans, and tell the place of the one that is chosen."""
        self.scans.addItems(names)
        self.scans.activated.connect(chosen)
        self.scans.show()

    @property
    def depth_mm(self) -> float | None:
        """How deep a box is that is drawn; None for the shorter side of its rectangle."""
        value = float(self.depth.value())
        return value or None

    @property
    def selected(self) -> int | None:
        """The lesion that is chosen in the list."""
        item = self.list.currentItem()
        return None if item is None else int(item.data(_user_role()))

    def show_rows(self, rows: Iterable[Row]) -> None:
        """Show these lesions, and keep the chosen one where it is still there."""
        chosen = self.selected
        self.list.clear()
        for row in rows:
            item = self._qt.QListWidgetItem(row.text)
            item.setData(_user_role(), row.lesion_id)
            self.list.addItem(item)
            if row.lesion_id == chosen:
                self.list.setCurrentItem(item)

    def select(self, lesion_id: int) -> None:
        """Choose a lesion in the list."""
        for place in range(self.list.count()):
            if self.list.item(place).data(_user_role()) == lesion_id:
                self.list.setCurrentRow(place)

    def say(self, text: str) -> None:
        """Say something to the user."""
        self.status.setText(text)

    def busy(self, text: str, done: int = 0, total: int = 0) -> None:
        """Show that something is at work; without a total, that it is not known how far."""
        self.bar.setRange(0, total)
        self.bar.setValue(done)
        self.say(text)
        for name, button in self.buttons.items():
            button.setEnabled(name == "cancel")

    def idle(self) -> None:
        """Show that nothing is at work."""
        self.bar.setRange(0, 1)
        self.bar.reset()
        for name, button in self.buttons.items():
            button.setEnabled(name != "cancel")

    def ask_file(self, *, folder: bool) -> str:
        """Let the user choose a file or a folder; empty where none is chosen."""
        dialog = self._qt.QFileDialog
        if folder:
            return str(dialog.getExistingDirectory(self.widget, "DICOM folder"))
        patterns = "Scans (*.nii.gz *.nii *.nrrd *.mha *.dcm *.zip);;All files (*)"
        return str(dialog.getOpenFileName(self.widget, "Scan", "", patterns)[0])

    def ask_one(self, question: str, choices: list[str]) -> int | None:
        """Let the user choose one of several, and return its place; None where none is chosen."""
        text, is_chosen = self._qt.QInputDialog.getItem(
            self.widget, "lesionlocator", question, choices, 0, editable=False
        )
        return choices.index(text) if is_chosen else None

    def _row(self, label: str, **buttons: str) -> None:
        self._last_row = self._qt.QHBoxLayout()
        if label:
            self._last_row.addWidget(self._qt.QLabel(label))
        for name, text in buttons.items():
            button = self.buttons[name] = self._qt.QPushButton(text)
            self._last_row.addWidget(button)
        self._layout.addLayout(self._last_row)

    def _tool_choice(self) -> dict[Tool, Any]:
        row = self._qt.QHBoxLayout()
        tools = {}
        for tool, text in _TOOLS.items():
            tools[tool] = self._qt.QRadioButton(text)
            row.addWidget(tools[tool])
        tools[Tool.NAVIGATE].setChecked(True)
        self._layout.addLayout(row)
        return tools

    def _depth_choice(self) -> Any:
        row = self._qt.QHBoxLayout()
        row.addWidget(self._qt.QLabel("Depth of a box"))
        depth = self._qt.QSpinBox()
        depth.setRange(0, _MOST_DEPTH_MM)
        depth.setSuffix(" mm")
        depth.setSpecialValueText("as its shorter side")
        row.addWidget(depth)
        self._layout.addLayout(row)
        return depth


def _user_role() -> Any:
    from qtpy.QtCore import Qt

    return Qt.ItemDataRole.UserRole
