"""What notebooks show of scans, segmentations and courses."""

from __future__ import annotations

import base64
import re
from html.parser import HTMLParser
from io import BytesIO
from pathlib import Path
from types import SimpleNamespace

import numpy as np
from PIL import Image

from course_cases import GONE, SCAN, block, line, scan_of, there
from lesionlocator.geometry import Geometry
from lesionlocator.io import Scan
from lesionlocator.planes import OUTLINE
from lesionlocator.prompts.kinds import PromptKind
from lesionlocator.results.lesion import LesionResult, LesionStatus
from lesionlocator.results.segmentation import Segmentation
from lesionlocator.results.timeline import build_course


class Balance(HTMLParser):
    """Counts elements that are opened and not closed."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: object) -> None:
        if tag != "img":
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: object) -> None:
        return

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def picture(html: str) -> np.ndarray:
    assert Balance(html).open == []
    [data] = re.findall(r'src="data:image/png;base64,([^"]+)"', html)
    with Image.open(BytesIO(base64.b64decode(data))) as image:
        return np.asarray(image)


def test_a_scan_shows_its_middle_planes_and_its_grid() -> None:
    voxels = np.full((6, 8, 10), -1000, np.int16)
    voxels[3:] = 1000  # the upper half
    html = Scan("a<b>", voxels, Geometry((6, 8, 10), (2.0, 1.0, 1.0)))._repr_html_()
    assert "a&lt;b&gt;" in html
    assert "6 x 8 x 10 voxels of 2 x 1 x 1 mm" in html
    shown = picture(html)
    assert shown.shape == (150, 450, 3)
    coronal = shown[:, 150:300, 0]
    assert coronal[40, 75] == 255
    assert coronal[110, 75] == 0


def test_a_segmentation_shows_its_lesions() -> None:
    found = LesionResult(3, LesionStatus.SEGMENTED, found=block((2, 5, 50), (6, 12, 90)))
    refused = LesionResult(9, LesionStatus.REFUSED, warnings=("outside <of> the scan",))
    model = SimpleNamespace()
    html = Segmentation(SCAN, PromptKind.BOX, {9: refused, 3: found}, {}, (), model)._repr_html_()
    shown = picture(html)
    assert (shown == OUTLINE).all(axis=-1).any()
    assert html.index("<td>3</td>") < html.index("<td>9</td>")
    assert f"<td>{4 * 7 * 40 * 0.125:.2f}</td>" in html
    assert "outside &lt;of&gt; the scan" in html


def test_a_course_shows_what_became_of_each_lesion() -> None:
    scans = [
        scan_of("bl", l1=there(line(0, 4)), l2=there(line(20, 28))),
        scan_of("fu", l1=GONE, l2=there(line(20, 40))),
    ]
    html = build_course(scans)._repr_html_()
    assert Balance(html).open == []
    assert "<td>disappeared</td>" in html
    assert "<td>grown, 2.50 ml</td>" in html
    assert html.count("<circle") == 3


def test_displays_need_no_extra(tmp_path: Path) -> None:
    import subprocess
    import sys

    code = (
        "import sys; sys.modules['PIL'] = sys.modules['matplotlib'] = None\n"
        "import numpy as np\n"
        "from lesionlocator.geometry import Geometry\n"
        "from lesionlocator.io import Scan\n"
        "shape = (3, 4, 5)\n"
        "Scan('a', np.zeros(shape, np.int16), Geometry(shape, (1.0, 1.0, 1.0)))._repr_html_()\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
