"""What differs between two result files: weights by layer, and answers to labelled clips."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from evobin import parallel
from evobin.commands.evaluate import Evaluation
from evobin.commands.inspect import load_clips, records
from evobin.config import ClipsConfig
from evobin.core.problem import Solution
from evobin.network.architecture import Architecture
from evobin.network.binary import BinaryNetwork

Order = NDArray[np.intp]


@dataclass(frozen=True, slots=True, eq=False)
class Difference:
    """What differs between two result files, A and B.

    Attributes:
        layers: a row a layer: `layer`, `weights` (biases among them), `differ`, `share`; `moved`,
            channels of B that equal another channel of A, with inputs in A's order; and `remain`,
            weights that still differ when all channels of B are put into A's order.
        a: the first file's answers; None without labelled clips.
        b: the second file's answers.
    """

    layers: pd.DataFrame
    a: Evaluation | None = None
    b: Evaluation | None = None

    @property
    def agreement(self) -> pd.DataFrame:
        """[2, 2] clips by whether A is right (rows) and whether B is (columns).

        Raises:
            ValueError: if there are no clips.
        """
        table = self._answers()
        right = {name: table[f"answer_{name}"] == table["label"] for name in ("a", "b")}
        counts = pd.crosstab(right["a"], right["b"])
        return counts.reindex(index=[True, False], columns=[True, False], fill_value=0)

    @property
    def disagreements(self) -> pd.DataFrame:
        """A row a clip to which A and B give different answers: `file`, `label` and both logits.

        Of more than two classes, both answers instead of the logits.

        Raises:
            ValueError: if there are no clips.
        """
        table = self._answers()
        rows = table[table["answer_a"] != table["answer_b"]]
        told = "logit" if "logit_a" in table else "answer"
        return rows[["file", "label", f"{told}_a", f"{told}_b"]].reset_index(drop=True)

    def summary(self) -> dict[str, Any]:
        """All of it as plain values, tables as lists of rows."""
        told: dict[str, Any] = {"layers": records(self.layers)}
        if self.a is not None and self.b is not None:
            told |= {"a": self.a.summary(), "b": self.b.summary()}
            told["agreement"] = self.agreement.to_numpy().tolist()
            told["disagreements"] = records(self.disagreements)
        return told

    def _answers(self) -> pd.DataFrame:
        if self.a is None or self.b is None:
            raise ValueError("`config` must name `data` to compare answers, but it names none.")
        clips = self.a.clips[["file", "label"]]
        for name, part in (("a", self.a), ("b", self.b)):
            answers = part.clips.filter(["answer", "logit"])
            clips = clips.join(answers.add_suffix(f"_{name}"))
        return clips


def diff(a: str | Path, b: str | Path, config: ClipsConfig | None = None) -> Difference:
    """Compares two result files, and their answers to labelled clips if there are any.

    Args:
        a: one file.
        b: the other.
        config: which clips; by default only weights are compared.

    Raises:
        EvobinError: if a file has problems.

    Example:
        >>> import tempfile
        >>> from evobin.network.architecture import SPEAKER_SEX
        >>> folder, signs = Path(tempfile.mkdtemp()), np.ones(SPEAKER_SEX.n_weights)
        >>> BinaryNetwork(SPEAKER_SEX, signs).save(folder / "a.txt")
        >>> BinaryNetwork(SPEAKER_SEX, -signs).save(folder / "b.txt")
        >>> diff(folder / "a.txt", folder / "b.txt").layers["share"].tolist()
        [1.0, 1.0, 1.0, 1.0]
    """
    config = config or ClipsConfig()
    networks = [BinaryNetwork.load(path, config.architecture) for path in (a, b)]
    architecture = networks[0].architecture
    difference = Difference(_layer_table(architecture, networks[0].signs, networks[1].signs))
    dataset = load_clips(config, architecture)
    if dataset is None:
        return difference
    n_threads = parallel.worker_count(config.n_jobs)
    answers = [Evaluation.of(network, dataset, n_threads) for network in networks]
    return replace(difference, a=answers[0], b=answers[1])


def _layer_table(architecture: Architecture, a: Solution, b: Solution) -> pd.DataFrame:
    rows = []
    inputs: Order = np.arange(architecture.n_in)  # of B, in A's order
    for layer in architecture.layers:
        size = layer.stop - layer.start
        part = slice(layer.start, layer.stop)
        differ = int((a[part] != b[part]).sum())
        ours = np.column_stack([_rows(layer.weights(a)), layer.bias(a)])
        theirs = np.column_stack([_rows(layer.weights(b)[:, inputs]), layer.bias(b)])
        outputs, moved = _align(ours, theirs)
        remain = int((ours != theirs[outputs]).sum())
        rows.append((layer.name, size, differ, differ / size, moved, remain))
        inputs = outputs  # of the next layer
    columns = ["layer", "weights", "differ", "share", "moved", "remain"]
    return pd.DataFrame(rows, columns=columns)


def _rows(weights: Solution) -> Solution:
    return weights.reshape(len(weights), -1)


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
