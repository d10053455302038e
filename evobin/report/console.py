"""Final figures as text: of a run, and of an evaluation."""

from __future__ import annotations

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
from evobin.results.evaluation import Evaluation
from evobin.results.run import USES, RunResult


def show_accuracy(console: Console, name: str, evaluation: Evaluation, use: str = "") -> None:
    """One line: accuracy, its interval, and on how many samples of how many groups."""
    preset = evaluation.preset
    whom = f"{evaluation.n} {preset.samples}"
    if evaluation.n_groups is not None:
        whom += f" of {evaluation.n_groups} {preset.groups}"
    tail = f"; {use}" if use else ""
    write_words(
        console,
        f"{name:11} {percent(evaluation.accuracy)}  (95% interval "
        f"{percents(*evaluation.interval)}; {whom}{tail})",
    )


def show_evaluation(console: Console, evaluation: Evaluation) -> None:
    """Accuracy, confusion, and accuracy by label and further columns of the groups file."""
    show_accuracy(console, "accuracy", evaluation)
    confusion, samples = evaluation.confusion, evaluation.preset.samples
    if evaluation.n_classes > CLASSES:
        console.print(_mistakes(confusion, samples))
    else:
        console.print(_confusion(confusion, samples))
    if evaluation.n_classes > 2:
        console.print(_by_table("label", evaluation.by_label, samples))
    for name, rows in evaluation.by_columns().items():
        console.print(_by_table(name, rows, samples))


def _confusion(confusion: pd.DataFrame, samples: str) -> Table:
    predicted = "predicted " if len(confusion) == 2 else ""
    title = f"confusion, {samples}" if len(confusion) == 2 else f"{samples} by prediction"
    table = Table("label", *(f"{predicted}{label}" for label in confusion), title=title)
    for label, counts in confusion.iterrows():
        table.add_row(str(label), *map(str, counts))
    return table


def _mistakes(confusion: pd.DataFrame, samples: str) -> Table:
    """The most common mistakes, where the whole table would be too wide."""
    table = Table("label", "predicted", samples, title="most common mistakes")
    for mistake in mistakes(confusion.to_numpy().tolist())[:MISTAKES]:
        table.add_row(*map(str, mistake))
    return table


def _by_table(name: str, rows: pd.DataFrame, samples: str) -> Table:
    heads = (samples, "right", "accuracy", "95% interval")
    table = Table(Column(Text(name)), *heads, title=Text(f"by {name}"))
    for value, row in rows.iterrows():
        interval = percents(row["low"], row["high"])
        counts = str(int(row["clips"])), str(int(row["right"]))
        table.add_row(Text(str(value)), *counts, percent(row["accuracy"]), interval)
    return table


def show_run(console: Console, run: RunResult) -> None:
    """The final figures of a run, which samples they are from, and where its result file is."""
    write_words(console, run.note)
    if run.start is not None:
        show_accuracy(console, "before", run.start, USES["before"])
    names = {"train": "training", "valid": "validation", "test": "test"}
    for part, evaluation in run.parts.items():
        show_accuracy(console, names[part], evaluation, USES[part])
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
