"""Inside a result file: its weights, what its channels do on clips, how sure its answers are."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from evobin import parallel
from evobin.commands.evaluate import Evaluation
from evobin.config import ClipsConfig
from evobin.core.samples import Dataset
from evobin.data.dataset import load_dataset
from evobin.data.splits import feature_shape
from evobin.errors import SettingError
from evobin.network.analysis.channels import Alike, equal_filters, twins
from evobin.network.analysis.firing import firing_rates, pooled
from evobin.network.analysis.turns import turned_by_any, turned_by_last_layers
from evobin.network.architecture import Architecture
from evobin.network.binary import BinaryNetwork
from evobin.network.flips.state import MAX_FEATURE

QUANTILES = (0.0, 0.05, 0.25, 0.5, 0.75, 0.95, 1.0)


@dataclass(frozen=True, slots=True, eq=False)
class Behaviour:
    """What a network does on labelled clips.

    Attributes:
        evaluation: its answers.
        rates: a row a layer and channel: `layer`, `channel`, `rate`, how often its sign is +1, from
            0 to 1. The last convolution's channels come a second time, as "max": behind the max
            over time.
        twins: a row a channel that has the signs of an earlier one of its layer at every position
            of every clip, or the opposite ones: `layer`, `channel`, `of`, `negated`.
        margins: a row a label and quantile of the margin, the logit in the direction of the label
            or, of more than two classes, the label's own less the largest other:
            `label` ("all", "0", "1" and so on), `quantile`, `margin`.
        looked_at: layers whose flips were tried, every single one.
        hanging: a row a layer and clip whose answer some single flip in that layer turns over:
            `layer`, `file`, `label`, and `logit`; of more than two classes instead `margin`, and
            whether it is `right` now.
    """

    evaluation: Evaluation
    rates: pd.DataFrame
    twins: pd.DataFrame
    margins: pd.DataFrame
    looked_at: tuple[str, ...]
    hanging: pd.DataFrame


@dataclass(frozen=True, slots=True, eq=False)
class Inspection:
    """What is in a result file.

    Attributes:
        layers: a row a layer: `layer`, `shape`, `weights`, `biases`, `fan_in`, and the shares of +1
            among them, `positive` and `positive_biases`.
        alike: a row a channel whose filter and bias are those of an earlier one of its layer, or
            those negated: `layer`, `channel`, `of`, `negated`, and `cancels`, whether the outgoing
            weights of the two are opposite everywhere, so that neither has any influence.
        behaviour: on labelled clips; None without any.
    """

    layers: pd.DataFrame
    alike: pd.DataFrame
    behaviour: Behaviour | None = None

    def summary(self) -> dict[str, Any]:
        """All of it as plain values, tables as lists of rows."""
        told: dict[str, Any] = {"layers": records(self.layers), "alike": records(self.alike)}
        seen = self.behaviour
        if seen is not None:
            told["evaluation"] = seen.evaluation.summary()
            for name in ("rates", "twins", "margins", "hanging"):
                told[name] = records(getattr(seen, name))
            told["looked_at"] = list(seen.looked_at)
        return told


def inspect(
    result: str | Path, config: ClipsConfig | None = None, *, every_flip: bool = False
) -> Inspection:
    """Looks into a result file, and at what it does on labelled clips if there are any.

    Args:
        result: the file.
        config: which clips; by default only weights are looked at.
        every_flip: try the flips of all layers, not only of the last two, to see which answers they
            turn over: minutes for 2,000 clips.

    Raises:
        EvobinError: if a file has problems.
        SettingError: if flips are to be tried without clips, or on one of more than 32,767 frames.

    Example:
        >>> import tempfile
        >>> from evobin.network.architecture import SPEAKER_SEX
        >>> result = Path(tempfile.mkdtemp()) / "result.txt"
        >>> BinaryNetwork(SPEAKER_SEX, np.ones(SPEAKER_SEX.n_weights)).save(result)
        >>> inspect(result).layers[["layer", "shape", "positive"]]
            layer      shape  positive
        0   conv1   128x64x9       1.0
        1   conv2  128x128x9       1.0
        2   conv3  128x128x9       1.0
        3  linear      1x128       1.0
    """
    config = config or ClipsConfig()
    if every_flip and config.data is None:
        raise SettingError("`every_flip` needs `data`; name both or neither.")
    network = BinaryNetwork.load(result, config.architecture)
    architecture, signs = network.architecture, network.signs
    alike = _alike_table(architecture, equal_filters(architecture, signs))
    inspection = Inspection(_layer_table(network), alike)
    dataset = load_clips(config, architecture)
    if dataset is None:
        return inspection
    return replace(inspection, behaviour=_behaviour(network, dataset, config.n_jobs, every_flip))


def load_clips(config: ClipsConfig, architecture: Architecture) -> Dataset | None:
    """The labelled clips that the user named; None without any.

    Raises:
        EvobinError: if a file has problems.
    """
    if config.data is None or config.features is None:
        return None
    shape = replace(feature_shape(architecture), largest=MAX_FEATURE)
    return load_dataset(config.data, config.features, config.groups, shape, one_class_ok=True)


def records(table: pd.DataFrame) -> list[dict[str, Any]]:
    """The rows of a table as plain values."""
    return [{str(name): value for name, value in row.items()} for row in table.to_dict("records")]


def _layer_table(network: BinaryNetwork) -> pd.DataFrame:
    rows = []
    for layer in network.architecture.layers:
        weights, bias = layer.weights(network.signs), layer.bias(network.signs)
        rows.append(
            {
                "layer": layer.name,
                "shape": "x".join(map(str, layer.shape)),
                "weights": layer.n_weights,
                "biases": len(bias),
                "fan_in": layer.fan_in,
                "positive": float((weights > 0).mean()),
                "positive_biases": float((bias > 0).mean()),
            }
        )
    return pd.DataFrame(rows)


def _alike_table(architecture: Architecture, alike: Iterable[Alike]) -> pd.DataFrame:
    rows = [(architecture.layers[found.block].name, *found[1:]) for found in alike]
    return pd.DataFrame(rows, columns=["layer", "channel", "of", "negated", "cancels"])


def _behaviour(
    network: BinaryNetwork, dataset: Dataset, n_jobs: int, every_flip: bool
) -> Behaviour:
    n_threads = parallel.worker_count(n_jobs)
    evaluation = Evaluation.of(network, dataset, n_threads)
    layers = network.architecture.layers
    if every_flip:
        turned = turned_by_any(network, dataset.clips, layers, n_threads)
    else:
        turned = turned_by_last_layers(network, dataset.clips, evaluation.logits, n_threads)
    answers = evaluation.clips.filter(["file", "label", "logit"])
    if "logit" not in answers:
        right = evaluation.clips["answer"] == evaluation.clips["label"]
        answers = answers.assign(margin=evaluation.margins, right=right)
    hanging = [answers[rows].assign(layer=name) for name, rows in turned.items()]
    found = _alike_table(network.architecture, twins(network, dataset.clips))
    return Behaviour(
        evaluation,
        pooled(firing_rates(network, dataset, n_threads), ["layer", "channel"]).reset_index(),
        found.drop(columns="cancels"),
        _margin_table(evaluation),
        tuple(turned),
        pd.concat(hanging, ignore_index=True)[["layer", *answers]],
    )


def _margin_table(evaluation: Evaluation) -> pd.DataFrame:
    labels = evaluation.clips["label"].to_numpy()
    every = evaluation.margins
    parts = {"all": every}
    parts |= {str(label): every[labels == label] for label in range(evaluation.n_classes)}
    rows = [
        (name, quantile, float(np.quantile(part, quantile)))
        for name, part in parts.items()
        if len(part)
        for quantile in QUANTILES
    ]
    return pd.DataFrame(rows, columns=["label", "quantile", "margin"])
