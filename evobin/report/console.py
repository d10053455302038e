"""Final figures as text: of a run, and of an evaluation."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd
from rich.console import Console
from rich.table import Column, Table
from rich.text import Text

from evobin.report.text import (
    CLASSES,
    MISTAKES,
    mistakes,
    percent,
    percents,
    write_line,
    write_words,
)


def show_accuracy(console: Console, name: str, evaluation: Any, use: str = "") -> None:
    """One line: accuracy, its interval, and on how many clips of whom."""
    whom = f"{evaluation.n} clips"
    if evaluation.n_speakers is not None:
        whom += f" of {evaluation.n_speakers} {evaluation.kind}"
    tail = f"; {use}" if use else ""
    write_words(
        console,
        f"{name:11} {percent(evaluation.accuracy)}  (95% interval "
        f"{percents(*evaluation.interval)}; {whom}{tail})",
    )


def show_evaluation(console: Console, evaluation: Any) -> None:
    """Accuracy, confusion, and accuracy by label and further columns of the groups file."""
    show_accuracy(console, "accuracy", evaluation)
    confusion = evaluation.confusion
    if evaluation.n_classes > CLASSES:
        console.print(_mistakes(confusion))
    else:
        console.print(_confusion(confusion))
    if evaluation.n_classes > 2:
        console.print(_by_table("label", evaluation.by_label))
    for name, rows in evaluation.by_columns().items():
        console.print(_by_table(name, rows))


def _confusion(confusion: pd.DataFrame) -> Table:
    answered = "answered " if len(confusion) == 2 else ""
    title = "confusion, clips" if len(confusion) == 2 else "clips by answer"
    table = Table("label", *(f"{answered}{answer}" for answer in confusion), title=title)
    for label, counts in confusion.iterrows():
        table.add_row(str(label), *map(str, counts))
    return table


def _mistakes(confusion: pd.DataFrame) -> Table:
    """The most common mistakes, where the whole table would be too wide."""
    table = Table("label", "answer", "clips", title="most common mistakes")
    for mistake in mistakes(confusion.to_numpy().tolist())[:MISTAKES]:
        table.add_row(*map(str, mistake))
    return table


def _by_table(name: str, rows: pd.DataFrame) -> Table:
    heads = ("clips", "right", "accuracy", "95% interval")
    table = Table(Column(Text(name)), *heads, title=Text(f"by {name}"))
    for value, row in rows.iterrows():
        interval = percents(row["low"], row["high"])
        counts = str(int(row["clips"])), str(int(row["right"]))
        table.add_row(Text(str(value)), *counts, percent(row["accuracy"]), interval)
    return table


def show_run(console: Console, run: Any, uses: Mapping[str, str]) -> None:
    """The final figures of a run, which clips they are from, and where its result file is."""
    write_words(console, run.note)
    if run.start is not None:
        show_accuracy(console, "before", run.start, uses["before"])
    names = {"train": "training", "valid": "validation", "test": "test"}
    for part, evaluation in run.parts.items():
        show_accuracy(console, names[part], evaluation, uses[part])
    if "test" not in run.parts:
        write_words(
            console,
            "No part was kept aside: for a figure that no stage looked at, name one with --test "
            "or hold one out with --test-share.",
        )
    write_line(console, f"run folder  {run.folder}")
    if run.report is not None:
        write_line(console, f"report      {run.report}")
    write_line(console, f"result      {run.result}")
