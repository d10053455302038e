from __future__ import annotations

import io
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pandas as pd
import pytest
from rich.console import Console

from evobin.algorithms.base import Progress
from evobin.pipeline import Evaluation, RunResult
from evobin.pipeline.training import USES
from evobin.report import ProgressDisplay, progress, show_evaluation, show_run
from evobin.report.console import show_accuracy
from evobin.report.progress import tell
from evobin.report.text import percent
from tests.builders import TINY, cells
from tests.unit.test_network import random_network


class Screen(Console):
    """A console that remembers."""

    def __init__(self, terminal: bool = False) -> None:
        self.buffer = io.StringIO()
        super().__init__(file=self.buffer, force_terminal=terminal, width=100, highlight=False)

    @property
    def text(self) -> str:
        return self.buffer.getvalue()


def evaluation_of(**more: list[str]) -> Evaluation:
    """Three of four right; label 1 is answered 0 once."""
    table = {"file": list("abcd"), "label": [0, 0, 1, 1], "answer": [0, 0, 1, 0]}
    groups = pd.DataFrame(more) if more else None
    return Evaluation(pd.DataFrame(table | {"logit": [-1, -3, 5, -1]}), groups)


class Clock:
    """Stands for time.monotonic: tests move it."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 0.0
        monkeypatch.setattr(progress, "time", SimpleNamespace(monotonic=lambda: self.now))


def test_without_a_terminal_a_line_comes_every_few_seconds_and_at_both_ends(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock, screen = Clock(monkeypatch), Screen()
    with ProgressDisplay(console=screen) as display:
        for done in range(1, 31):
            clock.now = float(done)
            display(Progress("ste", done, 30, ({"loss": 0.5},)))
    lines = screen.text.splitlines()
    shown = [int(line.split("training ")[1].split("/")[0]) for line in lines]
    assert shown == [1, 6, 11, 16, 21, 26, 30]
    assert lines[0] == "     1 s  straight-through training 1/30  loss 0.500"


def test_each_stage_begins_and_ends_with_a_line(monkeypatch: pytest.MonkeyPatch) -> None:
    Clock(monkeypatch)
    screen = Screen()
    with ProgressDisplay(console=screen) as display:
        for stage in ("data", "ste", "flips", "a new one"):
            for done in range(1, 4):
                display(Progress(stage, done, 3))
    titles = [line.split("s  ")[1].rsplit(" ", 1)[0] for line in screen.text.splitlines()]
    expected = ("data", "straight-through training", "bit flips", "a new one")
    assert titles == [title for title in expected for _ in range(2)]


def test_in_a_terminal_each_stage_has_a_bar() -> None:
    screen = Screen(terminal=True)
    with ProgressDisplay(console=screen) as display:
        display(Progress("ste", 1, 2, ({"loss": 0.25},)))
        display(Progress("ste", 2, 2, ({"loss": 0.125},)))
        display(Progress("flips", 1, 1, ({"tried": 9, "accepted": 4},)))
    assert "straight-through training" in screen.text
    assert "2/2" in screen.text
    assert "loss 0.125" in screen.text
    assert "4 of 9 flips accepted" in screen.text


@pytest.mark.parametrize("terminal", [False, True])
def test_quiet_shows_nothing(terminal: bool) -> None:
    screen = Screen(terminal)
    with ProgressDisplay(quiet=True, console=screen) as display:
        display(Progress("ste", 1, 1, ({"loss": 0.5},)))
    assert screen.text == ""


def test_figures_are_told_in_words() -> None:
    flips, more = {"tried": 20, "accepted": 3}, {"tried": 10, "accepted": 1}
    assert tell([flips, more]) == "4 of 30 flips accepted"
    child = {"move": "mean", "differ": 0.02, "valid_accuracy": 0.9, "best_accuracy": 0.95}
    other = child | {"move": "units", "differ": 0.04, "valid_accuracy": 0.92}
    told = "validation 0.920, best 0.950, mean+units, 3.0% of the weights differ"
    assert tell([child, other]) == told
    assert tell([]) == ""


def test_percentages_have_two_digits() -> None:
    assert (percent(1), percent(0), percent(0.99996)) == ("100.00%", "0.00%", "100.00%")


def test_accuracy_comes_with_interval_number_of_clips_and_speakers() -> None:
    screen = Screen()
    show_accuracy(screen, "test", evaluation_of(speaker=["s", "s", "t", "u"]), "looked at once")
    assert screen.text == (
        "test        75.00%  (95% interval 30.06% to 95.44%; 4 clips of 3 speakers; "
        "looked at once)\n"
    )


def test_an_evaluation_shows_confusion_and_a_table_a_column() -> None:
    screen = Screen()
    show_evaluation(screen, evaluation_of(speaker=list("stuv"), room=["r1", "r1", "r1", "r2"]))
    rows = cells(screen.text)
    assert ["0", "2", "0"] in rows
    assert ["1", "1", "1"] in rows
    assert ["r1", "3", "3", "100.00%", "43.85% to 100.00%"] in rows
    assert ["r2", "1", "0", "0.00%", "0.00% to 79.35%"] in rows
    assert "by room" in screen.text
    assert "by speaker" not in screen.text


@pytest.mark.parametrize("name", ["[/a]", "[red]", "[bold]x[/bold]", "[link=x]"])
def test_values_of_a_column_are_shown_as_they_are(name: str) -> None:
    screen = Screen()
    show_evaluation(screen, evaluation_of(speaker=list("stuv"), room=[name] * 4))
    assert name in [row[0] for row in cells(screen.text)]


@pytest.mark.parametrize("name", ["[/a]", "[red]"])
def test_the_name_of_a_column_is_shown_as_it_is(name: str) -> None:
    screen = Screen()
    show_evaluation(screen, evaluation_of(speaker=list("stuv"), **{name: ["r"] * 4}))
    assert f"by {name}" in screen.text


def run_of(folder: str, start: Any = None, *parts: str) -> RunResult:
    answers = {part: evaluation_of() for part in parts}
    return RunResult(Path(folder), random_network(TINY), "Parted by speaker.", answers, start)


def test_a_run_shows_all_parts_and_where_its_result_is() -> None:
    screen = Screen()
    show_run(screen, run_of("runs/a", evaluation_of(), "train", "valid", "test"), USES)
    lines = screen.text.splitlines()
    assert [line.split()[0] for line in lines] == [
        "Parted", "before", "training", "validation", "test", "run", "result",
    ]  # fmt: skip
    for line, name in zip(lines[1:5], ("before", "train", "valid", "test"), strict=True):
        assert line.endswith(f"{USES[name]})")
    assert lines[-1].split() == ["result", "runs/a/result.txt"]


def test_a_run_without_a_test_part_says_how_to_get_one() -> None:
    screen = Screen()
    show_run(screen, run_of("runs/a", None, "train", "valid"), USES)
    assert "No part was kept aside" in screen.text
    assert "--test-share" in screen.text
    assert "before" not in screen.text


@pytest.mark.parametrize("folder", ["runs/[a]", "runs/[/a]", "x" * 150])
def test_the_paths_of_a_run_are_shown_as_they_are_on_one_line(folder: str) -> None:
    screen = Screen()
    show_run(screen, run_of(folder, None, "valid"), USES)
    assert f"run folder  {folder}" in screen.text.splitlines()
    assert f"result      {folder}/result.txt" in screen.text.splitlines()
