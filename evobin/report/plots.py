"""Plots as SVG whose colours and fonts are those of the page; `name` is unique on it."""

from __future__ import annotations

import io
import re
import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import IO, Protocol, TypeAlias

import numpy as np
import pandas as pd
from matplotlib import style
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from evobin.report.progress import TITLES
from evobin.report.text import PARTS

WIDTH = 380  # of a plot, in CSS pixels at its natural size: about a phone's
TEXT, GRID = "#000001", "#000002"
SERIES = tuple(f"#00001{i}" for i in range(6))
COLOURS = {TEXT: "currentColor", GRID: "var(--grid)"}
COLOURS |= {colour: f"var(--s{i})" for i, colour in enumerate(SERIES)}
"""What is drawn in a colour on the left gets one of the page, which knows light and dark."""
DASHES = ("-", "--", ":", "-.")
SHOWN = 24  # characters of a name on an axis
Handle: TypeAlias = Artist | tuple[Artist, ...]
PIXELS = ListedColormap(["#d98032", "#3d7dca"])
"""-1 and +1 of a filter, distinguishable on either background and by the colour-blind."""
STYLE: dict[str, bool | float | str] = {
    "axes.axisbelow": True,
    "axes.edgecolor": GRID,
    "axes.facecolor": "none",
    "axes.grid": True,
    "axes.labelcolor": TEXT,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "figure.facecolor": "none",
    "font.size": 11,
    "grid.color": GRID,
    "grid.linewidth": 0.6,
    "legend.fontsize": 10,
    "legend.frameon": False,
    "svg.fonttype": "none",
    "text.color": TEXT,
    "text.parse_math": False,  # a group may be called $x$
    "xtick.color": TEXT,
    "xtick.labelsize": 10,
    "ytick.color": TEXT,
    "ytick.labelsize": 10,
}


class _SvgCanvas(Protocol):
    """What is needed of matplotlib's canvas, whose methods have no types."""

    def print_svg(self, filename: IO[bytes], *, metadata: Mapping[str, str | None]) -> None:
        """Draws the figure into a file."""


def _svg(name: str, height: float, draw: Callable[[Figure], None]) -> str:
    """Draws a figure, so many CSS pixels high; the same one has the same bytes, no id another."""
    drawn = io.BytesIO()
    nothing = dict.fromkeys(("Creator", "Date", "Format", "Type"))
    with style.context(["default", STYLE | {"svg.hashsalt": name}]), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph", UserWarning)  # the page has other fonts
        figure = Figure(figsize=(WIDTH / 72, height / 72), layout="constrained")
        draw(figure)
        canvas: _SvgCanvas = FigureCanvasSVG(figure)
        # not savefig, which draws twice: half of the time that a report takes
        canvas.print_svg(drawn, metadata=nothing)
    text = drawn.getvalue().decode()
    text = re.sub("<defs>\\s*<style.*?</defs>", "", text[text.index("<svg") :], flags=re.DOTALL)
    return re.sub("<[^>]*>", _restyled, text)


def _restyled(found: re.Match[str]) -> str:
    """A tag, with names from users never in it, without what does not belong on a page."""
    tag = re.sub(r'<g id="[^"]*"', "<g", found[0])  # other plots have the same ones
    tag = re.sub(r' (xmlns(:xlink)?|version|width="[\d.]+pt" height)="[^"]*"', "", tag)
    tag = re.sub(r"; font-family: [^;\"]*", "", tag)
    return re.sub("#0000[01][0-9]", lambda colour: COLOURS[colour[0]], tag)


def _percent(axes: Axes, what: str, axis: str = "y") -> None:
    """Writes shares as percentages."""
    one = axes.yaxis if axis == "y" else axes.xaxis
    one.set_major_formatter(lambda share, _: f"{100 * share:.4g}")
    one.set_label_text(f"{what} [%]")


def _unit(longest: float) -> tuple[float, str]:
    """What to divide seconds by, and the name of that."""
    if longest < 180:
        return 1.0, "s"
    return (60.0, "min") if longest < 10_800 else (3600.0, "h")


def _legend(axes: Axes, handles: Sequence[Handle], columns: int) -> None:
    """Above the axes, where it covers nothing."""
    axes.legend(
        handles=handles,
        ncols=columns,
        loc="lower left",
        bbox_to_anchor=(0, 1),
        borderaxespad=0.2,
        columnspacing=1.2,
        handlelength=1.8,
    )


def _bottom(values: pd.Series) -> float:
    """Where an axis begins that leaves out the lowest tenth: the first steps are far below."""
    low = float(values.quantile(0.1))
    return low - 0.05 * (float(values.max()) - low) - 0.002


def _short(name: object) -> str:
    text = " ".join(str(name).split())
    return text if len(text) <= SHOWN else f"{text[: SHOWN - 1]}…"


def over_time(name: str, points: pd.DataFrame, best: pd.DataFrame, samples: str) -> str:
    """Accuracy of each fold, thin, of all folds together, and where stages begin.

    Takes what `tables.scores_over_time` and `tables.best_over_time` make.
    """

    def draw(figure: Figure) -> None:
        axes = figure.subplots()
        divisor, unit = _unit(best["seconds"].max())
        handles, begun = [], 0.0
        for place, (stage, rows) in enumerate(points.groupby("stage", sort=False)):
            colour, dash = SERIES[place % len(SERIES)], DASHES[place % len(DASHES)]
            axes.axvspan(begun / divisor, rows["seconds"].max() / divisor, color=colour, alpha=0.08)
            begun = rows["seconds"].max()
            for _, island in rows.groupby("island"):
                values = island["seconds"] / divisor, island["selection_accuracy"]
                axes.plot(*values, dash, color=colour, lw=0.9, marker=".", ms=3)
            title = TITLES.get(str(stage), str(stage))
            handles.append(Line2D([], [], color=colour, ls=dash, label=title))
        (line,) = axes.step(
            best["seconds"] / divisor, best["best_selection_accuracy"], where="post",
            label="all folds", color=TEXT, lw=2.2, marker="o", ms=2.5,
        )  # fmt: skip
        _legend(axes, [*handles, line], 2)
        axes.set_ylim(bottom=_bottom(points["selection_accuracy"]))
        axes.set_xlabel(f"time since the beginning [{unit}]")
        _percent(axes, f"right of {samples} held out")

    return _svg(name, 310, draw)


def best_of_runs(name: str, runs: dict[str, pd.DataFrame], samples: str) -> str:
    """The accuracy of all folds together of several runs: `tables.best_over_time` of each."""

    def draw(figure: Figure) -> None:
        axes = figure.subplots()
        divisor, unit = _unit(max(best["seconds"].max() for best in runs.values()))
        lines = []
        for place, (run, best) in enumerate(runs.items()):
            lines += axes.step(
                best["seconds"] / divisor, best["best_selection_accuracy"], where="post",
                label=_short(run), color=SERIES[place % len(SERIES)],
                ls=DASHES[place // len(SERIES) % len(DASHES)], lw=1.8, marker="o", ms=2.5,
            )  # fmt: skip
        _legend(axes, lines, 2)
        axes.set_xlabel(f"time since the beginning [{unit}]")
        _percent(axes, f"right of {samples} held out")

    return _svg(name, 300 + 8 * len(runs), draw)


def accuracies(name: str, table: pd.DataFrame, column: str) -> str:
    """Accuracy with its interval by value, a row each, the parts beside each other.

    The table has `value`, `part`, `accuracy`, `low` and `high`; the values are of `column`.
    """
    values = list(dict.fromkeys(table["value"]))
    parts = [part for part in PARTS if part in set(table["part"])]
    most = int(table["value"].value_counts().max())  # rows of one value

    def draw(figure: Figure) -> None:
        axes = figure.subplots()
        handles = []
        for place, part in enumerate(parts):
            rows = table[table["part"] == part]
            shift = 0.3 * (place - (len(parts) - 1) / 2) * (most > 1)
            at = np.array([values.index(value) for value in rows["value"]]) + shift
            accuracy = rows["accuracy"].to_numpy(float)
            reach = np.abs(rows[["low", "high"]].to_numpy(float).T - accuracy)
            number = list(PARTS).index(part)
            drawn = axes.errorbar(
                accuracy, at, xerr=reach, label=PARTS[part], color=SERIES[number],
                fmt="^os"[number], ms=5, elinewidth=1.2,
            )  # fmt: skip
            handles.append(drawn)
        axes.set_yticks(range(len(values)), [_short(value) for value in values])
        axes.set_ylim(len(values) - 0.4, -0.6)
        axes.set_ylabel(_short(column))
        _percent(axes, "accuracy, 95% interval", "x")
        _legend(axes, handles, 3)

    return _svg(name, 90 + (12 + 5 * most) * max(3, len(values)), draw)


def logits(name: str, table: pd.DataFrame, meaning: str, samples: str) -> str:
    """Histograms of the logit by label or of the margin, one below the other for the parts.

    Takes what `tables.histogram` makes; without the column "label" there is one of all.
    """
    labels = sorted(set(table["label"])) if "label" in table else []
    parts = [part for part in PARTS if part in set(table["part"])]

    def draw(figure: Figure) -> None:
        all_axes = figure.subplots(len(parts), 1, sharex=True, squeeze=False)[:, 0]
        for part, axes in zip(parts, all_axes, strict=True):
            handles = []
            of_part = table[table["part"] == part]
            for place, label in enumerate(labels or [None]):
                rows = of_part if label is None else of_part[of_part["label"] == label]
                if not len(rows):
                    continue
                edges = [*rows["from"], rows["to"].iloc[-1]]
                colour, dash = SERIES[place], DASHES[place]
                drawn = axes.stairs(rows["share"], edges, color=colour, fill=True, alpha=0.3)
                drawn.set_linewidth(0)
                axes.stairs(rows["share"], edges, color=colour, lw=1.6, ls=dash)
                title = "all labels" if label is None else f"label {_short(str(label))}"
                handles.append(Line2D([], [], color=colour, ls=dash, label=title))
            axes.axvline(0, color=TEXT, lw=1)
            axes.set_title(PARTS[part], loc="right", fontsize=11)
            _percent(axes, samples)
        figure.legend(handles=handles, ncols=2, loc="outside upper left")
        all_axes[-1].set_xlabel(meaning)

    return _svg(name, 80 + 130 * len(parts), draw)


def firing(name: str, rates: pd.DataFrame, classes: Sequence[str]) -> str:
    """The firing rate of every channel of each layer, sorted; of two classes, by label."""
    series = {f"rate_{label}": f"label {_short(classes[label])}" for label in (0, 1)}
    if rates.filter(like="rate_").shape[1] > len(series):
        series = {"rate": "all labels"}
    layers = list(dict.fromkeys(rates["layer"]))
    n_rows = -(-len(layers) // 2)

    def draw(figure: Figure) -> None:
        grid = figure.subplots(n_rows, 2, sharey=True, squeeze=False)
        for layer, axes in zip(layers, grid.flat, strict=False):
            rows = rates[rates["layer"] == layer].sort_values("rate", kind="stable")
            handles = [
                axes.scatter(
                    np.arange(len(rows)), rows[column], s=9, marker="ox"[place], lw=0.8,
                    color=SERIES[place], label=title,
                )
                for place, (column, title) in enumerate(series.items()) if column in rows
            ]  # fmt: skip
            title = "max over time" if layer == "max" else layer
            axes.set_title(title, loc="right", fontsize=11)
            axes.set_ylim(-0.04, 1.04)
            axes.set_xlabel("channel by rate [number]")
        figure.legend(handles=handles, ncols=2, loc="outside upper left")
        for axes in grid[:, 0]:
            _percent(axes, "firing rate")
        for axes in grid.flat[len(layers) :]:
            axes.remove()

    return _svg(name, 40 + 200 * n_rows, draw)


def filters(name: str, weights: NDArray[np.int8], feature: str) -> str:
    """Filters of the first layer as images, side by side: [n_out, n_in, kernel] of -1 and +1."""
    n_out, n_in, kernel = weights.shape
    columns = min(16, n_out)
    rows = -(-n_out // columns)
    high, wide = n_in + n_in // 4 + 1, kernel + 1
    mosaic = np.full((rows * high, columns * wide), np.nan)
    for channel, image in enumerate(weights):
        row, column = divmod(channel, columns)
        top = (rows - 1 - row) * high
        mosaic[top : top + n_in, column * wide : column * wide + kernel] = image

    def draw(figure: Figure) -> None:
        axes = figure.subplots()
        axes.imshow(
            mosaic, PIXELS, aspect="auto", interpolation="none", origin="lower", vmin=-1, vmax=1
        )
        for channel in range(n_out):
            row, column = divmod(channel, columns)
            at = column * wide + (kernel - 1) / 2, (rows - 1 - row) * high + n_in
            axes.text(*at, str(channel), ha="center", va="bottom", fontsize=7)
        axes.set_xticks([-0.5, kernel - 0.5], ["0", str(kernel)])
        axes.set_yticks([-0.5, n_in - 0.5], ["0", str(n_in)])
        axes.set_xlabel("tap of each filter [frames]", loc="left")
        axes.set_ylabel(f"{feature} of each filter [number]", loc="bottom")
        axes.grid(visible=False)
        axes.spines[:].set_visible(False)

    return _svg(name, 60 + 85 * rows, draw)


def flips(name: str, table: pd.DataFrame) -> str:
    """Accepted flips a round by layer, stacked: one stage of `tables.flips_by_layer`."""
    counts = table.pivot_table("accepted", ["first", "last"], "layer", "sum", sort=False)

    def draw(figure: Figure) -> None:
        axes = figure.subplots()
        first, last = (counts.index.get_level_values(name).to_numpy() for name in ("first", "last"))
        below, bars = np.zeros(len(counts)), []
        for place, layer in enumerate(counts):
            width = last - first + 0.8
            height = counts[layer].to_numpy() / (last - first + 1)
            drawn = axes.bar(
                first - 0.4, height, width, below, align="edge", label=str(layer),
                color=SERIES[place % len(SERIES)],
            )  # fmt: skip
            bars.append(drawn)
            below += height
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.set_xlabel("round [number]")
        axes.set_ylabel("flips accepted a round [number]")
        _legend(axes, bars, 4)

    return _svg(name, 280, draw)


def diversity(name: str, table: pd.DataFrame) -> str:
    """How much the members of an island differ by layer, round after round."""

    def draw(figure: Figure) -> None:
        axes = figure.subplots()
        lines = []
        for place, (layer, rows) in enumerate(table.groupby("layer", sort=False)):
            colour, dash = SERIES[place % len(SERIES)], DASHES[place % len(DASHES)]
            values = rows["round"], rows["share"]
            lines += axes.plot(*values, dash, color=colour, marker="o", ms=3, label=str(layer))
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.set_ylim(bottom=0)
        axes.set_xlabel("round [number]")
        _percent(axes, "weights that differ")
        _legend(axes, lines, 4)

    return _svg(name, 280, draw)
