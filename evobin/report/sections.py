"""What a report says of one run: plots, tables, and words for what is not there."""

from __future__ import annotations

import pandas as pd

from evobin.network.analysis.firing import AFTER_MAX
from evobin.network.architecture import Architecture
from evobin.report import plots, tables
from evobin.report.blocks import Csv, Grid, Plot, Section, Shape
from evobin.report.progress import TITLES
from evobin.report.reading import Run
from evobin.report.text import CLASSES, MISTAKES, PARTS, duration, mistakes, percent, percents

GROUPS = 12  # group columns that are plotted


def sections_of(run: Run, prefix: str = "") -> list[Section]:
    """All that there is to say of one run; `prefix` makes its names unique on the page."""
    return [
        _what_was_run(run, prefix),
        _figures(run, prefix),
        _course(run, prefix),
        _predictions(run, prefix),
        _groups(run, prefix),
        _inside(run, prefix),
        _settings(run, prefix),
    ]


def _what_was_run(run: Run, prefix: str) -> Section:
    config = run.config
    facts = {
        "command": f"evobin {config.get('command', '')}",
        run.preset.samples: config.get("data") or "synthesised voices",
    }
    if run.preset.architecture is None:
        facts["network"] = _shape(run.architecture)
    if run.note:
        facts["parts"] = run.note
    facts["seed"] = str(config.get("seed"))
    if run.history is not None:
        stages = run.history.groupby("stage", sort=False)["step"].max()
        steps = [f"{TITLES.get(str(stage), stage)} {n:.0f}" for stage, n in stages.items()]
        facts["steps done"] = ", ".join(steps)
        facts["time"] = duration(run.history["elapsed"].iloc[-1])
    facts["folder"] = str(run.path)
    heads = {"name": "name", "value": "value"}
    grid = Grid("", "", heads, list(facts.items()), shape="pairs")
    return Section(f"{prefix}run", "What was run", [], [grid])


def _shape(architecture: Architecture) -> str:
    layers = [f"{layer.name} {'x'.join(map(str, layer.shape))}" for layer in architecture.layers]
    weights = f"{architecture.n_weights:,} weights and biases"
    return f"{', '.join(layers)}; {weights}; {architecture.n_classes} classes"


def _figures(run: Run, prefix: str) -> Section:
    if not run.figures:
        return Section(f"{prefix}figures", "Final figures", [_absent(run, "summary.json")])
    named = {PARTS[name]: part for name, part in run.figures.items()}
    if run.before is not None:
        named = {"before": run.before} | named
    rows = [
        (name, percent(part.accuracy), percents(part.low, part.high), part.right, part.clips,
         "unknown" if part.speakers is None else part.speakers, f"{part.margin:.2f}", part.use)
        for name, part in named.items()
    ]  # fmt: skip
    preset = run.preset
    heads = {
        "part": "part",
        "accuracy": "accuracy",
        "interval": "95% interval",
        "right": "right",
        "clips": preset.samples,
        "speakers": preset.groups,
        "margin": "mean margin",
        "use": "use",
    }
    reading = (
        f"The interval (Wilson) is by {preset.groups} where these are known; else it takes "
        f"{preset.samples} as independent, and is too narrow where several of one {preset.group} "
        "are not. The margin is "
    )
    reading += (
        "the logit in the direction of the label."
        if run.architecture.n_classes == 2
        else "the logit of the label less the largest other."
    )
    csv = Csv(f"{prefix}figures", tables.figures(run))
    grid = Grid("Accuracy", reading, heads, rows, csv, "wide")
    text = []
    if "test" not in run.figures:
        text.append(
            "No part was kept aside, so there is no figure that nothing looked at; name one with "
            "--test or hold one out with --test-share."
        )
    return Section(f"{prefix}figures", "Final figures", text, [grid])


def _course(run: Run, prefix: str) -> Section:
    anchor, title = f"{prefix}course", "How it went"
    if run.history is None:
        return Section(anchor, title, ["There is no history.csv yet: no step was done."])
    points, best = tables.scores_over_time(run.history), tables.best_over_time(run.history)
    reading = (
        f"The share right of the {run.preset.samples} that folds hold out, each by a network that "
        "was trained without it. Thin lines are single folds, the thick one is all of them, and a "
        "new background is a new stage. Where a training begins with real weights, a line shows "
        "the score of their signs. The lowest tenth of the points is left out."
    )
    if len(points) < len(run.history):
        reading += f" Of {len(run.history):,} points, {len(points):,} are drawn."
    csv = Csv(f"{prefix}time", points.merge(best, on=["stage", "step", "seconds"], how="left"))
    svg = plots.over_time(f"{prefix}time", points, best, run.preset.samples)
    time = Plot("Score over time", reading, svg, csv)
    flips, diversity = _flips(run.history, prefix), _diversity(run.history, prefix)
    text = [] if flips else ["No flip was tried."]
    text += [] if diversity else ["No round of population refinement was done."]
    return Section(anchor, title, text, [time, *diversity, *flips])


def _flips(history: pd.DataFrame, prefix: str) -> list[Plot | Grid]:
    table = tables.flips_by_layer(history)
    blocks: list[Plot | Grid] = []
    for stage, rows in table.groupby("stage", sort=False):
        name = f"{prefix}flips-{stage}"
        title = TITLES.get(str(stage), str(stage))
        reading = "Of all islands. Where the bars shrink, little is left to gain by single flips."
        svg = plots.flips(name, rows)
        blocks.append(Plot(f"Accepted flips by layer: {title}", reading, svg, Csv(name, rows)))
        sums = rows.groupby("layer", sort=False)[["tried", "accepted"]].sum()
        counts = [
            (layer, f"{tried:,}", f"{accepted:,}", _share(accepted, tried))
            for layer, tried, accepted in sums.to_records().tolist()
        ]
        heads = {name: name for name in ("layer", "tried", "accepted", "share")}
        reading = "Where flips pay: a high share means that the layer is not at its optimum."
        csv = Csv(f"{name}-all", sums.reset_index())
        blocks.append(Grid(f"All flips: {title}", reading, heads, counts, csv))
    return blocks


def _diversity(history: pd.DataFrame, prefix: str) -> list[Plot]:
    table = tables.diversity(history)
    if table.empty:
        return []
    reading = (
        "Mean share of the weights in which two members of an island differ, mean of all islands. "
        "Near 0 the members are copies and recombining them finds nothing new; 50% is chance."
    )
    name = f"{prefix}diversity"
    svg = plots.diversity(name, table)
    return [Plot("Diversity of the population", reading, svg, Csv(name, table))]


def _groups(run: Run, prefix: str) -> Section:
    anchor, title = f"{prefix}groups", "Accuracy by group"
    if run.samples is None:
        return Section(anchor, title, [_absent(run, "clips.csv")])
    columns, preset = tables.group_columns(run), run.preset
    if not columns:
        text = f"No groups file was named: a file for --groups says {preset.groups_say}."
        return Section(anchor, title, [text])
    intro = [f"The first {GROUPS} of {len(columns)} columns."] if len(columns) > GROUPS else []
    blocks: list[Plot | Grid] = []
    for number, column in enumerate(columns[:GROUPS]):
        table = tables.accuracy_by(run.samples, column)
        name = f"{prefix}group-{number + 1}"
        reading = f"Which {preset.samples} are hard: the lowest first, with 95% intervals (Wilson)."
        seen = run.samples[run.samples["part"].isin(tables.UNSEEN)]
        n, shown = seen[column].nunique(), table["value"].nunique()
        if shown < n:
            reading += f" The lowest {shown} of {n:,} are drawn."
        head = preset.group if column == "speaker" else column
        svg = plots.accuracies(name, table, head)
        blocks.append(Plot(f"By {head}", reading, svg, Csv(name, table)))
    return Section(anchor, title, intro, blocks)


def _inside(run: Run, prefix: str) -> Section:
    text, blocks = [], [*_firing(run, prefix), *_filters(run, prefix)]
    if run.channels is None:
        text.append(_absent(run, "channels.csv"))
    if run.network is None:
        text.append("There is no result.txt yet, and so no filter to show.")
    return Section(f"{prefix}inside", "Inside the network", text, blocks)


def _firing(run: Run, prefix: str) -> list[Plot | Grid]:
    if run.channels is None:
        return []
    rates = tables.firing(run.channels)
    counts = tables.channel_counts(rates)
    names = ("layer", "channels", "dead: never on", "below 1%", "above 99%", "saturated: always on")
    heads = dict(zip(map(str, counts), names, strict=True))
    samples = run.preset.samples
    reading = f"How often each channel is +1: of all positions in all {samples}"
    if AFTER_MAX in set(rates["layer"]):
        reading += f", and after the max over time of all {samples}"
    reading += "."
    if run.architecture.n_classes == 2:
        reading += " Where the two labels differ, a channel separates them."
    dead = (
        "A channel that is never or always on carries no information: it is only a bias for the "
        "next layer."
    )
    svg = plots.firing(f"{prefix}firing", rates, run.classes)
    rows, csv = list(counts.itertuples(index=False)), Csv(f"{prefix}dead", counts)
    return [
        Plot("Firing rate of every channel", reading, svg, Csv(f"{prefix}firing", rates)),
        Grid("Dead and saturated channels", dead, heads, rows, csv),
    ]


def _filters(run: Run, prefix: str) -> list[Plot | Grid]:
    if run.network is None:
        return []
    preset, shown = run.preset, tables.shown_filters(run.network)
    n, (n_shown, n_in, kernel) = run.architecture.blocks[0].n_out, shown.shape
    reading = (
        f"Blue is +1, orange is -1; a filter is {kernel} frames wide and {n_in} {preset.feature}s "
        f"high, the {preset.first_feature} at the bottom, its channel's number above it."
    )
    if preset.filter_note:
        reading += f" {preset.filter_note}"
    if n_shown < n:
        reading += f" The first {n_shown:,} of {n:,} are shown."
    svg = plots.filters(f"{prefix}filters", shown, preset.feature)
    csv = Csv(f"{prefix}filters", tables.filters(shown, preset.feature))
    return [Plot("First-layer filters", reading, svg, csv)]


def _settings(run: Run, prefix: str) -> Section:
    csv = Csv(f"{prefix}settings", tables.settings(run))
    return Section(f"{prefix}settings", "Settings", [], [Grid.of("All settings", "", csv, "pairs")])


def _absent(run: Run, what: str) -> str:
    """Why something is not on the page."""
    if run.figures:
        return f"{what} is not in the run folder: another evobin wrote it, or it was removed."
    return (
        f"The run is not finished: {what} is written at its end, and `evobin resume {run.path}` "
        "goes on."
    )


def _share(some: int, of: int) -> str:
    """A share as a percentage."""
    return percent(some / of) if of else "none"


def _predictions(run: Run, prefix: str) -> Section:
    """Logits or margins, accuracy by label, confusion, and the samples nearest the border."""
    anchor, title = f"{prefix}predictions", "Predictions"
    if run.samples is None:
        return Section(anchor, title, [_absent(run, "clips.csv")])
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
    nearest = run.named(tables.nearest_border(samples, columns[3]))
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
    csv = Csv(f"{prefix}logits", tables.histogram(run.named(samples), "logit", ["part", "label"]))
    meaning = f"logit [units]: above 0 the prediction is {run.classes[1]}"
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
    csv = Csv(f"{prefix}labels", tables.accuracy_by(run.named(samples), "label"))
    svg = plots.accuracies(csv.name, csv.table, "label")
    return [margins, Plot("By label", reading, svg, csv)]


def _confusion(run: Run, prefix: str) -> Grid:
    table = run.named(tables.confusion(run))
    rows = [
        (PARTS[name], run.classes[label], *counts, _share(counts[label], sum(counts)))
        for name, part in run.figures.items()
        for label, counts in enumerate(part.confusion)
    ]
    heads = {key: key.replace("_", " ") for key in map(str, table)}
    heads |= {f"answered_{place}": f"predicted {name}" for place, name in enumerate(run.classes)}
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
        (PARTS[name], run.classes[label], run.classes[predicted], n)
        for name, part in unseen.items()
        for label, predicted, n in mistakes(part.confusion)[:MISTAKES]
    ]
    names = {"part": "part", "label": "label", "answer": "predicted"}
    heads = names | {"clips": run.preset.samples}
    reading = f"Which labels are taken for which others: the {MISTAKES} most common mistakes."
    csv = Csv(f"{prefix}confusion", run.named(tables.confusion(run)))
    return Grid("Mistakes", reading, heads, rows, csv)
