"""What differs between several runs."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from evobin.network.presets import ANY_NETWORK
from evobin.report import plots, tables
from evobin.report.blocks import Csv, Grid, Plot, Section
from evobin.report.reading import PARTS, Run
from evobin.report.text import percent, percents


def comparison_of(runs: Mapping[str, Run]) -> Section:
    """What differs between several runs, by name."""
    text = ["Intervals that overlap widely are no difference."]
    presets = {run.preset for run in runs.values()}
    samples = (presets.pop() if len(presets) == 1 else ANY_NETWORK).samples
    if len({str(run.config.get("clips")) for run in runs.values()}) > 1:
        text.append(
            f"These runs do not have the same {samples} in the same parts: what differs may be the "
            f"{samples}, not the networks."
        )
    figures = tables.compare_figures(runs)
    grids: list[Plot | Grid] = [_compared_settings(runs)]
    blocks: list[Plot | Grid] = []
    if len(figures):
        csv = Csv("figures", figures)
        seen = figures[figures["part"].isin(tables.UNSEEN)].rename(columns={"run": "value"})
        svg = plots.accuracies("compared-figures", seen, "run")
        reading = "Further right is better; bars are 95% intervals."
        blocks.append(Plot("Final accuracy", reading, svg, csv))
        grids.insert(0, _compared_figures(figures, csv, samples))
    best = {
        name: tables.best_over_time(run.history)
        for name, run in runs.items()
        if run.history is not None
    }
    if best:
        table = pd.concat([rows.assign(run=name) for name, rows in best.items()])
        reading = (
            f"Which run is ahead at the same time on the same {samples}: the share right of the "
            f"validation {samples} and of varied crops of them. It falls where late candidates "
            "begin to count, in the last quarter of the training."
        )
        svg = plots.best_of_runs("compared-best", best, samples)
        csv = Csv("best-over-time", table)
        blocks.append(Plot("Best score over time", reading, svg, csv))
    return Section("comparison", "Comparison", text, blocks + grids)


def _compared_figures(figures: pd.DataFrame, csv: Csv, samples: str) -> Grid:
    columns = ["run", "part", "accuracy", "low", "high", "clips", "margin"]
    rows = [
        (run, PARTS.get(part, part), percent(accuracy), percents(low, high), n, f"{margin:.2f}")
        for run, part, accuracy, low, high, n, margin in figures[columns].to_numpy(object)
    ]
    heads = {"run": "run", "part": "part", "accuracy": "accuracy", "interval": "95% interval"}
    heads |= {"clips": samples, "margin": "mean margin"}
    reading = f"Validation {samples} were used to choose among candidates."
    return Grid("Final figures", reading, heads, rows, csv, "wide")


def _compared_settings(runs: Mapping[str, Run]) -> Grid:
    table = tables.compare_settings(runs)
    reading = "All others are the same." if len(table) else "All settings are the same."
    return Grid.of("Settings that differ", reading, Csv("settings", table), "wide")
