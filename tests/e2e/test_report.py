"""The report as a person opens it: in a browser, from its file, with no network."""

from __future__ import annotations

import base64
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest

from evobin.report.page import write_report
from tests.builders import finished_run

sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium on this machine")
WIDE, PHONE = 1280, 360


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = finished_run(tmp_path_factory.mktemp("browser") / "run")
    write_report([folder])
    return folder


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with sync_api.sync_playwright() as playwright:
        # root, as in a container, has no sandbox
        yield playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])


class Opened:
    """A page in a browser, and what it complained of or asked for."""

    def __init__(
        self, browser: Any, file: Path, width: int, scheme: Literal["light", "dark"] = "light"
    ) -> None:
        viewport = {"width": width, "height": 800}
        self.page = browser.new_page(viewport=viewport, color_scheme=scheme)
        self.told: list[str] = []
        self.asked: list[str] = []
        self.page.on("console", lambda message: self.told.append(message.text))
        self.page.on("pageerror", lambda error: self.told.append(str(error)))
        self.page.on("request", lambda request: self.asked.append(request.url))
        self.page.goto(file.as_uri())


def test_the_page_opens_without_a_complaint_and_fetches_nothing(run: Path, browser: Any) -> None:
    opened = Opened(browser, run / "report.html", WIDE)
    opened.page.wait_for_load_state("networkidle")
    assert opened.told == []
    outside = [url for url in opened.asked if not url.startswith("data:")]
    assert outside == [(run / "report.html").as_uri()]


def test_the_figures_in_the_page_are_those_of_the_summary(run: Path, browser: Any) -> None:
    page = Opened(browser, run / "report.html", WIDE).page
    summary = json.loads((run / "summary.json").read_text())["parts"]
    names = {"train": "training", "valid": "held out", "test": "test"}
    shown = page.locator("#figures tbody tr").all()
    for row, (name, part) in zip(shown, summary.items(), strict=True):
        cells = {key: row.locator(f"[data-column={key}]").inner_text() for key in KEYS}
        low, high = part["interval"]
        assert cells == {
            "part": names[name],
            "accuracy": f"{part['accuracy']:.2%}",
            "interval": f"{low:.2%} to {high:.2%}",
            "right": str(part["right"]),
            "clips": str(part["clips"]),
            "speakers": str(part["speakers"]),
            "margin": f"{part['margin']:.2f}",
            "use": part["use"],
        }


KEYS = ("part", "accuracy", "interval", "right", "clips", "speakers", "margin", "use")


@pytest.mark.parametrize("width", [WIDE, PHONE])
def test_nothing_is_cut_off_or_wider_than_the_screen(width: int, run: Path, browser: Any) -> None:
    page = Opened(browser, run / "report.html", width).page
    assert page.evaluate("document.documentElement.scrollWidth") == width
    outside = page.evaluate(
        """() => [...document.querySelectorAll("svg")].flatMap(svg => {
            const frame = svg.getBoundingClientRect();
            return [...svg.querySelectorAll("text")].filter(text => {
                const box = text.getBoundingClientRect();
                return box.left < frame.left - 1 || box.right > frame.right + 1
                    || box.top < frame.top - 1 || box.bottom > frame.bottom + 1;
            }).map(text => text.textContent);
        })"""
    )
    assert outside == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_stands_out_from_its_ground(
    scheme: Literal["light", "dark"], run: Path, browser: Any
) -> None:
    page = Opened(browser, run / "report.html", WIDE, scheme).page
    ground = colour_of(page, "body", "background-color")
    assert (ground.mean() > 200) == (scheme == "light")
    for selector, style in (("h1", "color"), ("figure svg text", "fill"), (".reading", "color")):
        assert contrast(colour_of(page, selector, style), ground) > 4.5
    (used,) = page.evaluate(
        """() => [[...document.querySelectorAll("svg *")].flatMap(
            e => [getComputedStyle(e).fill, getComputedStyle(e).stroke])]"""
    )
    assert not {"rgb(0, 0, 1)", "rgb(0, 0, 2)"} & set(used)  # each got a colour of the page


def colour_of(page: Any, selector: str, style: str) -> Any:
    value = page.locator(selector).first.evaluate(f"e => getComputedStyle(e)['{style}']")
    return np.array([float(part) for part in value[value.index("(") + 1 : -1].split(",")[:3]])


def contrast(one: Any, other: Any) -> float:
    """The ratio of WCAG 2: 1 is none, 21 is black on white."""

    def luminance(colour: Any) -> float:
        share = colour / 255
        linear = np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4)
        return float(linear @ [0.2126, 0.7152, 0.0722])

    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def test_the_numbers_behind_a_plot_can_be_saved(run: Path, browser: Any, tmp_path: Path) -> None:
    page = Opened(browser, run / "report.html", WIDE).page
    link = page.locator("a[download='time.csv']")
    with page.expect_download() as found:
        link.click()
    found.value.save_as(tmp_path / "time.csv")
    raw = base64.b64decode(link.get_attribute("href").split(",", 1)[1])
    assert (tmp_path / "time.csv").read_bytes() == raw
    assert raw.startswith(b"stage,island,step,seconds,selection_accuracy")


def test_it_prints_dark_on_light_whatever_the_screen(
    run: Path, browser: Any, tmp_path: Path
) -> None:
    page = Opened(browser, run / "report.html", WIDE, "dark").page
    page.emulate_media(media="print")
    assert colour_of(page, "body", "background-color").tolist() == [255, 255, 255]
    assert contrast(colour_of(page, "h1", "color"), np.full(3, 255.0)) > 10
    page.pdf(path=tmp_path / "page.pdf", format="A4")
    assert (tmp_path / "page.pdf").read_bytes().startswith(b"%PDF")
