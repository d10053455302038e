"""What a network predicts: for labelled samples, with figures, and for single files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from evobin.core.calibration import temperature_of
from evobin.core.evidence import interval_of
from evobin.core.samples import Dataset
from evobin.core.scores import Interval, margins, predictions, wilson_interval
from evobin.lazy import pd
from evobin.network.binary import BinaryNetwork
from evobin.network.presets import ANY_NETWORK, Preset, preset_of
from evobin.results.plain import Json, records


@dataclass(frozen=True, slots=True, eq=False)
class Evaluation:
    """A network's predictions for labelled samples.

    Attributes:
        samples: a row a sample, with the columns of clips.csv: `file`, `label`, `answer` (the
            predicted label), and `logit`; of more than two classes `logit_0`, `logit_1` and so on
            instead.
        groups: a row a sample: `speaker` and the further columns of the groups file; None without.
        preset: the network's, for the words that a person reads.
        classes: [n_classes] what each label stands for; None if it stands for itself.
    """

    samples: pd.DataFrame
    groups: pd.DataFrame | None = None
    preset: Preset = ANY_NETWORK
    classes: NDArray[Any] | None = None

    @classmethod
    def of(
        cls,
        network: BinaryNetwork,
        dataset: Dataset,
        n_threads: int = 1,
        classes: NDArray[Any] | None = None,
    ) -> Evaluation:
        """Predicts the labels of a data set."""
        logits = network.logits(dataset.samples, n_threads)
        columns = {"file": dataset.names, "label": dataset.labels, "answer": predictions(logits)}
        names = network.architecture.logit_names
        outputs = zip(names, logits.reshape(len(logits), -1).T, strict=True)
        samples = pd.DataFrame(columns | dict(outputs))
        return cls(samples, dataset.groups, preset_of(network.architecture), classes)

    @classmethod
    def joined(cls, parts: Sequence[Evaluation]) -> Evaluation:
        """Those of several networks of one shape, each of samples of its own."""
        groups = [part.groups for part in parts if part.groups is not None]
        first = parts[0]
        return cls(
            pd.concat([part.samples for part in parts], ignore_index=True),
            pd.concat(groups, ignore_index=True) if groups else None,
            first.preset,
            first.classes,
        )

    @property
    def logits(self) -> NDArray[np.int64]:
        """[n] int64; of more than two classes [n, n_classes]."""
        found: NDArray[np.int64] = self.samples.filter(regex=r"^logit(_\d+)?$").to_numpy()
        return found[:, 0] if found.shape[1] == 1 else found

    @property
    def n_classes(self) -> int:
        """Labels that can be predicted."""
        return 2 if self.logits.ndim == 1 else self.logits.shape[1]

    @property
    def class_names(self) -> list[str]:
        """[n_classes] what a person calls each label."""
        return [str(name) for name in self._classes]

    @property
    def _classes(self) -> list[Any]:
        return list(range(self.n_classes)) if self.classes is None else self.classes.tolist()

    @property
    def n(self) -> int:
        """Samples."""
        return len(self.samples)

    @property
    def right(self) -> int:
        """Samples whose label is predicted right."""
        return int((self.samples["answer"] == self.samples["label"]).sum())

    @property
    def accuracy(self) -> float:
        """Share of samples whose label is predicted right."""
        return self.right / self.n

    @property
    def interval(self) -> Interval:
        """95% interval of the accuracy, by groups where these are known; see `interval_of`."""
        right = (self.samples["answer"] == self.samples["label"]).to_numpy()
        if self.groups is None:
            return interval_of(right, None)
        return interval_of(right, np.unique(self.groups["speaker"], return_inverse=True)[1])

    @property
    def margin(self) -> float:
        """Mean margin: the logit in the direction of the label, or the gap to the best other."""
        return float(self.margins.mean())

    @property
    def margins(self) -> NDArray[np.int64]:
        """[n] int64, the margin of each sample; see `scores.margins`."""
        found: NDArray[np.int64] = margins(self.logits, self.samples["label"].to_numpy())
        return found

    @property
    def temperature(self) -> float:
        """What makes these labels most likely; see `temperature_of`."""
        return temperature_of(self.logits, self.samples["label"].to_numpy())

    @property
    def n_groups(self) -> int | None:
        """Different groups; None if they are not known."""
        return None if self.groups is None else int(self.groups["speaker"].nunique())

    def table(self, part: str) -> pd.DataFrame:
        """All columns in one table, and the name of the part.

        A column of the groups file that has the name of one of ours gets " (groups)" appended.
        """
        ours = self.samples.assign(part=part)
        if self.groups is None:
            return ours
        taken = {name: f"{name} (groups)" for name in self.groups if name in ours}
        return pd.concat([ours, self.groups.rename(columns=taken)], axis=1)

    @property
    def confusion(self) -> pd.DataFrame:
        """[n_classes, n_classes] samples by label (rows) and predicted label (columns)."""
        table = pd.crosstab(self.samples["label"], self.samples["answer"])
        labels = range(self.n_classes)
        return table.reindex(index=labels, columns=labels, fill_value=0)

    @property
    def by_label(self) -> pd.DataFrame:
        """Accuracy by label, a table as `accuracy_by` makes."""
        return accuracy_by(self.samples, self.samples["label"])

    def by_columns(self) -> dict[str, pd.DataFrame]:
        """Accuracy by each further column of the groups file: tables as `accuracy_by` makes."""
        if self.groups is None:
            return {}
        columns = self.groups.columns[1:]
        return {str(name): accuracy_by(self.samples, self.groups[name]) for name in columns}

    def summary(self) -> dict[str, Json]:
        """The figures as plain values, for summary.json."""
        figures: dict[str, Json] = {
            "clips": self.n,
            "right": self.right,
            "accuracy": self.accuracy,
            "interval": list(self.interval),
            "margin": self.margin,
        }
        if self.n_groups is not None:
            figures["speakers"] = self.n_groups
        figures["confusion"] = self.confusion.to_numpy().tolist()
        if self._classes != list(range(self.n_classes)):
            figures["classes"] = self._classes
        if self.n_classes > 2:
            figures["by_label"] = records(self.by_label.reset_index())
        return figures


def accuracy_by(samples: pd.DataFrame, by: Any) -> pd.DataFrame:
    """A row a value of one or several series, the index: what is right of the samples with it.

    Columns: `clips` (samples), `right`, `accuracy`, `low` and `high` (Wilson 95%).
    """
    right = samples["answer"] == samples["label"]
    table = pd.DataFrame(right.groupby(by).agg(clips="size", right="sum"))
    table["accuracy"] = table["right"] / table["clips"]
    limits = [wilson_interval(r, n) for r, n in zip(table["right"], table["clips"], strict=True)]
    table[["low", "high"]] = np.array(limits).reshape(-1, 2)
    return table


class Prediction(NamedTuple):
    """A network's prediction for one file."""

    file: str
    label: Any
    """Of a result file a whole number from 0, of a model file one of its classes."""
    logits: tuple[int, ...]
    """One for two classes, else one a class."""
