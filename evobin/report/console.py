"""Final figures as text: of a run, and of an evaluation."""

from __future__ import annotations

import pandas as pd
from rich.console import Console

from evobin.report.text import (
    CLASSES,
    MISTAKES,
    PARTS,
    mistakes,
    percent,
    percents,
    write_line,
    write_table,
    write_words,
)
from evobin.results.evaluation import Evaluation
from evobin.results.run import RunResult


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


def told(run: RunResult) -> str:
    """What to expect of the network, in a sentence or two."""
    if run.is_kept:
        return "No training was found that is as good on samples held out: the file is as it was."
    held, preset = run.parts["valid"], run.parts["valid"].preset
    low, high = held.interval
    known = held.n_groups is not None
    who = f"new {preset.groups}" if known else f"new {preset.samples}"
    n = f"{held.n_groups:,} {preset.groups}" if known else f"{held.n:,} {preset.samples}"
    words = f"On {who}, expect {percent(held.accuracy)} ({percents(low, high)}), by {n}"
    if not run.refit:
        return f"{words} that the network was not trained on."
    by = f"in {run.folds} folds" if run.folds > 1 else "held out"
    return f"{words} {by}. The network itself was then trained on all of them."


def show_run(console: Console, run: RunResult) -> None:
    """The final figures of a run, which samples they are from, and where its files are."""
    write_words(console, run.note)
    uses = run.uses
    if run.start is not None:
        show_accuracy(console, "before", run.start, uses["before"])
    for part, evaluation in run.parts.items():
        show_accuracy(console, PARTS[part], evaluation, uses[part])
    write_words(console, told(run))
    write_line(console, f"run folder  {run.folder}")
    if run.report is not None:
        write_line(console, f"report      {run.report}")
    write_line(console, f"model       {run.model}")
    write_line(console, f"result      {run.result}")
