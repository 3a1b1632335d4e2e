"""The report in a real browser: it sorts, follows keys, changes its colors, and asks no server."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from lesionlocator.cli import console
from lesionlocator.cli.main import lesionlocator
from report_cases import write_results

CHROMIUM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
pytestmark = pytest.mark.skipif(not (CHROMIUM and DRIVER), reason="no Chromium with its driver")


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """Chromium with the report of a patient with three scans open."""
    from selenium import webdriver

    folder = write_results(tmp_path_factory.mktemp("browser"))
    for command in ("recist", "report"):
        words = [command, str(folder)]
        assert console.exit_code(lambda words=words: lesionlocator.main(words, standalone_mode=False)) == 0
    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    for flag in ("--headless=new", "--no-sandbox", "--disable-gpu", "--window-size=1400,1200"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"performance": "ALL", "browser": "ALL"})
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(DRIVER))
    driver.get((folder / "report.html").as_uri())
    yield driver
    driver.quit()


def ids(browser: Any) -> list[str]:
    return [
        row.get_attribute("data-lesion") for row in browser.find_elements("css selector", "#table tbody tr")
    ]


def picture(browser: Any, path: Path) -> np.ndarray[Any, Any]:
    browser.save_screenshot(str(path))
    with Image.open(path) as image:
        return np.asarray(image.convert("RGB"))


def test_no_request_leaves_the_file_and_no_error_is_logged(browser: Any) -> None:
    events = [json.loads(entry["message"])["message"] for entry in browser.get_log("performance")]
    urls = [e["params"]["request"]["url"] for e in events if e["method"] == "Network.requestWillBeSent"]
    assert urls
    assert {url.split(":")[0] for url in urls} <= {"file", "data"}
    assert browser.get_log("browser") == []


def test_every_picture_is_shown(browser: Any) -> None:
    script = "return [...document.images].map(image => image.complete && image.naturalWidth)"
    assert sorted(set(browser.execute_script(script)))[-1] == 560
    assert all(browser.execute_script(script))


def test_headings_sort_by_click_and_by_key(browser: Any) -> None:
    from selenium.webdriver.common.keys import Keys

    assert ids(browser) == ["1", "2", "5"]
    heading = browser.find_elements("css selector", "#table th button")[2]
    heading.click()
    assert ids(browser) == ["2", "5", "1"], "by volume in the baseline"
    heading.send_keys(Keys.ENTER)
    assert ids(browser) == ["1", "5", "2"]
    sorted_by = browser.find_elements("css selector", "#table th[aria-sort]")
    assert [cell.get_attribute("aria-sort") for cell in sorted_by] == ["descending"]


def test_lesions_that_are_gone_sort_last(browser: Any) -> None:
    heading = browser.find_elements("css selector", "#table th button")[6]
    for _ in range(2):
        heading.click()
        assert ids(browser)[-1] == "5"


def test_keys_go_from_lesion_to_lesion_and_the_chart_follows(browser: Any) -> None:
    body = browser.find_element("tag name", "body")
    body.send_keys("j")
    body.send_keys("j")
    chosen = browser.find_elements("css selector", ".lesion.chosen")
    assert [section.get_attribute("id") for section in chosen] == ["lesion-2"]
    assert browser.switch_to.active_element.get_attribute("id") == "lesion-2"
    faint = browser.find_elements("css selector", "svg g.faint")
    assert {line.get_attribute("id") for line in faint} == {
        f"{name}-{lesion}" for name in ("volume_ml", "longest_diameter_mm") for lesion in (1, 5)
    }
    body.send_keys("k")
    assert browser.switch_to.active_element.get_attribute("id") == "lesion-1"


def test_the_page_is_light_or_dark(browser: Any, tmp_path: Path) -> None:
    browser.execute_script("window.scrollTo(0, 0)")
    before = picture(browser, tmp_path / "before.png")
    browser.find_element("id", "theme").click()
    after = picture(browser, tmp_path / "after.png")
    assert before.shape == after.shape
    brightness = sorted([float(before.mean()), float(after.mean())])
    assert brightness[0] < 90
    assert brightness[1] > 170


def test_it_prints_in_light_colors(browser: Any) -> None:
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    color = "return getComputedStyle(document.body).backgroundColor"
    shown = "return getComputedStyle(document.getElementById('theme')).display"
    browser.execute_script("document.documentElement.dataset.theme = 'dark'")
    assert browser.execute_script(color) == "rgb(255, 255, 255)"
    assert browser.execute_script(shown) == "none"
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})
