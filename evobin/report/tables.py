"""The numbers that every plot of a report shows, as tidy tables of bounded size."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from evobin.network.analysis.firing import pooled
from evobin.network.binary import BinaryNetwork
from evobin.report.reading import Run
from evobin.results import evaluation as results
from evobin.results.plain import Json

POINTS = 2_000  # points of a plot over time, all lines together
LINES = 24  # lines of a stage in a plot over time
VALUES = 30  # values of a group column that are shown
NEAREST = 12  # samples nearest the border that are listed, of each part
BARS = 40  # bars of a histogram, and of a plot over rounds
COLUMNS = ("file", "label", "answer", "logit", "part")
"""Those of clips.csv that every run has; of more than two classes, `margin` stands for `logit`."""
FILTERS, WEIGHTS = 256, 200_000  # filters that are shown, and weights of them all
NOT_COMPARED = ("clips", "out", "report")  # settings that say nothing of how a run was done
UNSEEN = ("valid", "test")  # the parts that were not trained on


def settings(run: Run) -> pd.DataFrame:
    """All of config.json: `setting` and `value`, text."""
    found: dict[str, str] = {}
    for name, value in run.config.items():
        inner = value if isinstance(value, Mapping) else {"": value}
        found |= {f"{name}.{key}".rstrip("."): _in_words(one) for key, one in inner.items()}
    return pd.DataFrame(found.items(), columns=["setting", "value"])


def _in_words(value: Json) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {one}" for name, one in value.items())
    if isinstance(value, list):
        between = "; " if value and isinstance(value[0], Mapping) else " "
        return between.join(map(_in_words, value))
    return "none" if value is None else str(value)


def figures(run: Run) -> pd.DataFrame:
    """A row a part, and one "before" a polish: the final figures, but for the confusion."""
    parts = ({} if run.before is None else {"before": run.before}) | run.figures
    rows = [{"part": name} | part._asdict() for name, part in parts.items()]
    return pd.DataFrame(rows).drop(columns="confusion", errors="ignore").convert_dtypes()


def confusion(run: Run) -> pd.DataFrame:
    """A row a part and label: samples by predicted label, and the share that is right."""
    rows = [
        (name, label, *counts, counts[label] / sum(counts) if sum(counts) else np.nan)
        for name, part in run.figures.items()
        for label, counts in enumerate(part.confusion)
    ]
    answered = [f"answered_{label}" for label in range(run.architecture.n_classes)]
    return pd.DataFrame(rows, columns=["part", "label", *answered, "share_right"])


def scores_over_time(history: pd.DataFrame) -> pd.DataFrame:
    """A row a point: `stage`, `island`, `step`, `seconds` and `selection_accuracy`.

    Of many islands and steps, some evenly spread ones.
    """
    parts = []
    for _, rows in history.groupby("stage", sort=False):
        islands = np.unique(rows["island"])
        islands = islands[_spread(len(islands), LINES)]
        each = max(2, POINTS // (len(islands) * history["stage"].nunique()))
        parts += [_thinned(rows[rows["island"] == island], each) for island in islands]
    table = pd.concat(parts).rename(columns={"elapsed": "seconds"})
    return table[["stage", "island", "step", "seconds", "selection_accuracy"]]


def best_over_time(history: pd.DataFrame) -> pd.DataFrame:
    """A row a step: `stage`, `step`, `seconds` and `best_selection_accuracy`; some of many."""
    names = {"elapsed": "seconds", "best_accuracy": "best_selection_accuracy"}
    steps = history.drop_duplicates(["stage", "step"], keep="last").rename(columns=names)
    return _thinned(steps, POINTS // 2)[["stage", "step", *names.values()]]


def _names(table: pd.DataFrame) -> list[str]:
    return [str(name) for name in table]


def _spread(n: int, most: int) -> NDArray[np.int64]:
    """Evenly spread places of n, the first and the last included."""
    return np.linspace(0, n - 1, min(most, n)).round().astype(np.int64)


def _thinned(table: pd.DataFrame, most: int) -> pd.DataFrame:
    return table.iloc[_spread(len(table), most)]


def flips_by_layer(history: pd.DataFrame) -> pd.DataFrame:
    """A row a stage, stretch of rounds and layer: flips `tried` and `accepted`, all islands.

    No row of a stage that tried none. Of many rounds, neighbours are added up: `first` to `last`.
    """
    prefix = "tried_"
    layers = [name.removeprefix(prefix) for name in _names(history) if name.startswith(prefix)]
    layers = [layer for layer in layers if f"accepted_{layer}" in history]
    parts = []
    for stage, rows in history.groupby("stage", sort=False):
        last = int(rows["step"].max())
        width = -(-last // BARS)
        stretch = (rows["step"].astype(int) - 1) // width
        if rows[[f"{prefix}{layer}" for layer in layers]].to_numpy(float, na_value=0).sum() == 0:
            continue
        for layer in layers:
            counts = rows[[f"tried_{layer}", f"accepted_{layer}"]].fillna(0).astype(int)
            counts.columns = pd.Index(["tried", "accepted"])
            table = counts.groupby(stretch).sum()
            first = table.index.to_numpy() * width + 1
            ends = {"first": first, "last": np.minimum(first + width - 1, last)}
            parts.append(table.assign(stage=stage, layer=layer, **ends))
    columns = ["stage", "first", "last", "layer", "tried", "accepted"]
    return pd.concat(parts)[columns] if parts else pd.DataFrame(columns=columns)


def diversity(history: pd.DataFrame) -> pd.DataFrame:
    """A row a round and layer: `share` of the weights that differ, mean of all islands."""
    prefix = "differ_"
    names = [name for name in _names(history) if name.startswith(prefix)]
    rounds = history[history["stage"] == "population"].dropna(subset=names)
    means = _thinned(rounds.groupby("step")[names].mean(), POINTS // 10).reset_index()
    table = means.melt("step", names, "layer", "share")
    return table.assign(layer=table["layer"].str.removeprefix(prefix)).rename(
        columns={"step": "round"}
    )


def sample_columns(run: Run) -> list[str]:
    """The columns of clips.csv that show what is predicted."""
    single = run.architecture.n_logits == 1
    return [name if single or name != "logit" else "margin" for name in COLUMNS]


def group_columns(run: Run) -> list[str]:
    """The columns that come from the groups file."""
    ours = {*sample_columns(run), *run.architecture.logit_names}
    return [] if run.samples is None else [name for name in _names(run.samples) if name not in ours]


def accuracy_by(samples: pd.DataFrame, column: str) -> pd.DataFrame:
    """A row a value and part that was not trained on: clips (samples), right, accuracy, low, high.

    The lowest first; of many values, those with the lowest accuracy.
    """
    seen = samples[samples["part"].isin(UNSEEN)]
    table = results.accuracy_by(seen, [seen[column], seen["part"]])
    counts = table.groupby(level=0)[["right", "clips"]].sum()
    order = (counts["right"] / counts["clips"]).sort_values(kind="stable").index[:VALUES]
    rank = pd.Series(range(len(order)), index=order)
    table = table.rename_axis(["value", "part"]).reset_index()
    ranked = table.assign(rank=table["value"].map(rank)).dropna(subset="rank")
    columns = ["value", "part", "right", "clips", "accuracy", "low", "high"]
    return ranked.sort_values(["rank", "part"])[columns]


def histogram(samples: pd.DataFrame, of: str, by: list[str]) -> pd.DataFrame:
    """A row a value of each column of `by` and bar: those of the column `of` in it.

    They are above `from` and below `to`: how many (`clips`) and their `share`.
    """
    most = int(samples[of].abs().max())
    half = max(1, -(-(most + 1) // BARS))
    n = -(-(most + 1) // (2 * half))
    edges = np.arange(-n, n + 1) * 2 * half
    parts = []
    for values, rows in samples.groupby(by, sort=False):
        counts, _ = np.histogram(rows[of], edges)
        columns = {"from": edges[:-1], "to": edges[1:], "clips": counts}
        share = counts / len(rows)
        named = dict(zip(by, values, strict=True))
        parts.append(pd.DataFrame(named | columns | {"share": share}))
    return pd.concat(parts, ignore_index=True)


def nearest_border(samples: pd.DataFrame, of: str) -> pd.DataFrame:
    """The samples of the parts not trained on whose logits or margins are the smallest."""
    order = samples[of].abs().sort_values(kind="stable").index
    ordered = samples.loc[order]
    return pd.concat([ordered[ordered["part"] == part].head(NEAREST) for part in UNSEEN])


def firing(channels: pd.DataFrame) -> pd.DataFrame:
    """A row a layer and channel: `rate` on all samples, `rate_0`, `rate_1` on those of a label."""
    rate = pooled(channels, ["layer", "channel"])
    rates = pooled(channels, ["layer", "channel", "label"]).reset_index()
    by_label = rates.pivot_table("rate", ["layer", "channel"], "label", sort=False)
    return by_label.add_prefix("rate_").assign(rate=rate).reset_index()


def channel_counts(rates: pd.DataFrame) -> pd.DataFrame:
    """A row a layer: its channels, and how many are never on, rarely, mostly, and always."""
    rate = rates["rate"]
    kinds = {
        "channels": rate >= 0,
        "never": rate == 0,
        "below_1_percent": (rate > 0) & (rate < 0.01),
        "above_99_percent": (rate > 0.99) & (rate < 1),
        "always": rate == 1,
    }
    return pd.DataFrame(kinds).groupby(rates["layer"], sort=False).sum().reset_index()


def shown_filters(network: BinaryNetwork) -> NDArray[np.int8]:
    """[channels, n_in, kernel] of the first layer, as many as a page can hold."""
    layer = network.architecture.layers[0]
    most = min(FILTERS, max(1, WEIGHTS // layer.fan_in))
    shown: NDArray[np.int8] = layer.weights(network.signs)[:most]
    return shown


def filters(weights: NDArray[np.int8], feature: str) -> pd.DataFrame:
    """A row a channel and feature, by the name that features have: a column a tap."""
    n_out, n_in, kernel = weights.shape
    table = pd.DataFrame(
        weights.reshape(-1, kernel), columns=[f"tap_{tap}" for tap in range(kernel)]
    )
    table.insert(0, "channel", np.repeat(np.arange(n_out), n_in))
    table.insert(1, feature, np.tile(np.arange(n_in), n_out))
    return table


def compare_settings(runs: Mapping[str, Run]) -> pd.DataFrame:
    """A row a setting that differs, a column a run."""
    columns = [settings(run).set_index("setting")["value"] for run in runs.values()]
    table = pd.concat(columns, axis=1, keys=list(runs)).fillna("none")
    differ = table.ne(table.iloc[:, 0], axis=0).any(axis=1)
    return table[differ & ~table.index.isin(NOT_COMPARED)].reset_index()


def names_of(runs: Sequence[Run]) -> list[str]:
    """A name a run, as short as they all differ: the folder's name, else its path."""
    short = [run.path.resolve().name for run in runs]
    if len(set(short)) == len(short):
        return short
    paths = [str(run.path) for run in runs]
    return [f"{i}: {path}" if paths.count(path) > 1 else path for i, path in enumerate(paths, 1)]
