"""What is in a result file, and what differs between two, as text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd
from rich.console import Console
from rich.table import Table
from rich.text import Text

from evobin.network.analysis.firing import BEHIND_MAX
from evobin.report.console import show_accuracy
from evobin.report.text import percent, write_line, write_words

SHOWN = 20
"""Clips that are listed by name."""


def show_inspection(console: Console, inspection: Any, *, verbose: bool = False) -> None:
    """Tables of the weights and, if there were clips, of what the network does on them.

    Args:
        console: where to.
        inspection: a `pipeline.Inspection`.
        verbose: also name channels and clips, not only count them.
    """
    heads = ("layer", "shape", "weights", "fan-in", "+1", "biases +1")
    rows = []
    for row in inspection.layers.itertuples():
        counts = row.layer, row.shape, f"{row.weights:,}", f"{row.fan_in:,}"
        rows.append((*counts, percent(row.positive), percent(row.positive_biases)))
    _show(console, "weights", heads, rows)
    _show_alike(console, inspection.alike, verbose=verbose)
    if inspection.behaviour is not None:
        _show_behaviour(console, inspection.behaviour, verbose=verbose)


def _show_alike(console: Console, alike: pd.DataFrame, *, verbose: bool) -> None:
    if not len(alike):
        write_words(console, "No channel has the filter and bias of another, or those negated.")
    for layer, rows in alike.groupby("layer", sort=False):
        negated, cancel = rows["negated"].sum(), 2 * rows["cancels"].sum()
        write_words(
            console,
            f"{layer}, alike channels: {len(rows) - negated} with the filter and bias of an "
            f"earlier one, {negated} with those negated; {cancel} without influence, since an "
            "equal one has opposite outgoing weights.",
        )
    if verbose:
        for row in alike.itertuples():
            kind = "cancels" if row.cancels else "is the opposite of" if row.negated else "equals"
            write_line(console, f"{row.layer} channel {row.channel} {kind} {row.of}")


def _show_behaviour(console: Console, seen: Any, *, verbose: bool) -> None:
    show_accuracy(console, "accuracy", seen.evaluation)
    heads = ("layer", "least", "median", "most", "dead", "saturated", "same", "opposite")
    rows = []
    for layer, rates in seen.rates.groupby("layer", sort=False)["rate"]:
        twins = seen.twins[seen.twins["layer"] == layer]["negated"].astype(bool)
        shares = [percent(rate) for rate in (rates.min(), rates.median(), rates.max())]
        counts = (rates == 0).sum(), (rates == 1).sum(), (~twins).sum(), twins.sum()
        rows.append((str(layer), *shares, *map(str, counts)))
    _show(console, "how often channels are +1", heads, rows)
    write_words(
        console,
        f"{'max: behind the max over time; ' if BEHIND_MAX in set(seen.rates['layer']) else ''}"
        "dead, saturated: never and always +1; same, opposite: as an earlier channel, at every "
        "position of every clip.",
    )
    if verbose:
        _name_channels(console, seen)
    _show_margins(console, seen.margins)
    _show_hanging(console, seen, verbose=verbose)


def _name_channels(console: Console, seen: Any) -> None:
    for name, rate in (("dead", 0), ("saturated", 1)):
        for layer, rows in seen.rates[seen.rates["rate"] == rate].groupby("layer", sort=False):
            write_line(console, f"{layer} {name}: {', '.join(map(str, rows['channel']))}")
    for row in seen.twins.itertuples():
        kind = "the opposite of" if row.negated else "the same as"
        write_line(console, f"{row.layer} channel {row.channel} does {kind} {row.of}")


def _show_margins(console: Console, margins: pd.DataFrame) -> None:
    names = {"0%": "least", "50%": "median", "100%": "most"}
    shares = [f"{100 * quantile:.0f}%" for quantile in margins["quantile"].unique()]
    heads = ["label", *(names.get(share, share) for share in shares)]
    rows = [
        (str(label), *(f"{value:g}" for value in part["margin"]))
        for label, part in margins.groupby("label", sort=False)
    ]
    told = "the logit in the direction of the label"
    if len(margins["label"].unique()) > 3:  # "all" among them
        told = "the logit of the label less the largest other"
    _show(console, f"margin: {told}", heads, rows)


def _show_hanging(console: Console, seen: Any, *, verbose: bool) -> None:
    rows = []
    for layer in seen.looked_at:
        clips = seen.hanging[seen.hanging["layer"] == layer]
        right = _right(clips).sum()
        rows.append((layer, str(len(clips)), str(right), str(len(clips) - right)))
    heads = ("flip in", "clips", "right now", "wrong now")
    _show(console, "clips whose answer hangs on one flip", heads, rows)
    told = f"Every single flip of {', '.join(seen.looked_at)} was looked at, for every clip"
    hidden = {*seen.rates["layer"]} - {BEHIND_MAX}
    more = len(seen.looked_at) <= len(hidden)
    below = "; --every-flip looks at the layers below, too" if more else ""
    write_words(console, f"{told}{below}.")
    if verbose:
        for clip in seen.hanging.itertuples():
            told = clip.logit if "logit" in seen.hanging else clip.margin
            write_line(console, f"{clip.layer}  {clip.file}  label {clip.label}  {told:+d}")


def _right(clips: pd.DataFrame) -> pd.Series[bool]:
    """Whether clips are answered right: a logit tells that, a margin of 0 does not."""
    return (clips["logit"] > 0) == (clips["label"] == 1) if "logit" in clips else clips["right"]


def show_difference(console: Console, difference: Any) -> None:
    """Weights that differ by layer and, if there were clips, who is right and where they disagree.

    Args:
        console: where to.
        difference: a `pipeline.Difference`.
    """
    layers = difference.layers
    rows = [
        (row.layer, f"{row.weights:,}", f"{row.differ:,}", percent(row.share))
        for row in layers.itertuples()
    ]
    total, differ = layers["weights"].sum(), layers["differ"].sum()
    rows.append(("all", f"{total:,}", f"{differ:,}", percent(differ / total)))
    _show(console, "weights and biases", ("layer", "weights", "differ", "share"), rows)
    moved = layers[layers["moved"] > 0]
    if len(moved):
        where = ", ".join(f"{row.moved} of {row.layer}" for row in moved.itertuples())
        write_words(
            console,
            f"Channels of B that are those of A in another place: {where}; put into A's order, "
            f"{layers['remain'].sum():,} weights differ.",
        )
    if difference.a is not None:
        _show_answers(console, difference)


def _show_answers(console: Console, difference: Any) -> None:
    show_accuracy(console, "A", difference.a)
    show_accuracy(console, "B", difference.b)
    agreement = difference.agreement
    rows = [
        (told, str(agreement.loc[right, True]), str(agreement.loc[right, False]))
        for right, told in ((True, "A right"), (False, "A wrong"))
    ]
    _show(console, "clips", ("", "B right", "B wrong"), rows)
    clips = difference.disagreements
    if not len(clips):
        write_line(console, "A and B give every clip the same answer.")
        return
    told = "logit" if "logit_a" in clips else "answer"
    heads = ("file", "label", f"{told} of A", f"{told} of B")
    first = [tuple(map(str, clip)) for clip in clips.head(SHOWN).itertuples(index=False)]
    _show(console, f"{len(clips)} clips on which A and B disagree", heads, first)
    if len(clips) > SHOWN:
        write_line(console, f"{len(clips) - SHOWN} more; --json lists all.")


def _show(
    console: Console, title: str, heads: Sequence[str], rows: Sequence[Sequence[str]]
) -> None:
    table = Table(*heads, title=title, title_justify="left")
    for row in rows:
        table.add_row(*map(Text, row))
    console.print(table)
