"""Compares two model files or result files."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from evobin import parallel
from evobin.commands.samples import load_samples
from evobin.config import ClipsConfig
from evobin.core.problem import Solution
from evobin.errors import EvobinError
from evobin.models.model import Model, is_model_file, load
from evobin.network.architecture import Architecture
from evobin.network.flips.batch import MAX_FEATURE
from evobin.results.evaluation import Evaluation
from evobin.results.inspection import Difference

Order = NDArray[np.intp]


def diff(a: str | Path, b: str | Path, config: ClipsConfig | None = None) -> Difference:
    """Compares two models or result files, and their predictions if there are labelled samples.

    Args:
        a: one model file or result file.
        b: the other.
        config: which samples; by default only weights are compared.

    Raises:
        EvobinError: if a file has problems.

    Example:
        >>> import tempfile
        >>> from evobin.network.binary import BinaryNetwork
        >>> from evobin.network.presets import SPEAKER_SEX
        >>> folder, signs = Path(tempfile.mkdtemp()), np.ones(SPEAKER_SEX.n_weights)
        >>> BinaryNetwork(SPEAKER_SEX, signs).save(folder / "a.txt")
        >>> BinaryNetwork(SPEAKER_SEX, -signs).save(folder / "b.txt")
        >>> diff(folder / "a.txt", folder / "b.txt").layers["share"].tolist()
        [1.0, 1.0, 1.0, 1.0]
    """
    config = config or ClipsConfig()
    models = _load_both(Path(a), Path(b), config.architecture)
    networks = [model.network for model in models]
    architecture = networks[0].architecture
    difference = Difference(_compared_layers(architecture, networks[0].signs, networks[1].signs))
    samples = load_samples(config, models, MAX_FEATURE)
    if samples is None:
        return difference
    n_threads = parallel.worker_count(config.n_jobs)
    of_a, of_b = (
        Evaluation.of(model.network, dataset, n_threads, model.classes)
        for model, dataset in zip(models, samples, strict=True)
    )
    return replace(difference, a=of_a, b=of_b)


def _load_both(a: Path, b: Path, architecture: Architecture) -> tuple[Model, Model]:
    """Both models; a result file is of the shape that is named, or that of the other's model."""
    other = load(b) if is_model_file(b) else None
    first = load(a, architecture if other is None else other.network.architecture)
    second = load(b, first.network.architecture)
    if first.inputs != second.inputs:
        raise EvobinError(
            f"{b}: takes {second.n_features:,} features a sample, and {a} {first.n_features:,}; "
            "compare models of the same samples."
        )
    return first, second


def _compared_layers(architecture: Architecture, a: Solution, b: Solution) -> pd.DataFrame:
    rows = []
    inputs: Order = np.arange(architecture.n_in)  # of B, in A's order
    for layer in architecture.layers:
        size = layer.stop - layer.start
        part = slice(layer.start, layer.stop)
        differ = int((a[part] != b[part]).sum())
        ours = _rows(layer.weights(a), layer.bias(a))
        theirs = _rows(layer.weights(b)[:, inputs], layer.bias(b))
        outputs, moved = _align(ours, theirs)
        remain = int((ours != theirs[outputs]).sum())
        rows.append((layer.name, size, differ, differ / size, moved, remain))
        inputs = outputs  # of the next layer
    columns = ["layer", "weights", "differ", "share", "moved", "remain"]
    return pd.DataFrame(rows, columns=columns)


def _rows(weights: Solution, bias: Solution) -> Solution:
    return np.column_stack([weights.reshape(len(weights), -1), bias])


def _align(ours: Solution, theirs: Solution) -> tuple[Order, int]:
    """Which channel of B stands where A has an equal one, and how many of those do so elsewhere.

    Channels that equal none keep their places as far as these are free.
    """
    free: dict[bytes, list[int]] = {}
    order = np.full(len(ours), -1)
    for channel, row in enumerate(theirs):
        if np.array_equal(row, ours[channel]):
            order[channel] = channel
        else:
            free.setdefault(row.tobytes(), []).append(channel)
    moved = 0
    for channel in np.flatnonzero(order < 0).tolist():
        equal = free.get(ours[channel].tobytes())
        if equal:
            order[channel] = equal.pop(0)
            moved += 1
    left = {*range(len(ours))} - {*order.tolist()}
    for channel in np.flatnonzero(order < 0).tolist():
        if channel in left:
            order[channel] = channel
    order[order < 0] = sorted(left - {*order.tolist()})
    return order, moved
