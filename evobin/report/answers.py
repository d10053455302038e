"""What a report says of a network's answers: how sure they are, and which are wrong."""

from __future__ import annotations

from evobin.network.architecture import SPEAKER_SEX
from evobin.report import plots, tables
from evobin.report.blocks import Csv, Grid, Plot, Section
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


def kind_of(run: Run) -> str:
    """What the column "speaker" of a groups file tells apart."""
    return "speaker" if run.architecture == SPEAKER_SEX else "group"


def share(some: int, of: int) -> str:
    """A share as a percentage."""
    return percent(some / of) if of else "none"


def answers(run: Run, prefix: str) -> Section:
    """Logits or margins, accuracy by label, confusion, and the clips nearest the border."""
    anchor, title = f"{prefix}answers", "Answers"
    if run.clips is None:
        return Section(anchor, title, [absent(run, "clips.csv")])
    blocks: list[Plot | Grid] = [
        *(_logits if run.architecture.n_logits == 1 else _margins)(run, prefix)
    ]
    if run.figures:
        many = run.architecture.n_classes > CLASSES
        blocks.append((_mistakes if many else _confusion)(run, prefix))
    columns = [*tables.clip_columns(run)[:4], *tables.group_columns(run)[:1]]
    reading = "What the network is least sure of; where label and answer differ, it is wrong."
    nearest = tables.nearest_border(run.clips, columns[3])
    for part, clips in nearest.groupby("part", sort=False):
        csv = Csv.of(f"{prefix}nearest-{part}", clips)
        rows = [tuple(map(str, row)) for row in clips[columns].to_numpy(object)]
        told = f"Clips nearest the border: {PARTS[str(part)]}"
        heads = [kind_of(run) if name == "speaker" else name for name in columns]
        blocks.append(Grid(told, reading, heads, columns, rows, csv))
    return Section(anchor, title, [], blocks)


def _logits(run: Run, prefix: str) -> list[Plot]:
    assert run.clips is not None
    histogram = tables.histogram(run.clips, "logit", ["part", "label"])
    reading = (
        "Shares of the clips of each label. What lies on the wrong side of the line at 0 is "
        "answered wrong, and what lies near it is unsure."
    )
    told = "logit [units]: above 0 the answer is 1"
    svg = plots.logits(f"{prefix}logits", histogram, told)
    return [Plot("Logit by label", reading, svg, Csv.of(f"{prefix}logits", histogram))]


def _margins(run: Run, prefix: str) -> list[Plot]:
    """Of more than two classes."""
    assert run.clips is not None
    histogram = tables.histogram(run.clips, "margin", ["part"])
    reading = (
        "Shares of the clips by the logit of their label less the largest other. What lies left of "
        "the line at 0 is answered wrong, and what lies near it is unsure."
    )
    told = "margin [units]: below 0 the answer is wrong"
    svg = plots.logits(f"{prefix}margins", histogram, told)
    margins = Plot("Margin", reading, svg, Csv.of(f"{prefix}margins", histogram))
    table = tables.accuracy_by(run.clips, "label")
    reading = "Which labels are hard: the lowest first, with 95% intervals (Wilson)."
    svg = plots.accuracies(f"{prefix}labels", table, "label")
    return [margins, Plot("By label", reading, svg, Csv.of(f"{prefix}labels", table))]


def _confusion(run: Run, prefix: str) -> Grid:
    table = tables.confusion(run)
    rows = [
        (PARTS[name], str(label), *map(str, counts), share(counts[label], sum(counts)))
        for name, part in run.figures.items()
        for label, counts in enumerate(part.confusion)
    ]
    answered = [f"answered {label}" for label in range(run.architecture.n_classes)]
    heads = ("part", "label", *answered, "share right")
    keys = tuple(table.columns)
    reading = "Clips by label and answer: whether one label is taken for the other more often."
    csv = Csv.of(f"{prefix}confusion", table)
    if len(answered) == 2:
        return Grid("Confusion", reading, heads, keys, rows, csv)
    return Grid("Confusion", reading, heads, keys, rows, csv, "wide")


def _mistakes(run: Run, prefix: str) -> Grid:
    unseen = {name: run.figures[name] for name in tables.UNSEEN if name in run.figures}
    rows = [
        (PARTS[name], *map(str, mistake))
        for name, part in unseen.items()
        for mistake in mistakes(part.confusion)[:MISTAKES]
    ]
    heads = ("part", "label", "answer", "clips")
    reading = f"Which labels are taken for which others: the {MISTAKES} most common mistakes."
    csv = Csv.of(f"{prefix}confusion", tables.confusion(run))
    return Grid("Mistakes", reading, heads, heads, rows, csv)
