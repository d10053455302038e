"""Final figures as text: of a run, and of an evaluation."""

from __future__ import annotations

import pandas as pd
from rich.console import Console

from evobin.report.text import (
    CLASSES,
    MISTAKES,
    mistakes,
    percent,
    percents,
    write_line,
    write_table,
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
    samples = evaluation.preset.samples
    _show_confusion(console, evaluation.confusion, evaluation.class_names, samples)
    tables = evaluation.by_columns()
    if evaluation.n_classes > 2:
        names = dict(enumerate(evaluation.class_names))
        tables = {"label": evaluation.by_label.rename(index=names)} | tables
    for name, table in tables.items():
        heads = (name, samples, "right", "accuracy", "95% interval")
        records = table.rename_axis("value").to_records().tolist()  # `name` may be any word
        rows = [
            (value, n, right, percent(accuracy), percents(low, high))
            for value, n, right, accuracy, low, high in records
        ]
        write_table(console, f"by {name}", heads, rows)


def _show_confusion(
    console: Console, confusion: pd.DataFrame, names: list[str], samples: str
) -> None:
    """All of it, or the most common mistakes where that would be too wide."""
    counts = confusion.to_numpy().tolist()
    rows = [(name, *row) for name, row in zip(names, counts, strict=True)]
    if len(names) > CLASSES:
        found = [
            (names[label], names[predicted], n)
            for label, predicted, n in mistakes(counts)[:MISTAKES]
        ]
        write_table(console, "most common mistakes", ("label", "predicted", samples), found)
    elif len(names) == 2:
        heads = ["label", *(f"predicted {name}" for name in names)]
        write_table(console, f"confusion, {samples}", heads, rows)
    else:
        write_table(console, f"{samples} by prediction", ["label", *names], rows)


def show_run(console: Console, run: RunResult) -> None:
    """The final figures of a run, which samples they are from, and where its files are."""
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
    write_line(console, f"model       {run.model}")
    write_line(console, f"result      {run.result}")
