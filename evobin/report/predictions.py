"""What a report says of a network's predictions: how sure they are, and which are wrong."""

from __future__ import annotations

import pandas as pd

from evobin.report import plots, tables
from evobin.report.blocks import Csv, Grid, Plot, Section, Shape
from evobin.report.reading import PARTS, Run
from evobin.report.text import CLASSES, MISTAKES, mistakes, percent


def absent(run: Run, what: str) -> str:
    """Why something is not on the page."""
    if run.figures:
        return f"{what} is not in the run folder: another evobin wrote it, or it was removed."
    return (
        f"The run is not finished: {what} is written at its end, and `evobin resume {run.path}` "
        "goes on."
    )


def share(some: int, of: int) -> str:
    """A share as a percentage."""
    return percent(some / of) if of else "none"


def predictions(run: Run, prefix: str) -> Section:
    """Logits or margins, accuracy by label, confusion, and the samples nearest the border."""
    anchor, title = f"{prefix}predictions", "Predictions"
    if run.samples is None:
        return Section(anchor, title, [absent(run, "clips.csv")])
    draw = _logits if run.architecture.n_logits == 1 else _margins
    blocks: list[Plot | Grid] = [*draw(run, run.samples, prefix)]
    if run.figures:
        many = run.architecture.n_classes > CLASSES
        blocks.append((_mistakes if many else _confusion)(run, prefix))
    return Section(anchor, title, [], [*blocks, *_nearest(run, run.samples, prefix)])


def _nearest(run: Run, samples: pd.DataFrame, prefix: str) -> list[Grid]:
    columns = [*tables.sample_columns(run)[:4], *tables.group_columns(run)[:1]]
    heads = {name: name for name in columns} | {"answer": "predicted"}
    heads |= {"speaker": run.preset.group} if "speaker" in columns else {}
    reading = "What the network is least sure of; where label and prediction differ, it is wrong."
    blocks = []
    nearest = tables.nearest_border(samples, columns[3])
    for part, found in nearest.groupby("part", sort=False):
        csv = Csv(f"{prefix}nearest-{part}", found)
        rows = list(found[columns].itertuples(index=False))
        title = f"{run.preset.samples.capitalize()} nearest the border: {PARTS[str(part)]}"
        blocks.append(Grid(title, reading, heads, rows, csv))
    return blocks


def _logits(run: Run, samples: pd.DataFrame, prefix: str) -> list[Plot]:
    """Of two classes."""
    reading = (
        f"Shares of the {run.preset.samples} of each label. What lies on the wrong side of the "
        "line at 0 is predicted wrong, and what lies near it is unsure."
    )
    csv = Csv(f"{prefix}logits", tables.histogram(samples, "logit", ["part", "label"]))
    meaning = "logit [units]: above 0 the prediction is 1"
    svg = plots.logits(csv.name, csv.table, meaning, run.preset.samples)
    return [Plot("Logit by label", reading, svg, csv)]


def _margins(run: Run, samples: pd.DataFrame, prefix: str) -> list[Plot]:
    """Of more than two classes."""
    reading = (
        f"Shares of the {run.preset.samples} by the logit of their label less the largest other. "
        "What lies left of the line at 0 is predicted wrong, and what lies near it is unsure."
    )
    csv = Csv(f"{prefix}margins", tables.histogram(samples, "margin", ["part"]))
    meaning = "margin [units]: below 0 the prediction is wrong"
    svg = plots.logits(csv.name, csv.table, meaning, run.preset.samples)
    margins = Plot("Margin", reading, svg, csv)
    reading = "Which labels are hard: the lowest first, with 95% intervals (Wilson)."
    csv = Csv(f"{prefix}labels", tables.accuracy_by(samples, "label"))
    svg = plots.accuracies(csv.name, csv.table, "label")
    return [margins, Plot("By label", reading, svg, csv)]


def _confusion(run: Run, prefix: str) -> Grid:
    table = tables.confusion(run)
    rows = [
        (PARTS[name], label, *counts, share(counts[label], sum(counts)))
        for name, part in run.figures.items()
        for label, counts in enumerate(part.confusion)
    ]
    heads = {
        key: key.replace("answered_", "predicted ").replace("_", " ") for key in map(str, table)
    }
    reading = (
        f"{run.preset.samples.capitalize()} by label and predicted label: whether one label is "
        "taken for the other more often."
    )
    csv = Csv(f"{prefix}confusion", table)
    shape: Shape = "narrow" if run.architecture.n_classes == 2 else "wide"
    return Grid("Confusion", reading, heads, rows, csv, shape)


def _mistakes(run: Run, prefix: str) -> Grid:
    unseen = {name: run.figures[name] for name in tables.UNSEEN if name in run.figures}
    rows = [
        (PARTS[name], *mistake)
        for name, part in unseen.items()
        for mistake in mistakes(part.confusion)[:MISTAKES]
    ]
    names = {"part": "part", "label": "label", "answer": "predicted"}
    heads = names | {"clips": run.preset.samples}
    reading = f"Which labels are taken for which others: the {MISTAKES} most common mistakes."
    csv = Csv(f"{prefix}confusion", tables.confusion(run))
    return Grid("Mistakes", reading, heads, rows, csv)
