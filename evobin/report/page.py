"""A run, or several beside each other, as one HTML file that needs nothing else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib import resources
from pathlib import Path

import pandas as pd
from jinja2 import Environment, StrictUndefined

from evobin import files
from evobin.errors import EvobinError
from evobin.network.presets import ANY_NETWORK
from evobin.report import plots, tables
from evobin.report.blocks import Csv, Grid, Plot, Section
from evobin.report.reading import Run, read_run
from evobin.report.sections import sections_of
from evobin.report.text import PARTS, percent, percents

REPORT = "report.html"  # the page's name, in the run folder or, of several runs, in the current one
MARK = "<!doctype html>\n<!-- evobin report -->\n"
"""How a page begins; what begins in another way is not replaced."""


def write_report(runs: Sequence[str | Path], out: str | Path | None = None) -> Path:
    """Writes what there is to see of a run, or of several beside each other, as one HTML file.

    It shows light and dark, on a wide screen, on a phone and on paper, and loads nothing. It needs
    the run folders only, not the samples; of a run that is not finished it shows what there is. The
    same folders give the same bytes.

    Args:
        runs: run folders, at least one.
        out: the file; by default report.html in the run folder or, of several runs, in the current
            folder. An earlier report is replaced, nothing else is.

    Returns:
        The file.

    Raises:
        EvobinError: if there is no run, a folder holds none or a damaged one, or the file is
            something else already or cannot be written.
    """
    if not runs:
        raise EvobinError("report: no run is named; name at least one run folder.")
    path = Path(out) if out is not None else Path(runs[0] if len(runs) == 1 else "") / REPORT
    _check_replaceable(path)
    files.write_text(path, page_of([read_run(Path(run)) for run in runs]))
    return path


def _check_replaceable(path: Path) -> None:
    if not path.is_file():  # writing will say what is wrong, if anything is
        return
    with files.writing(path), path.open("rb") as file:
        if file.read(len(MARK)) != MARK.encode():
            raise EvobinError(f"{path}: exists and is no report; name another file with --out.")


def page_of(runs: Sequence[Run]) -> str:
    """The page, of at least one run."""
    names = tables.names_of(runs)
    chapters: list[tuple[str, list[Section]]] = []
    if len(runs) > 1:
        compared = _comparison_of(dict(zip(names, runs, strict=True)))
        chapters.append((f"{len(runs)} runs", [compared]))
    for number, (name, run) in enumerate(zip(names, runs, strict=True), 1):
        prefix = f"run{number}-" if len(runs) > 1 else ""
        chapters.append((f"Run {name}", sections_of(run, prefix)))
    environment = Environment(
        autoescape=True, trim_blocks=True, lstrip_blocks=True, undefined=StrictUndefined
    )
    text = resources.files("evobin.report").joinpath("page.html.j2").read_text(encoding="utf-8")
    return MARK + environment.from_string(text).render(chapters=chapters)


def _comparison_of(runs: Mapping[str, Run]) -> Section:
    """What differs between several runs, by name."""
    text = ["Intervals that overlap widely are no difference."]
    presets = {run.preset for run in runs.values()}
    samples = (presets.pop() if len(presets) == 1 else ANY_NETWORK).samples
    if len({str(run.config.get("clips")) for run in runs.values()}) > 1:
        text.append(
            f"These runs do not have the same {samples} in the same parts: what differs may be the "
            f"{samples}, not the networks."
        )
    figures = pd.concat([tables.figures(run).assign(run=name) for name, run in runs.items()])
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
            f"Which run is ahead at the same time on the same {samples}: the share right of those "
            "that folds hold out."
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
