"""The tables and the plot of the benchmark of small networks."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tests.benchmarks.small_rows import ROWS

BASE = "training"
"""The row that others are compared with."""
MANY_SAMPLES = 5_000
NEARLY_ALL = 0.95
"""Cells with at least so many training samples, of which the base has fewer than that right, are
those where the network is the limit."""
NONE = "no cells yet; run without --table"

Cell = dict[str, Any]
Lines = list[dict[str, Any]]
"""A table: under the same names in each line; what a line lacks is empty."""


def read(out: Path) -> list[Cell]:
    """The kept cells of a folder."""
    return [json.loads(path.read_text()) for path in sorted(out.glob("*-fold*.json"))]


def text(cells: list[Cell]) -> str:
    """Both tables, and how to read them."""
    if not cells:
        return NONE
    folds = sorted({cell["fold"] for cell in cells})
    parts = [
        f"{len(cells)} cells of {cells[0]['seconds']:g} s, folds {', '.join(map(str, folds))}. "
        "Test errors in percent, means over the folds; in brackets the change against training "
        "alone, paired by fold, with its standard error.",
        markdown(errors(cells)),
    ]
    if compared := changes(cells):
        parts += [
            "Relative change of the test error against training alone, mean over data sets and "
            "widths with its standard error; and in how many of these it is better and worse by "
            "more than two standard errors over the folds.",
            markdown(compared),
        ]
    return "\n\n".join(parts)


def markdown(lines: Lines) -> str:
    """A table as it is printed; its columns are in the order in which lines first have them."""
    names = list(dict.fromkeys(name for line in lines for name in line))
    rows = [names, ["---"] * len(names)] + [
        [line.get(name, "") for name in names] for line in lines
    ]
    return "\n".join(f"| {' | '.join(map(str, row))} |" for row in rows)


def errors(cells: list[Cell]) -> Lines:
    """A line a data set and width, a column a row."""
    lines: Lines = []
    for (data, hidden), group in _groups(cells).items():
        base = group.get(BASE, {})
        any_cell = next(iter(next(iter(group.values())).values()))
        n_bytes = [cell["bytes"] for row in _binary(group) for cell in group[row].values()]
        line = {
            "data": data,
            "hidden": hidden,
            "samples": any_cell["samples"],
            "bytes": n_bytes[0] if n_bytes else "",
            "of training right": _percent([cell["train"] for cell in base.values()]),
        }
        for row in ROWS:
            if row in group:
                line[ROWS[row].title] = _error(group[row], None if row == BASE else base)
        lines.append(line)
    return lines


def changes(cells: list[Cell]) -> Lines:
    """A line a row: its changes over all data sets and widths, and over the largest of them."""
    lines: Lines = []
    for row in ROWS:
        found = [
            _compared(group[row], group[BASE])
            for group in _groups(cells).values()
            if row in group and BASE in group
        ]
        found = [change for change in found if change]
        if row == BASE or not found:
            continue
        limited = [change for change in found if change["limited"]]
        lines.append(
            {
                "row": ROWS[row].title,
                "all": _summary(found),
                f"{MANY_SAMPLES:,} samples and more, under {NEARLY_ALL:.0%} right": (
                    _summary(limited)
                ),
                "bytes against": f"{np.median([change['bytes'] for change in found]):.2g}",
                "seconds": f"{np.median([change['seconds'] for change in found]):.1f}",
            }
        )
    return lines


def plot(cells: list[Cell], path: Path) -> None:
    """Test error against bytes, a panel a data set, a line a row."""
    from matplotlib.figure import Figure

    names = list(dict.fromkeys(cell["data"] for cell in cells))
    columns = min(4, max(1, len(names)))
    figure = Figure(figsize=(3.2 * columns, 2.6 * -(-len(names) // columns)), layout="constrained")
    panels = figure.subplots(-(-len(names) // columns), columns, squeeze=False).ravel()
    for panel, name in zip(panels, names, strict=False):
        for number, (row, method) in enumerate(ROWS.items()):
            points = _points([c for c in cells if (c["data"], c["row"]) == (name, row)])
            if len(points):
                panel.plot(
                    *points.T,
                    color=f"C{number}",
                    marker="o" if method.binary else "x",
                    ls="-" if method.binary else ":",
                    ms=4,
                    label=method.title,
                )
        panel.set_xscale("log", base=2)
        panel.xaxis.set_major_formatter("{x:g}")
        panel.set_title(name)
    for panel in panels[len(names) :]:
        panel.remove()
    figure.supxlabel("bytes of weights")
    figure.supylabel("test error")
    drawn = {
        label: line
        for panel in panels[: len(names)]
        for line, label in zip(*panel.get_legend_handles_labels(), strict=True)
    }
    figure.legend(drawn.values(), drawn.keys(), loc="outside upper center", ncols=4, fontsize=8)
    figure.savefig(path, dpi=150)


def _points(cells: list[Cell]) -> NDArray[np.float64]:
    """[widths, 2]: mean bytes and mean test error over the folds, by bytes."""
    by_width: dict[str, list[tuple[float, float]]] = {}
    for cell in cells:
        by_width.setdefault(cell["hidden"], []).append((cell["bytes"], 1 - cell["test"]))
    means = [np.mean(pairs, axis=0) for pairs in by_width.values()]
    return np.array(sorted(means, key=lambda point: float(point[0])))


def _groups(cells: list[Cell]) -> dict[tuple[str, str], dict[str, dict[int, Cell]]]:
    """Of each data set and width: of each row, its cells by fold. Rows without a width in all."""
    groups: dict[tuple[str, str], dict[str, dict[int, Cell]]] = {}
    order = sorted(cells, key=lambda cell: (cell["data"], cell["hidden"] == "any"))
    for cell in sorted(order, key=lambda cell: cell["bytes"] if ROWS[cell["row"]].binary else 0):
        if cell["hidden"] != "any":
            key = cell["data"], cell["hidden"]
            groups.setdefault(key, {}).setdefault(cell["row"], {})[cell["fold"]] = cell
    for cell in cells:
        if cell["hidden"] == "any":
            for (data, _), group in groups.items():
                if data == cell["data"]:
                    group.setdefault(cell["row"], {})[cell["fold"]] = cell
    return dict(sorted(groups.items(), key=lambda item: (item[0][0], _size(item[0][1]))))


def _size(hidden: str) -> tuple[int, ...]:
    return tuple(int(part) for part in hidden.split("-"))


def _binary(group: dict[str, Any]) -> list[str]:
    return [row for row in group if ROWS[row].binary]


def _compared(mine: dict[int, Cell], base: dict[int, Cell]) -> dict[str, Any]:
    """Of a data set and width: a row against the base, on the folds that both have."""
    folds = sorted(mine.keys() & base.keys())
    before = np.array([1 - base[fold]["test"] for fold in folds])
    if not before.sum():
        return {}
    change = np.array([base[fold]["test"] - mine[fold]["test"] for fold in folds])
    error = _standard_error(change)
    right = np.mean([base[fold]["train"] for fold in folds])
    return {
        "relative": change.sum() / before.sum(),
        "better": change.mean() < -2 * error,
        "worse": change.mean() > 2 * error,
        "limited": base[folds[0]]["samples"] >= MANY_SAMPLES and right < NEARLY_ALL,
        "bytes": np.mean([mine[fold]["bytes"] / base[fold]["bytes"] for fold in folds]),
        "seconds": np.mean([mine[fold]["fit_seconds"] for fold in folds]),
    }


def _summary(found: list[dict[str, Any]]) -> str:
    if not found:
        return ""
    relative = 100 * np.array([change["relative"] for change in found])
    better, worse = (sum(bool(change[key]) for change in found) for key in ("better", "worse"))
    spread = "" if len(found) == 1 else f" ± {_standard_error(relative):.1f}"
    return f"{relative.mean():+.1f}%{spread}; {better} better, {worse} worse of {len(found)}"


def _error(mine: dict[int, Cell], base: dict[int, Cell] | None) -> str:
    """Mean test error, and its change against the base on the folds that both have."""
    shown = f"{100 * np.mean([1 - cell['test'] for cell in mine.values()]):.2f}"
    folds = [] if base is None else sorted(mine.keys() & base.keys())
    if base is None or not folds:
        return shown
    change = 100 * np.array([base[fold]["test"] - mine[fold]["test"] for fold in folds])
    error = f" ± {_standard_error(change):.2f}" if len(folds) > 1 else ""
    return f"{shown} ({change.mean():+.2f}{error})"


def _standard_error(values: NDArray[np.float64]) -> float:
    """Of their mean; nothing is known from one."""
    return float(values.std(ddof=1) / len(values) ** 0.5) if len(values) > 1 else np.inf


def _percent(shares: list[float]) -> str:
    return f"{100 * np.mean(shares):.1f}%" if shares else ""
