"""What a network answers: on labelled clips, with figures, and on single files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from evobin import parallel
from evobin.audio.recordings import load_features, need_packages
from evobin.config import EvaluateConfig
from evobin.core.samples import Dataset
from evobin.core.scores import Interval, answers, margins, wilson_interval
from evobin.data.dataset import load_clip, load_dataset
from evobin.data.splits import feature_shape
from evobin.errors import EvobinError, several
from evobin.network.architecture import SPEAKER_SEX, Architecture
from evobin.network.binary import BinaryNetwork


@dataclass(frozen=True, slots=True, eq=False)
class Evaluation:
    """A network's answers to labelled clips.

    Attributes:
        clips: a row a clip: `file`, `label`, `answer`, and `logit`; of more than two classes
            `logit_0`, `logit_1` and so on instead.
        groups: a row a clip: `speaker` and the further columns of the groups file; None without.
        kind: what the column `speaker` tells apart.
    """

    clips: pd.DataFrame
    groups: pd.DataFrame | None = None
    kind: str = "speakers"

    @classmethod
    def of(cls, network: BinaryNetwork, dataset: Dataset, n_threads: int = 1) -> Evaluation:
        """Answers all clips of a data set."""
        logits = network.logits(dataset.clips, n_threads)
        columns = {"file": dataset.names, "label": dataset.labels, "answer": answers(logits)}
        names = network.architecture.logit_names
        outputs = zip(names, logits.reshape(len(logits), -1).T, strict=True)
        kind = "speakers" if network.architecture == SPEAKER_SEX else "groups"
        return cls(pd.DataFrame(columns | dict(outputs)), dataset.groups, kind)

    @property
    def logits(self) -> NDArray[np.int64]:
        """[n] int64; of more than two classes [n, n_classes]."""
        found: NDArray[np.int64] = self.clips.filter(regex=r"^logit(_\d+)?$").to_numpy()
        return found[:, 0] if found.shape[1] == 1 else found

    @property
    def n_classes(self) -> int:
        """Labels that an answer can be."""
        return 2 if self.logits.ndim == 1 else self.logits.shape[1]

    @property
    def n(self) -> int:
        """Clips."""
        return len(self.clips)

    @property
    def right(self) -> int:
        """Clips answered right."""
        return int((self.clips["answer"] == self.clips["label"]).sum())

    @property
    def accuracy(self) -> float:
        """Share of clips answered right."""
        return self.right / self.n

    @property
    def interval(self) -> Interval:
        """Wilson 95% interval of the accuracy, as if clips were independent."""
        return wilson_interval(self.right, self.n)

    @property
    def margin(self) -> float:
        """Mean margin: the logit in the direction of the label, or the gap to the best other."""
        return float(self.margins.mean())

    @property
    def margins(self) -> NDArray[np.int64]:
        """[n] int64, the margin of each clip; see `scores.margins`."""
        found: NDArray[np.int64] = margins(self.logits, self.clips["label"].to_numpy())
        return found

    @property
    def n_speakers(self) -> int | None:
        """Different speakers; None if they are not known."""
        return None if self.groups is None else int(self.groups["speaker"].nunique())

    def table(self, part: str) -> pd.DataFrame:
        """All columns in one table, and the name of the part.

        A column of the groups file that has the name of one of ours gets " (groups)" behind it.
        """
        ours = self.clips.assign(part=part)
        if self.groups is None:
            return ours
        taken = {name: f"{name} (groups)" for name in self.groups if name in ours}
        return pd.concat([ours, self.groups.rename(columns=taken)], axis=1)

    @property
    def confusion(self) -> pd.DataFrame:
        """[n_classes, n_classes] clips by label (rows) and answer (columns)."""
        table = pd.crosstab(self.clips["label"], self.clips["answer"])
        labels = range(self.n_classes)
        return table.reindex(index=labels, columns=labels, fill_value=0)

    @property
    def by_label(self) -> pd.DataFrame:
        """Accuracy by label, a table as those of `by_columns`."""
        return self._by(self.clips["label"])

    def by_columns(self) -> dict[str, pd.DataFrame]:
        """Accuracy by each further column of the groups file.

        Returns:
            For each column a table indexed by its values: `clips`, `right`, `accuracy`, `low`
            and `high` (Wilson 95%).
        """
        if self.groups is None:
            return {}
        return {str(name): self._by(self.groups[name]) for name in self.groups.columns[1:]}

    def _by(self, values: pd.Series[Any]) -> pd.DataFrame:
        right = (self.clips["answer"] == self.clips["label"]).rename("right")
        table = right.groupby(values).agg(["size", "sum"])
        table.columns = pd.Index(["clips", "right"])
        table["accuracy"] = table["right"] / table["clips"]
        limits = [
            wilson_interval(r, n) for r, n in zip(table["right"], table["clips"], strict=True)
        ]
        table["low"] = [interval.low for interval in limits]
        table["high"] = [interval.high for interval in limits]
        return table

    def summary(self) -> dict[str, Any]:
        """The figures as plain values, for summary.json."""
        figures: dict[str, Any] = {"clips": self.n, "right": self.right, "accuracy": self.accuracy}
        figures["interval"] = list(self.interval)
        figures["margin"] = self.margin
        if self.n_speakers is not None:
            figures["speakers"] = self.n_speakers
        figures["confusion"] = self.confusion.to_numpy().tolist()
        if self.n_classes > 2:
            figures["by_label"] = self.by_label.reset_index().to_dict("records")
        return figures


def evaluate(result: str | Path, config: EvaluateConfig) -> Evaluation:
    """Answers labelled clips with a result file.

    Args:
        result: the file.
        config: which clips.

    Raises:
        EvobinError: if a file has problems.
    """
    network = BinaryNetwork.load(result, config.architecture)
    shape = feature_shape(network.architecture)
    dataset = load_dataset(config.data, config.features, config.groups, shape, one_class_ok=True)
    return Evaluation.of(network, dataset, parallel.worker_count(config.n_jobs))


class Prediction(NamedTuple):
    """A network's answer to one file."""

    file: str
    label: int
    logits: tuple[int, ...]
    """One for two classes, else one a class."""

    @property
    def logit(self) -> int:
        """What the answer was decided by: the only logit, or that of the label."""
        return self.logits[0 if len(self.logits) == 1 else self.label]


def predict(
    result: str | Path, files: Sequence[str | Path], architecture: Architecture = SPEAKER_SEX
) -> list[Prediction]:
    """Answers feature files and recordings, all of them or none.

    Args:
        result: the result file.
        files: .npy files, [t, n_in]; for the built-in network, whatever ends otherwise is decoded
            as a recording, and what is answered are the features that `write_features` would write.
        architecture: the network's shape.

    Returns:
        One answer a file, in their order.

    Raises:
        EvobinError: if any file has problems; the first ten are named.
    """
    if not files:
        raise EvobinError("predict: no file is named; name at least one.")
    network = BinaryNetwork.load(result, architecture)
    shape = feature_shape(architecture)
    paths = [Path(file) for file in files]
    recordings = [path for path in paths if not _is_clip(path)]
    if recordings and architecture != SPEAKER_SEX:
        raise EvobinError(
            f"{recordings[0]}: is no .npy file; only the built-in network answers recordings."
        )
    if recordings:
        need_packages(str(recordings[0]))  # once, not as a problem of each
    clips: list[NDArray[np.floating]] = []
    problems: list[str] = []
    for path in paths:
        try:
            if _is_clip(path):
                clips.append(load_clip(path, shape))
            else:
                clips += load_features(path, shape.min_frames)
        except EvobinError as error:
            problems.append(str(error))
    if problems:
        raise several(f"{len(problems)} of {len(files)} files have problems", problems)
    logits = network.logits(clips)
    outputs = logits.reshape(len(logits), -1).tolist()
    return [
        Prediction(str(file), label, tuple(row))
        for file, label, row in zip(files, answers(logits).tolist(), outputs, strict=True)
    ]


def _is_clip(path: Path) -> bool:
    return path.suffix.lower() == ".npy"
