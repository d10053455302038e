from __future__ import annotations

import io
import json
import math
import re
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NoReturn

import numpy as np
import pandas as pd
import pytest
from rich.console import Console

from evobin.core.stage import Progress
from evobin.network.presets import ANY_NETWORK, VOICES
from evobin.report import JsonLines, ProgressDisplay, pace, show_evaluation, show_run
from evobin.report.console import show_accuracy
from evobin.report.machine import to_json
from evobin.report.progress import step_in_words
from evobin.report.text import percent
from evobin.results.evaluation import Evaluation
from evobin.results.run import USES, RunResult
from tests.builders import TINY, cells
from tests.unit.network.test_binary import random_network


class Screen(Console):
    """A console that remembers."""

    def __init__(self, terminal: bool = False, width: int = 100) -> None:
        self.buffer = io.StringIO()
        super().__init__(
            file=self.buffer,
            force_terminal=terminal,
            width=width,
            highlight=False,
            _environ={"TERM": "xterm"},
        )

    @property
    def text(self) -> str:
        return self.buffer.getvalue()


def evaluation_of(**more: list[str]) -> Evaluation:
    """The built-in network's: three of four right; label 1 is predicted as 0 once."""
    table = {"file": list("abcd"), "label": [0, 0, 1, 1], "answer": [0, 0, 1, 0]}
    groups = pd.DataFrame(more) if more else None
    return Evaluation(pd.DataFrame(table | {"logit": [-1, -3, 5, -1]}), groups, VOICES)


class Clock:
    """Stands for time.monotonic: tests move it."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 0.0
        monkeypatch.setattr(pace, "time", SimpleNamespace(monotonic=lambda: self.now))


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
    assert lines[0] == "     1 s  straight-through training 1/30, 29 s left  loss 0.500"
    assert lines[-1] == "    30 s  straight-through training 30/30  loss 0.500"


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


@pytest.mark.parametrize("terminal", [False, True])
def test_the_note_of_a_stage_stands_after_the_stage_before(
    terminal: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    Clock(monkeypatch)
    screen = Screen(terminal)
    with ProgressDisplay(console=screen) as display:
        display(Progress("ste", 3, 3))
        display(Progress("flips", 0, 4, notes={"note": "No flips: why."}))
    kept = re.sub(r"\x1b\[[^A-Za-z]*[A-Za-z]", "", screen.text)
    assert kept.index("0 s  straight-through") < kept.index("No flips") < kept.rindex("bit flips")


def test_the_time_left_is_that_of_the_median_step_and_passes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock, watch = Clock(monkeypatch), pace.Pace()
    watch.update(Progress("ste", 0, 10))
    assert watch.left is None  # no step is done yet
    for done, clock.now in ((1, 60.0), (2, 62.0), (3, 64.0)):
        watch.update(Progress("ste", done, 10, ({"loss": 0.5},)))
    assert watch.left == 14.0
    clock.now = 65.0
    assert watch.left == 13.0
    assert (watch.at_last_step, watch.elapsed) == (64.0, 65.0)
    clock.now = 1000.0
    assert watch.left == 0.0
    watch.update(Progress("flips", 0, 4))
    assert watch.left is None


def test_the_time_left_follows_where_steps_become_shorter(monkeypatch: pytest.MonkeyPatch) -> None:
    clock, watch = Clock(monkeypatch), pace.Pace()
    for done in range(1, 11):  # the smooth epochs of a training
        clock.now += 8.0
        watch.update(Progress("ste", done, 40, ({"loss": 0.5},)))
    assert watch.left == 240.0
    for done in range(11, 15):
        clock.now += 5.0
        watch.update(Progress("ste", done, 40, ({"loss": 0.5},)))
    assert watch.left == 130.0


def test_flips_a_second_are_those_of_the_last_step(monkeypatch: pytest.MonkeyPatch) -> None:
    clock, watch = Clock(monkeypatch), pace.Pace()
    clock.now = 2.0
    watch.update(Progress("flips", 1, 4, ({"tried": 200}, {"tried": 100})))
    assert watch.flips == 150.0
    watch.update(Progress("ste", 1, 4, ({"loss": 0.5},)))
    assert watch.flips is None


SIZES = {"train": 1200, "valid": 156, "test": 408}
STEPS = [
    Progress("data", 1, 1, notes={"sizes": SIZES, "unit": "clips"}),
    Progress("ste", 0, 2),
    Progress("ste", 2, 2, ({"loss": 0.125, "selection_accuracy": 0.9, "best_accuracy": 0.91},)),
    Progress("flips", 0, 3),
    Progress("flips", 1, 3, ({"tried": 400, "accepted": 4, "best_accuracy": 0.92},)),
]


@pytest.mark.parametrize("width", [60, 80, 200])
def test_in_a_terminal_no_line_is_wider_than_it_and_the_best_accuracy_is_always_seen(
    width: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock, screen = Clock(monkeypatch), Screen(terminal=True, width=width)
    seen = []
    with ProgressDisplay(console=screen) as display:
        for clock.now, step in enumerate(STEPS, 1):
            display(step)
            plain = Screen(width=width)
            plain.print(display._render())
            seen.append(plain.text.splitlines())
    assert all(len(line) <= width for lines in seen for line in lines)
    assert all(len(lines) == 2 for lines in seen)
    assert "best score 0.910" in seen[3][1]
    assert "best score 0.920, 400 flips/s" in seen[4][1]
    assert "1/3" in seen[4][0]
    assert "2 s left" in seen[4][0]


def test_in_a_terminal_a_line_of_each_stage_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    clock, screen = Clock(monkeypatch), Screen(terminal=True, width=60)
    with ProgressDisplay(console=screen) as display:
        for clock.now, step in enumerate(STEPS, 1):
            display(step)
    stays = [line for line in screen.text.splitlines() if re.search(r"\d s  [a-z]", line)]
    assert [re.sub(r"\x1b\[[?0-9;]*[A-Za-z]|\r", "", line).strip() for line in stays] == [
        "1 s  data  train 1200, valid 156, test 408 clips",
        "3 s  straight-through training  best score 0.910",
        "5 s  bit flips  best score 0.920",
    ]


def test_a_dumb_terminal_gets_plain_lines() -> None:
    screen = Screen(terminal=True)
    screen._environ = {"TERM": "dumb"}
    with ProgressDisplay(console=screen) as display:
        display(Progress("ste", 2, 2, ({"loss": 0.125},)))
    assert screen.text == "     0 s  straight-through training 2/2  loss 0.125\n"


@pytest.mark.parametrize("terminal", [False, True])
def test_quiet_shows_nothing(terminal: bool) -> None:
    screen = Screen(terminal)
    with ProgressDisplay(quiet=True, console=screen) as display:
        display(Progress("ste", 1, 1, ({"loss": 0.5},)))
    assert screen.text == ""


def test_figures_are_told_in_words() -> None:
    flips, more = {"tried": 20, "accepted": 3}, {"tried": 10, "accepted": 1}
    assert step_in_words([flips, more], pace.Pace(flips=41.4)) == "41 flips/s, 4 of 30 accepted"
    child = {"move": "mean", "differ": 0.02, "selection_accuracy": 0.9}
    other = child | {"move": "units", "differ": 0.04, "selection_accuracy": 0.92}
    told = "best score 0.950, now 0.920, mean+units, 3.0% of the weights differ"
    assert step_in_words([child, other], pace.Pace(best=0.95)) == told
    assert step_in_words([], pace.Pace()) == ""
    assert step_in_words([], pace.Pace(best=0.95)) == "best score 0.950"


def json_lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_a_program_reads_one_object_a_step_and_one_at_the_end(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    clock, lost = Clock(monkeypatch), list[OSError]()
    lines = JsonLines(lost.append)
    for clock.now, step in enumerate(STEPS, 1):
        lines(step)
    lines.end(run_of("runs/a", evaluation_of(), "train", "valid"))
    *steps, done = json_lines(capsys)
    assert steps[0] == {
        "stage": "data", "step": 1, "steps": 1, "elapsed": 1.0, "left": None,
        "best_accuracy": None, "flips_per_second": None, "rows": [],
        "sizes": SIZES, "unit": "clips",
    }  # fmt: skip
    assert steps[-1] == {
        "stage": "flips", "step": 1, "steps": 3, "elapsed": 5.0, "left": 2.0,
        "best_accuracy": 0.92, "flips_per_second": 400.0, "rows": list(STEPS[-1].rows),
    }  # fmt: skip
    assert done["stage"] == "done"
    assert done["result"] == "runs/a/result.txt"
    assert done["parts"]["valid"]["accuracy"] == done["before"]["accuracy"] == 0.75
    assert done["parts"]["valid"]["use"] == "answered by a network that was trained without them"
    assert not lost


def test_numbers_that_json_does_not_have_become_null() -> None:
    value = {"a": [np.float32("nan"), np.int64(3), 0.5, math.inf], "b": None, "c": (True, "x")}
    assert json.loads(to_json(value)) == {"a": [None, 3, 0.5, None], "b": None, "c": [True, "x"]}


def test_what_json_has_no_notation_for_is_refused() -> None:
    with pytest.raises(TypeError, match="JSON has no notation for a PosixPath"):
        to_json({"folder": Path("a")})


def test_a_step_that_nobody_reads_is_told_and_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_arguments: Any, **_more: Any) -> NoReturn:
        raise BrokenPipeError

    lost: list[OSError] = []
    monkeypatch.setattr("builtins.print", refuse)
    JsonLines(lost.append)(STEPS[0])
    assert len(lost) == 1


def test_percentages_have_two_digits() -> None:
    assert (percent(1), percent(0), percent(0.99996)) == ("100.00%", "0.00%", "100.00%")


def test_accuracy_comes_with_interval_number_of_samples_and_speakers() -> None:
    screen = Screen()
    show_accuracy(screen, "test", evaluation_of(speaker=["s", "s", "t", "u"]), "looked at once")
    assert screen.text == (
        "test        75.00%  (95% interval 6.23% to 99.27%; 4 clips of 3 speakers; "
        "looked at once)\n"
    )


def test_samples_of_any_other_network_are_no_samples_of_speakers() -> None:
    screen, known = Screen(), evaluation_of(speaker=["s", "s", "t", "u"])
    show_evaluation(screen, replace(known, preset=ANY_NETWORK))
    assert "4 samples of 3 groups" in screen.text
    assert not {"clip", "clips", "speaker", "speakers"} & set(re.findall(r"\w+", screen.text))


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
    evaluations = {part: evaluation_of() for part in parts}
    return RunResult(Path(folder), random_network(TINY), "Split by speaker.", evaluations, start)


def test_a_run_shows_all_parts_and_where_its_result_is() -> None:
    screen = Screen()
    show_run(screen, run_of("runs/a", evaluation_of(), "train", "valid", "test"))
    lines = screen.text.splitlines()
    assert [line.split()[0] for line in lines] == [
        "Split", "before", "training", "held", "test", "On", "run", "model", "result",
    ]  # fmt: skip
    for line, name in zip(lines[1:5], ("before", "train", "valid", "test"), strict=True):
        use = "answered by a network that was trained without them"
        assert line.endswith(f"{use if name == 'valid' else USES[name]})")
    assert lines[-1].split() == ["result", "runs/a/result.txt"]


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"folds": 5}, "4 clips in 5 folds. The network itself was then trained on all of them."),
        ({}, "4 clips held out. The network itself was then trained on all of them."),
        ({"refit": False}, "4 clips that the network was not trained on."),
    ],
)
def test_a_run_says_what_to_expect_and_by_what(settings: dict[str, Any], said: str) -> None:
    screen = Screen()
    show_run(screen, replace(run_of("runs/a", None, "train", "valid"), **settings))
    assert f"On new clips, expect 75.00% (30.06% to 95.44%), by {said}" in screen.text
    assert "before" not in screen.text


def test_a_file_that_nothing_was_better_than_is_said_to_be_as_it_was() -> None:
    screen = Screen()
    kept = replace(run_of("runs/a", evaluation_of(), "train", "valid"), is_kept=True)
    show_run(screen, kept)
    assert "No training was found that is as good" in screen.text
    assert "trained on all" not in screen.text
    assert "answered by" not in screen.text


def test_in_a_terminal_figures_are_wrapped_between_words() -> None:
    screen = Screen(terminal=True, width=60)
    show_run(screen, run_of("runs/a", None, "train", "valid"))
    lines = screen.text.splitlines()
    assert all(len(line) <= 60 for line in lines)
    assert "held out    75.00%  (95% interval 30.06% to 95.44%; 4 clips;" in lines


@pytest.mark.parametrize("folder", ["runs/[a]", "runs/[/a]", "x" * 150])
def test_the_paths_of_a_run_are_shown_as_they_are_on_one_line(folder: str) -> None:
    screen = Screen()
    show_run(screen, run_of(folder, None, "valid"))
    assert f"run folder  {folder}" in screen.text.splitlines()
    assert f"result      {folder}/result.txt" in screen.text.splitlines()
