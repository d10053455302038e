"""What is in a result file, and what differs between two, as text."""

from __future__ import annotations

import pandas as pd
from rich.console import Console

from evobin.network.analysis.firing import AFTER_MAX
from evobin.report.console import show_accuracy
from evobin.report.text import percent, write_line, write_table, write_words
from evobin.results.evaluation import Evaluation
from evobin.results.inspection import Behaviour, Difference, Inspection

SHOWN = 20  # samples that are listed by name


def show_inspection(console: Console, inspection: Inspection, *, verbose: bool = False) -> None:
    """Tables of the weights and, if there were samples, of what the network does on them.

    If `verbose`, channels and samples are named, not only counted.
    """
    heads = ("layer", "shape", "weights", "fan-in", "+1", "biases +1")
    layers = inspection.layers
    columns = [layers["layer"], layers["shape"]]
    columns += [layers[name].map(_count) for name in ("weights", "fan_in")]
    columns += [layers[name].map(percent) for name in ("positive", "positive_biases")]
    write_table(console, "weights", heads, list(zip(*columns, strict=True)))
    _show_duplicates(console, inspection.duplicates, verbose=verbose)
    if inspection.behaviour is not None:
        _show_behaviour(console, inspection.behaviour, verbose=verbose)


def _show_duplicates(console: Console, duplicates: pd.DataFrame, *, verbose: bool) -> None:
    if not len(duplicates):
        write_words(console, "No channel has the filter and bias of another, or those negated.")
    for layer, rows in duplicates.groupby("layer", sort=False):
        negated, cancel = rows["negated"].sum(), 2 * rows["cancels"].sum()
        write_words(
            console,
            f"{layer}, duplicate channels: {len(rows) - negated} with the filter and bias of an "
            f"earlier one, {negated} with those negated; {cancel} without influence, since an "
            "equal one has opposite outgoing weights.",
        )
    if verbose:
        for row in duplicates.itertuples():
            kind = "cancels" if row.cancels else "is the opposite of" if row.negated else "equals"
            write_line(console, f"{row.layer} channel {row.channel} {kind} {row.of}")


def _show_behaviour(console: Console, seen: Behaviour, *, verbose: bool) -> None:
    show_accuracy(console, "accuracy", seen.evaluation)
    heads = ("layer", "least", "median", "most", "dead", "saturated", "same", "opposite")
    rows = []
    for layer, rates in seen.rates.groupby("layer", sort=False)["rate"]:
        opposite = seen.duplicates[seen.duplicates["layer"] == layer]["negated"].astype(bool)
        shares = [percent(rate) for rate in (rates.min(), rates.median(), rates.max())]
        counts = (rates == 0).sum(), (rates == 1).sum(), (~opposite).sum(), opposite.sum()
        rows.append((layer, *shares, *counts))
    write_table(console, "how often channels are +1", heads, rows)
    write_words(
        console,
        f"{'max: after the max over time; ' if AFTER_MAX in set(seen.rates['layer']) else ''}"
        "dead, saturated: never and always +1; same, opposite: as an earlier channel, at every "
        f"position of every {seen.evaluation.preset.sample}.",
    )
    if verbose:
        _name_channels(console, seen)
    names = {str(label): name for label, name in enumerate(seen.evaluation.class_names)}
    _show_margins(console, seen.margins.replace({"label": names}))
    _show_hanging(console, seen, verbose=verbose)


def _name_channels(console: Console, seen: Behaviour) -> None:
    for name, rate in (("dead", 0), ("saturated", 1)):
        for layer, rows in seen.rates[seen.rates["rate"] == rate].groupby("layer", sort=False):
            write_line(console, f"{layer} {name}: {', '.join(map(str, rows['channel']))}")
    for row in seen.duplicates.itertuples():
        kind = "the opposite of" if row.negated else "the same as"
        write_line(console, f"{row.layer} channel {row.channel} does {kind} {row.of}")


def _show_margins(console: Console, margins: pd.DataFrame) -> None:
    names = {"0%": "least", "50%": "median", "100%": "most"}
    shares = [f"{100 * quantile:.0f}%" for quantile in margins["quantile"].unique()]
    heads = ["label", *(names.get(share, share) for share in shares)]
    rows = [
        (label, *(f"{value:g}" for value in part["margin"]))
        for label, part in margins.groupby("label", sort=False)
    ]
    meaning = "the logit in the direction of the label"
    if len(margins["label"].unique()) > 3:  # "all" among them
        meaning = "the logit of the label less the largest other"
    write_table(console, f"margin: {meaning}", heads, rows)


def _show_hanging(console: Console, seen: Behaviour, *, verbose: bool) -> None:
    preset, rows = seen.evaluation.preset, []
    for layer in seen.looked_at:
        samples = seen.hanging[seen.hanging["layer"] == layer]
        right = _right(samples).sum()
        rows.append((layer, len(samples), right, len(samples) - right))
    heads = ("flip in", preset.samples, "right now", "wrong now")
    write_table(console, f"{preset.samples} whose prediction hangs on one flip", heads, rows)
    tried = f"Every single flip of {', '.join(seen.looked_at)} was tried, for every {preset.sample}"
    hidden = {*seen.rates["layer"]} - {AFTER_MAX}
    more = len(seen.looked_at) <= len(hidden)
    below = "; --every-flip tries those of the layers below, too" if more else ""
    write_words(console, f"{tried}{below}.")
    if verbose:
        value = "logit" if "logit" in seen.hanging else "margin"
        columns = [seen.hanging[name] for name in ("layer", "file", "label", value)]
        for layer, file, label, shown in zip(*columns, strict=True):
            name = seen.evaluation.class_names[label]
            write_line(console, f"{layer}  {file}  label {name}  {shown:+d}")


def _right(rows: pd.DataFrame) -> pd.Series[bool]:
    """Whether labels are predicted right: a logit says that, a margin of 0 does not."""
    return (rows["logit"] > 0) == (rows["label"] == 1) if "logit" in rows else rows["right"]


def show_difference(console: Console, difference: Difference) -> None:
    """Weights that differ by layer and, if there were samples, who is right on which."""
    layers = difference.layers
    counts = [layers[name].map(_count) for name in ("weights", "differ")]
    columns = [layers["layer"], *counts, layers["share"].map(percent)]
    rows = list(zip(*columns, strict=True))
    total, differ = layers["weights"].sum(), layers["differ"].sum()
    rows.append(("all", _count(int(total)), _count(int(differ)), percent(differ / total)))
    write_table(console, "weights and biases", ("layer", "weights", "differ", "share"), rows)
    moved = layers[layers["moved"] > 0]
    if len(moved):
        where = ", ".join(f"{row.moved} of {row.layer}" for row in moved.itertuples())
        write_words(
            console,
            f"Channels of B that are those of A in another place: {where}; put into A's order, "
            f"{layers['remain'].sum():,} weights differ.",
        )
    if difference.a is not None and difference.b is not None:
        show_accuracy(console, "A", difference.a)
        show_accuracy(console, "B", difference.b)
        _show_disagreements(console, difference, difference.a)


def _show_disagreements(console: Console, difference: Difference, seen: Evaluation) -> None:
    preset = seen.preset
    agreement = difference.agreement
    rows = [
        (name, agreement.loc[right, True], agreement.loc[right, False])
        for right, name in ((True, "A right"), (False, "A wrong"))
    ]
    write_table(console, preset.samples, ("", "B right", "B wrong"), rows)
    table = difference.disagreements
    if not len(table):
        write_line(console, f"A and B predict the same label for every {preset.sample}.")
        return
    value = "logit" if "logit_a" in table else "prediction"
    heads = ("file", "label", f"{value} of A", f"{value} of B")
    names = dict(enumerate(seen.class_names))
    labels = [name for name in table if not str(name).startswith(("file", "logit"))]
    table = table.assign(**{str(name): table[name].map(names.get) for name in labels})
    first = table.head(SHOWN).itertuples(index=False)
    write_table(console, f"{len(table)} {preset.samples} on which A and B disagree", heads, first)
    if len(table) > SHOWN:
        write_line(console, f"{len(table) - SHOWN} more; --json lists all.")


def _count(n: int) -> str:
    return f"{n:,}"
