from __future__ import annotations

import base64
import errno
import io
import json
import os
import re
import shutil
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
import pandas as pd
import pytest

from evobin.core.scores import wilson_interval
from evobin.errors import EvobinError
from evobin.network.binary import BinaryNetwork
from evobin.network.presets import SPEAKER_SEX
from evobin.report.page import MARK, write_report
from evobin.report.tables import channel_counts
from tests.builders import finished_run, history_rows


class Page(HTMLParser):
    """What a test wants to know of a page."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.raw = html
        self.ids: list[str] = []
        self.csv: dict[str, pd.DataFrame] = {}
        self.tags: list[str] = []
        self.addresses: list[str] = []
        self.cells: list[tuple[str, str]] = []
        self.text = ""
        self._column: str | None = None
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.tags.append(tag)
        self.ids += [value for name, value in attrs if name == "id" and value]
        names = ("href", "src", "xlink:href")
        self.addresses += [value for name, value in attrs if name in names and value]
        self._column = given.get("data-column")
        if given.get("download"):
            raw = base64.b64decode(str(given["href"]).split(",", 1)[1])
            self.csv[str(given["download"])] = pd.read_csv(io.BytesIO(raw))

    def handle_data(self, data: str) -> None:
        self.text += data
        if self._column is not None:
            self.cells.append((self._column, data))
            self._column = None

    def column(self, name: str) -> list[str]:
        return [value for column, value in self.cells if column == name]


def page_of(*runs: Path, out: Path | None = None) -> Page:
    return Page(write_report(runs, out).read_text())


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return finished_run(tmp_path_factory.mktemp("kept") / "run")


@pytest.fixture(scope="module")
def page(kept: Path, tmp_path_factory: pytest.TempPathFactory) -> Page:
    return page_of(kept, out=tmp_path_factory.mktemp("page") / "page.html")


@pytest.fixture
def run(kept: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(kept, tmp_path / "run"))


WRITTEN = ("summary.json", "clips.csv", "channels.csv", "history.csv", "result.txt")
"""What a run folder holds beside config.json."""


def without(run: Path, *names: str) -> Path:
    for name in names:
        (run / name).unlink()
    return run


def test_the_page_shows_the_figures_of_the_summary(kept: Path, page: Page) -> None:
    summary = json.loads((kept / "summary.json").read_text())["parts"].values()
    accuracies = page.column("accuracy")
    assert accuracies == [f"{part['accuracy']:.2%}" for part in summary]
    intervals = [f"{low:.2%} to {high:.2%}" for low, high in (p["interval"] for p in summary)]
    assert page.column("interval") == intervals
    assert page.column("use") == [part["use"] for part in summary]
    figures = page.csv["figures.csv"]
    assert figures["accuracy"].tolist() == [part["accuracy"] for part in summary]
    assert figures["margin"].tolist() == [part["margin"] for part in summary]
    confusion = page.csv["confusion.csv"][["answered_0", "answered_1"]].to_numpy()
    assert confusion.tolist() == [row for part in summary for row in part["confusion"]]


def test_the_numbers_behind_the_plots_are_those_of_the_run(kept: Path, page: Page) -> None:
    csv, samples = page.csv, pd.read_csv(kept / "clips.csv")
    history = pd.read_csv(kept / "history.csv").set_index(["stage", "island", "step"])
    points = csv["time.csv"].set_index(["stage", "island", "step"])
    assert points["selection_accuracy"].to_dict() == history["selection_accuracy"].to_dict()
    counts = csv["logits.csv"].groupby(["part", "label"])["clips"].sum()
    assert counts.to_dict() == samples.groupby(["part", "label"]).size().to_dict()
    signs = BinaryNetwork.load(kept / "result.txt").signs
    filters = csv["filters.csv"].filter(like="tap_").to_numpy()
    np.testing.assert_array_equal(filters.ravel(), signs[: SPEAKER_SEX.layers[0].n_weights])
    flips = csv["flips-flips.csv"].groupby("layer")[["tried", "accepted"]].sum()
    assert list(flips.loc["conv2"]) == [40, 8]
    assert set(csv["diversity.csv"]["share"]) == {0.05}


def test_accuracy_by_group_is_that_of_the_samples_that_were_not_trained_on(
    kept: Path, page: Page
) -> None:
    samples = pd.read_csv(kept / "clips.csv").query("part != 'train'")
    for number, column in enumerate(("speaker", "room"), 1):
        shown = page.csv[f"group-{number}.csv"].set_index(["value", "part"])
        expected = {}
        for (value, part), rows in samples.groupby([column, "part"]):
            right, n = int((rows["answer"] == rows["label"]).sum()), len(rows)
            expected[value, part] = (right, n, right / n, *wilson_interval(right, n))
        assert dict(zip(shown.index, shown.itertuples(index=False, name=None), strict=True)) == (
            expected
        )


def test_firing_rates_are_those_of_all_parts_together(kept: Path, page: Page) -> None:
    channels = pd.read_csv(kept / "channels.csv")
    channels["on"] = channels["rate"] * channels["positions"]
    sums = channels.groupby(["layer", "channel"])[["on", "positions"]].sum()
    shown = page.csv["firing.csv"].set_index(["layer", "channel"])["rate"].sort_index()
    np.testing.assert_allclose(shown, (sums["on"] / sums["positions"]).sort_index(), rtol=1e-12)


def test_the_samples_nearest_the_border_are_named(kept: Path, page: Page) -> None:
    samples = pd.read_csv(kept / "clips.csv")
    for part in ("valid", "test"):
        nearest = page.csv[f"nearest-{part}.csv"]
        rows = samples[samples["part"] == part]
        expected = sorted(rows["logit"].abs())[: len(nearest)]
        assert nearest["logit"].abs().tolist() == expected
        assert set(nearest["file"]) <= set(page.column("file"))


def test_dead_and_saturated_channels_are_counted() -> None:
    rates = pd.DataFrame(
        {"layer": ["conv1"] * 3 + ["max"] * 4, "rate": [0.0, 0.005, 0.5, 1.0, 1.0, 0.995, 0.0]}
    )
    counts = channel_counts(rates).set_index("layer")
    assert list(counts.loc["conv1"]) == [3, 1, 1, 0, 0]
    assert list(counts.loc["max"]) == [4, 1, 0, 1, 2]


def test_a_page_holds_all_it_needs_and_no_id_twice(page: Page) -> None:
    assert len(page.ids) == len(set(page.ids))
    assert not {"script", "iframe", "object", "img"} & set(page.tags)
    assert all(address.startswith(("#", "data:")) for address in page.addresses)
    assert {address[1:] for address in page.addresses if address[0] == "#"} <= set(page.ids)


def test_the_same_run_gives_the_same_bytes(kept: Path, page: Page, tmp_path: Path) -> None:
    again = page_of(kept, out=tmp_path / "page.html")
    assert again.raw == page.raw


NAMES = [
    "<script>alert(1)</script>",
    "$x_1$",
    "\"a\" & 'b'",
    "語音",
    "#000001",
    "x" * 300,
    "NA",
    "",
]


def test_names_that_users_give_are_shown_as_they_are(run: Path) -> None:
    samples = pd.read_csv(run / "clips.csv")
    values = [NAMES[i % len(NAMES)] for i in range(len(samples))]
    samples["file"], samples["room"] = values, values
    samples = samples.rename(columns={"room": "<b>room</b>"})
    samples.to_csv(run / "clips.csv", index=False)
    page = page_of(run)
    assert "script" not in page.tags
    assert "b" not in page.tags
    assert "By <b>room</b>" in page.text
    shown = page.text.splitlines()
    for name in NAMES[:5]:
        assert any(name in line for line in shown)


MISSING: dict[str, tuple[tuple[str, ...], str]] = {
    "begun": (WRITTEN, "no step was done"),
    "not finished": (WRITTEN[:3], "The run is not finished"),
    "made before there were rates": (("channels.csv",), "channels.csv is not in the run folder"),
    "without its clips": (("clips.csv",), "clips.csv is not in the run folder"),
}


@pytest.mark.parametrize("state", MISSING)
def test_what_is_not_there_is_said_and_the_rest_is_shown(state: str, run: Path) -> None:
    names, told = MISSING[state]
    page = page_of(without(run, *names))
    assert told in page.text
    assert ("time.csv" in page.csv) == ("history.csv" not in names)
    assert ("figures.csv" in page.csv) == ("summary.json" not in names)


def test_a_run_of_one_stage_says_what_it_did_not_do(run: Path) -> None:
    run = without(run, *WRITTEN[:3], "result.txt")
    rows = [row for row in history_rows() if row["stage"] == "ste"]
    pd.DataFrame(rows).to_csv(run / "history.csv", index=False)
    text = page_of(run).text
    assert "No flip was tried." in text
    assert "No round of population refinement was done." in text


def test_a_long_history_is_thinned_and_the_page_says_so(run: Path) -> None:
    run = without(run, *WRITTEN[:3], "result.txt")
    pd.DataFrame(history_rows(islands=50, steps=667)).to_csv(run / "history.csv", index=False)
    page = page_of(run)
    assert (run / "report.html").stat().st_size < 3_000_000
    assert "Of 100,050 points" in page.text
    assert len(page.csv["time.csv"]) <= 2_000
    assert page.csv["flips-flips.csv"]["tried"].sum() == 667 * 50 * 20


EDITS: dict[str, tuple[str, Callable[[str], str], str]] = {
    "no json": ("config.json", lambda _: "{", "Expecting property name"),
    "a list": ("config.json", lambda _: "[]", "expected an object"),
    "deep": ("summary.json", lambda _: "[" * 100_000, "recursion"),
    "no note": ("summary.json", lambda text: text.replace("note", "nota"), "'note'"),
    "accuracy": (
        "summary.json",
        lambda text: re.sub(r'"accuracy": [\d.]+', '"accuracy": 0.99', text, count=1),
        r"train: accuracy is 0.99, but \d+ of 24 clips are right",
    ),
    "interval": (
        "summary.json",
        lambda text: re.sub(r'"interval": \[\s*[\d.]+', '"interval": [0.99', text, count=1),
        r"train: interval is not that of \d+ of 24 clips",
    ),
    "confusion": (
        "summary.json",
        lambda text: re.sub(r'"confusion": \[\s*\[\s*\d+', '"confusion": [[99', text, count=1),
        r"train: confusion is not that of .* of 24 clips",
    ),
    "part": (
        "summary.json",
        lambda text: text.replace('"valid"', '"dev"'),
        "the parts are train, dev, test",
    ),
    "label": (
        "clips.csv",
        lambda text: re.sub(r"(.npy),\d", r"\1,x", text, count=1),
        "line 2: label must be a whole number from 0 to 1, but it is 'x'",
    ),
    "half a label": (
        "clips.csv",
        lambda text: re.sub(r"(.npy),\d", r"\1,0.5", text, count=1),
        "line 2: label must be a whole number",
    ),
    "no validation": (
        "clips.csv",
        lambda text: text.replace("valid", "train"),
        "the parts are test, train",
    ),
    "infinite": (
        "summary.json",
        lambda text: re.sub(r'"clips": \d+', '"clips": Infinity', text, count=1),
        "cannot convert float infinity",
    ),
    "step 0": (
        "history.csv",
        lambda text: text.replace("ste,1", "ste,0", 1),
        "line 2: step must be a whole number from 1",
    ),
    "no stage": ("history.csv", lambda text: text.replace("stage", "page"), "no column stage"),
    "column gone": (
        "clips.csv",
        lambda text: text.replace("logit", "logic"),
        "it has no column logit",
    ),
    "nan": (
        "channels.csv",
        lambda text: re.sub(r"[\d.]+\n", "nan\n", text, count=1),
        "line 2: rate must be from 0 to 1",
    ),
    "empty": ("history.csv", lambda _: "", "No columns to parse"),
    "no rows": ("history.csv", lambda text: text.splitlines()[0] + "\n", "holds no rows"),
    "ragged": ("history.csv", lambda text: text + "1" + ",2" * 40 + "\n", "Error tokenizing data"),
    "sign": ("result.txt", lambda text: "2" + text[1:], "line 1: expected 1 or -1"),
}  # fmt: skip


@pytest.mark.parametrize("edit", EDITS)
def test_a_file_that_was_edited_is_named(edit: str, run: Path) -> None:
    name, change, told = EDITS[edit]
    (run / name).write_text(change((run / name).read_text()))
    with pytest.raises(EvobinError, match=told) as caught:
        write_report([run])
    message = str(caught.value)
    assert message.startswith(f"{run / name}")
    assert "\n" not in message
    assert not (run / "report.html").exists()


def test_a_file_that_is_no_text_is_named(run: Path) -> None:
    (run / "clips.csv").write_bytes(b"file,label\n\xff\xfe,1\n")
    with pytest.raises(EvobinError, match=r"clips.csv: is not as evobin writes it"):
        write_report([run])


def test_answers_and_figures_that_disagree_are_named(run: Path) -> None:
    samples = pd.read_csv(run / "clips.csv")
    samples.iloc[1:].to_csv(run / "clips.csv", index=False)
    with pytest.raises(EvobinError, match=r"clips.csv: has \d+ of 23 training clips right, but"):
        write_report([run])


def test_what_is_no_run_is_named(tmp_path: Path) -> None:
    with pytest.raises(EvobinError, match="none: is no folder; name a run folder"):
        write_report([tmp_path / "none"])
    with pytest.raises(EvobinError, match=r"holds no run; name a folder that has a config\.json"):
        write_report([tmp_path])
    with pytest.raises(EvobinError, match="no run is named; name at least one run folder"):
        write_report([])
    assert list(tmp_path.iterdir()) == []


def test_an_earlier_report_is_replaced_and_nothing_else_is(run: Path, tmp_path: Path) -> None:
    run = without(run, *WRITTEN)
    write_report([run])
    assert write_report([run]).read_text().startswith(MARK)
    before = (run / "config.json").read_bytes()
    with pytest.raises(EvobinError, match=r"config.json: exists and is no report; name another"):
        write_report([run], run / "config.json")
    assert (run / "config.json").read_bytes() == before
    with pytest.raises(EvobinError, match=r"run: cannot be written \(Is a directory\)"):
        write_report([run], run)
    with pytest.raises(
        EvobinError, match=r"page.html: cannot be written .* create its folder first"
    ):
        write_report([run], tmp_path / "none" / "page.html")


def test_a_full_disk_leaves_the_old_page(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = write_report([without(run, *WRITTEN)]).read_bytes()

    def full(_file: int) -> NoReturn:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(EvobinError, match=r"report.html: cannot be written \(No space left"):
        write_report([run])
    assert (run / "report.html").read_bytes() == before


def test_a_polish_shows_the_file_as_it_was(run: Path) -> None:
    summary = json.loads((run / "summary.json").read_text())
    before = summary["parts"]["valid"] | {"use": "the file as it was"}
    (run / "summary.json").write_text(json.dumps(summary | {"before": before}))
    page = page_of(without(run, *WRITTEN[1:]))
    assert page.column("part")[0] == "before"
    assert page.column("use")[0] == "the file as it was"
    assert page.csv["figures.csv"]["part"].tolist() == ["before", "train", "valid", "test"]


def test_several_runs_are_compared(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = without(finished_run(tmp_path / "other", seed=1), "channels.csv", "result.txt")
    monkeypatch.chdir(tmp_path)
    page = page_of(run, other)
    assert (tmp_path / "report.html").exists()
    assert not (run / "report.html").exists()
    assert len(page.ids) == len(set(page.ids))
    figures = page.csv["figures.csv"].set_index(["run", "part"])
    for path in (run, other):
        for part, expected in json.loads((path / "summary.json").read_text())["parts"].items():
            assert figures.loc[(path.name, part), "accuracy"] == expected["accuracy"]
    settings = page.csv["settings.csv"]
    assert settings[["setting", "run", "other"]].to_numpy().tolist() == [["seed", 0, 1]]
    assert {"run1-time.csv", "run2-time.csv"} <= set(page.csv)
    assert "do not have the same clips" not in page.text


def test_runs_on_other_samples_are_compared_with_a_warning(run: Path, tmp_path: Path) -> None:
    other = Path(shutil.copytree(without(run, *WRITTEN[1:]), tmp_path / "b" / "run"))
    config: dict[str, Any] = json.loads((other / "config.json").read_text())
    (other / "config.json").write_text(json.dumps(config | {"clips": "cd34"}))
    page = page_of(run, other, out=tmp_path / "both.html")
    assert "do not have the same clips in the same parts" in page.text
    assert {str(run), str(other)} <= set(page.column("run"))


def test_runs_that_did_not_begin_are_compared_too(run: Path, tmp_path: Path) -> None:
    run = without(run, *WRITTEN)
    page = page_of(run, run, out=tmp_path / "both.html")
    assert "All settings are the same." in page.text
