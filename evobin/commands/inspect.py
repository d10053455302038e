"""Looks inside a model file or result file: its weights, and what its channels do."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from evobin import parallel
from evobin.commands.samples import load_samples
from evobin.config import ClipsConfig
from evobin.core.samples import Dataset
from evobin.errors import SettingError
from evobin.models.model import Model, load
from evobin.network.analysis.channels import DuplicateChannel, duplicate_channels, duplicate_filters
from evobin.network.analysis.firing import firing_rates, pooled
from evobin.network.analysis.turns import turned_by_any, turned_by_last_layers
from evobin.network.architecture import Architecture
from evobin.network.binary import BinaryNetwork
from evobin.network.flips.batch import MAX_FEATURE
from evobin.results.evaluation import Evaluation
from evobin.results.inspection import Behaviour, Inspection

QUANTILES = (0.0, 0.05, 0.25, 0.5, 0.75, 0.95, 1.0)


def inspect(
    result: str | Path, config: ClipsConfig | None = None, *, every_flip: bool = False
) -> Inspection:
    """Looks into a model file or result file, and at what it does on any labelled samples.

    Args:
        result: the file.
        config: which samples; by default only weights are looked at.
        every_flip: try the flips of all layers, not only of the last two, to see which predictions
            they turn over: minutes for 2,000 samples.

    Raises:
        EvobinError: if a file has problems.
        SettingError: if flips are to be tried without samples, or on one of more than 32,767
            frames.

    Example:
        >>> import tempfile
        >>> from evobin.network.presets import SPEAKER_SEX
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
    model = load(result, config.architecture)
    network = model.network
    architecture, signs = network.architecture, network.signs
    duplicates = _duplicate_table(architecture, duplicate_filters(architecture, signs))
    inspection = Inspection(_layer_table(network), duplicates)
    samples = load_samples(config, [model], MAX_FEATURE)
    if samples is None:
        return inspection
    behaviour = _behaviour(model, samples[0], config.n_jobs, every_flip)
    return replace(inspection, behaviour=behaviour)


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


def _duplicate_table(
    architecture: Architecture, duplicates: Iterable[DuplicateChannel]
) -> pd.DataFrame:
    rows = [(architecture.layers[found.block].name, *found[1:]) for found in duplicates]
    return pd.DataFrame(rows, columns=["layer", "channel", "of", "negated", "cancels"])


def _behaviour(model: Model, dataset: Dataset, n_jobs: int, every_flip: bool) -> Behaviour:
    n_threads, network = parallel.worker_count(n_jobs), model.network
    evaluation = Evaluation.of(network, dataset, n_threads, model.classes)
    layers = network.architecture.layers
    if every_flip:
        turned = turned_by_any(network, dataset.samples, layers, n_threads)
    else:
        turned = turned_by_last_layers(network, dataset.samples, evaluation.logits, n_threads)
    samples = evaluation.samples.filter(["file", "label", "logit"])
    if "logit" not in samples:
        right = evaluation.samples["answer"] == evaluation.samples["label"]
        samples = samples.assign(margin=evaluation.margins, right=right)
    hanging = [samples[rows].assign(layer=name) for name, rows in turned.items()]
    found = _duplicate_table(network.architecture, duplicate_channels(network, dataset.samples))
    return Behaviour(
        evaluation,
        pooled(firing_rates(network, dataset, n_threads), ["layer", "channel"]).reset_index(),
        found.drop(columns="cancels"),
        _margin_table(evaluation),
        tuple(turned),
        pd.concat(hanging, ignore_index=True)[["layer", *samples]],
    )


def _margin_table(evaluation: Evaluation) -> pd.DataFrame:
    labels = evaluation.samples["label"].to_numpy()
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
