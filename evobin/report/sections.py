"""What a report says of one run: plots, tables, and words for what is not there."""

from __future__ import annotations

import pandas as pd

from evobin.network.analysis.firing import BEHIND_MAX
from evobin.network.architecture import SPEAKER_SEX, Architecture
from evobin.report import plots, tables
from evobin.report.answers import absent, answers, kind_of, share
from evobin.report.blocks import Csv, Grid, Plot, Section
from evobin.report.progress import TITLES
from evobin.report.reading import PARTS, Run
from evobin.report.text import duration, percent, percents

MAX_READING = ", and behind the max over time of all clips"
GROUPS = 12
"""Group columns that are plotted."""


def sections_of(run: Run, prefix: str = "") -> list[Section]:
    """All that there is to say of one run.

    Args:
        run: what its folder holds.
        prefix: in front of every name on the page, so that several runs fit on one.
    """
    return [write(run, prefix) for write in _WRITERS]


def _what_was_run(run: Run, prefix: str) -> Section:
    config, facts = run.config, []
    facts.append(("command", f"evobin {config.get('command', '')}"))
    facts.append(("clips", str(config.get("data") or "synthesised voices")))
    if run.architecture != SPEAKER_SEX:
        facts.append(("network", _shape(run.architecture)))
    if run.note:
        facts.append(("parts", run.note))
    facts.append(("seed", str(config.get("seed"))))
    if run.history is not None:
        stages = run.history.groupby("stage", sort=False)["step"].max()
        told = [f"{TITLES.get(str(stage), stage)} {n:.0f}" for stage, n in stages.items()]
        facts.append(("steps done", ", ".join(told)))
        facts.append(("time", duration(run.history["elapsed"].iloc[-1])))
    facts.append(("folder", str(run.path)))
    names = ("name", "value")
    grid = Grid("", "", names, names, facts, shape="pairs")
    return Section(f"{prefix}run", "What was run", [], [grid])


def _shape(architecture: Architecture) -> str:
    layers = [f"{layer.name} {'x'.join(map(str, layer.shape))}" for layer in architecture.layers]
    weights = f"{architecture.n_weights:,} weights and biases"
    return f"{', '.join(layers)}; {weights}; {architecture.n_classes} classes"


def _figures(run: Run, prefix: str) -> Section:
    if not run.figures:
        return Section(f"{prefix}figures", "Final figures", [absent(run, "summary.json")])
    named = {PARTS[name]: part for name, part in run.figures.items()}
    if run.before is not None:
        named = {"before": run.before} | named
    rows = [
        (name, percent(part.accuracy), percents(*part.interval), str(part.right), str(part.clips),
         "unknown" if part.speakers is None else str(part.speakers), f"{part.margin:.2f}", part.use)
        for name, part in named.items()
    ]  # fmt: skip
    kind = kind_of(run)
    heads = ("part", "accuracy", "95% interval", "right", "clips", f"{kind}s", "mean margin", "use")
    keys = ("part", "accuracy", "interval", "right", "clips", "speakers", "margin", "use")
    reading = (
        f"The interval (Wilson) takes clips for independent; several of one {kind} are not, so it "
        "is rather too narrow. The margin is "
    )
    reading += (
        "the logit in the direction of the label."
        if run.architecture.n_classes == 2
        else "the logit of the label less the largest other."
    )
    table = tables.figures(run)
    grid = Grid("Accuracy", reading, heads, keys, rows, Csv.of(f"{prefix}figures", table), "wide")
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
        "The share right of the validation clips and of varied crops of them. Thin lines are "
        "starts or islands, the thick one is the best so far, and a new ground is a new stage: one "
        "in which the thick line stays level has not paid. It may fall once, in the last quarter "
        "of the training, where late candidates begin to count. Where a training begins with real "
        "weights, a line shows what their signs are worth. The lowest tenth of the points is left "
        "out."
    )
    if len(points) < len(run.history):
        reading += f" Of {len(run.history):,} points, {len(points):,} are drawn."
    csv = Csv.of(f"{prefix}time", points.merge(best, on=["stage", "step", "seconds"], how="left"))
    svg = plots.over_time(f"{prefix}time", points, best)
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
        told = TITLES.get(str(stage), str(stage))
        reading = "Of all islands. Where the bars shrink, little is left to gain by single flips."
        svg = plots.flips(name, rows)
        blocks.append(Plot(f"Accepted flips by layer: {told}", reading, svg, Csv.of(name, rows)))
        sums = rows.groupby("layer", sort=False)[["tried", "accepted"]].sum()
        told_rows = [
            (str(layer), f"{tried:,}", f"{accepted:,}", share(int(accepted), int(tried)))
            for layer, tried, accepted in sums.to_records().tolist()
        ]
        heads = ("layer", "tried", "accepted", "share")
        reading = "Where flips pay: a high share means that the layer is not at its optimum."
        csv = Csv.of(f"{name}-all", sums.reset_index())
        blocks.append(Grid(f"All flips: {told}", reading, heads, heads, told_rows, csv))
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
    return [Plot("Diversity of the population", reading, svg, Csv.of(name, table))]


def _groups(run: Run, prefix: str) -> Section:
    anchor, title = f"{prefix}groups", "Accuracy by group"
    if run.clips is None:
        return Section(anchor, title, [absent(run, "clips.csv")])
    columns = tables.group_columns(run)
    if not columns:
        tells = "who speaks" if kind_of(run) == "speaker" else "what belongs together"
        return Section(anchor, title, [f"No groups file was named: --groups tells {tells}."])
    text = [f"The first {GROUPS} of {len(columns)} columns."] if len(columns) > GROUPS else []
    blocks: list[Plot | Grid] = []
    for number, column in enumerate(columns[:GROUPS]):
        table = tables.accuracy_by(run.clips, column)
        name = f"{prefix}group-{number + 1}"
        reading = "Which clips are hard: the lowest first, with 95% intervals (Wilson)."
        seen = run.clips[run.clips["part"].isin(tables.UNSEEN)]
        n, shown = seen[column].nunique(), table["value"].nunique()
        if shown < n:
            reading += f" The lowest {shown} of {n:,} are drawn."
        told = kind_of(run) if column == "speaker" else column
        svg = plots.accuracies(name, table, told)
        blocks.append(Plot(f"By {told}", reading, svg, Csv.of(name, table)))
    return Section(anchor, title, text, blocks)


def _inside(run: Run, prefix: str) -> Section:
    text, blocks = [], [*_firing(run, prefix), *_filters(run, prefix)]
    if run.channels is None:
        text.append(absent(run, "channels.csv"))
    if run.network is None:
        text.append("There is no result.txt yet, and so no filter to show.")
    return Section(f"{prefix}inside", "Inside the network", text, blocks)


def _firing(run: Run, prefix: str) -> list[Plot | Grid]:
    if run.channels is None:
        return []
    rates = tables.firing(run.channels)
    counts = tables.channel_counts(rates)
    heads = ("layer", "channels", "dead: never on", "below 1%", "above 99%", "saturated: always on")
    reading = "How often each channel is +1: of all positions in all clips"
    reading += "" if BEHIND_MAX not in set(rates["layer"]) else MAX_READING
    reading += "."
    if run.architecture.n_classes == 2:
        reading += " Where the two labels differ, a channel tells them apart."
    told = (
        "A channel that is never or always on tells nothing: it is but a bias for the next layer."
    )
    svg = plots.firing(f"{prefix}firing", rates)
    rows = [tuple(map(str, row)) for row in counts.itertuples(index=False)]
    csv = Csv.of(f"{prefix}dead", counts)
    return [
        Plot("Firing rate of every channel", reading, svg, Csv.of(f"{prefix}firing", rates)),
        Grid("Dead and saturated channels", told, heads, tuple(counts.columns), rows, csv),
    ]


def _filters(run: Run, prefix: str) -> list[Plot | Grid]:
    if run.network is None:
        return []
    is_voices = run.architecture == SPEAKER_SEX
    band, shown = "band" if is_voices else "feature", tables.shown_filters(run.network)
    n, (n_shown, n_in, kernel) = run.architecture.blocks[0].n_out, shown.shape
    reading = (
        f"Blue is +1, orange is -1; a filter is {kernel} frames wide and {n_in} {band}s high, the "
        f"{'lowest' if is_voices else 'first'} at the bottom, its channel's number above it. "
    )
    if is_voices:
        reading += "Horizontal stripes look for a spectrum, vertical edges for a change; noise "
        reading += "is what training hardly moved."
    if n_shown < n:
        reading += f"The first {n_shown:,} of {n:,} are shown."
    svg = plots.filters(f"{prefix}filters", shown, band)
    csv = Csv.of(f"{prefix}filters", tables.filters(shown, band))
    return [Plot("First-layer filters", reading.rstrip(), svg, csv)]


def _settings(run: Run, prefix: str) -> Section:
    table = tables.settings(run)
    rows = [tuple(map(str, row)) for row in table.itertuples(index=False)]
    names = tuple(table.columns)
    grid = Grid("All settings", "", names, names, rows, Csv.of(f"{prefix}settings", table), "pairs")
    return Section(f"{prefix}settings", "Settings", [], [grid])


_WRITERS = (
    _what_was_run,
    _figures,
    _course,
    answers,
    _groups,
    _inside,
    _settings,
)
