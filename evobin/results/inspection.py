"""What is inside a result file, what its network does on samples, and how two files differ."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from evobin.results.evaluation import Evaluation
from evobin.results.plain import Json, records


@dataclass(frozen=True, slots=True, eq=False)
class Behaviour:
    """What a network does on labelled samples.

    Attributes:
        evaluation: its predictions.
        rates: a row a layer and channel: `layer`, `channel`, `rate`, how often its sign is +1, from
            0 to 1. The last convolution's channels come a second time, as "max": after the max over
            time.
        duplicates: a row a channel that has the signs of an earlier one of its layer at every
            position of every sample, or the opposite ones: `layer`, `channel`, `of`, `negated`.
        margins: a row a label and quantile of the margin, the logit in the direction of the label
            or, of more than two classes, the label's own less the largest other:
            `label` ("all", "0", "1" and so on), `quantile`, `margin`.
        looked_at: layers whose flips were tried, every single one.
        hanging: a row a layer and sample whose predicted label some single flip in that layer
            turns over: `layer`, `file`, `label`, and `logit`; of more than two classes instead
            `margin`, and whether it is `right` now.
    """

    evaluation: Evaluation
    rates: pd.DataFrame
    duplicates: pd.DataFrame
    margins: pd.DataFrame
    looked_at: tuple[str, ...]
    hanging: pd.DataFrame

    def summary(self) -> dict[str, Json]:
        """All of it as plain values, tables as lists of rows."""
        return {
            "evaluation": self.evaluation.summary(),
            "rates": records(self.rates),
            "duplicate_channels": records(self.duplicates),
            "margins": records(self.margins),
            "hanging": records(self.hanging),
            "looked_at": list(self.looked_at),
        }


@dataclass(frozen=True, slots=True, eq=False)
class Inspection:
    """What is in a result file.

    Attributes:
        layers: a row a layer: `layer`, `shape`, `weights`, `biases`, `fan_in`, and the shares of +1
            among them, `positive` and `positive_biases`.
        duplicates: a row a channel whose filter and bias are those of an earlier one of its layer,
            or those negated: `layer`, `channel`, `of`, `negated`, and `cancels`, whether the
            outgoing weights of the two are opposite everywhere, so that neither has any influence.
        behaviour: on labelled samples; None without any.
    """

    layers: pd.DataFrame
    duplicates: pd.DataFrame
    behaviour: Behaviour | None = None

    def summary(self) -> dict[str, Json]:
        """All of it as plain values, tables as lists of rows."""
        weights: dict[str, Json] = {
            "layers": records(self.layers),
            "duplicate_filters": records(self.duplicates),
        }
        return weights if self.behaviour is None else weights | self.behaviour.summary()


@dataclass(frozen=True, slots=True, eq=False)
class Difference:
    """What differs between two result files, A and B.

    Attributes:
        layers: a row a layer: `layer`, `weights` (biases among them), `differ`, `share`; `moved`,
            channels of B that equal another channel of A, with inputs in A's order; and `remain`,
            weights that still differ when all channels of B are put into A's order.
        a: the first file's predictions; None without labelled samples.
        b: the second file's predictions.
    """

    layers: pd.DataFrame
    a: Evaluation | None = None
    b: Evaluation | None = None

    @property
    def agreement(self) -> pd.DataFrame:
        """[2, 2] samples by whether A is right (rows) and whether B is (columns).

        Raises:
            ValueError: if there are no samples.
        """
        table = self._predictions()
        right = {name: table[f"answer_{name}"] == table["label"] for name in ("a", "b")}
        counts = pd.crosstab(right["a"], right["b"])
        return counts.reindex(index=[True, False], columns=[True, False], fill_value=0)

    @property
    def disagreements(self) -> pd.DataFrame:
        """A row a sample for which A and B predict different labels: `file`, `label`, both logits.

        Of more than two classes, both predicted labels instead of the logits.

        Raises:
            ValueError: if there are no samples.
        """
        table = self._predictions()
        rows = table[table["answer_a"] != table["answer_b"]]
        column = "logit" if "logit_a" in table else "answer"
        return rows[["file", "label", f"{column}_a", f"{column}_b"]].reset_index(drop=True)

    def summary(self) -> dict[str, Json]:
        """All of it as plain values, tables as lists of rows."""
        plain: dict[str, Json] = {"layers": records(self.layers)}
        if self.a is not None and self.b is not None:
            plain |= {"a": self.a.summary(), "b": self.b.summary()}
            plain["agreement"] = self.agreement.to_numpy().tolist()
            plain["disagreements"] = records(self.disagreements)
        return plain

    def _predictions(self) -> pd.DataFrame:
        if self.a is None or self.b is None:
            raise ValueError("`config` must name `data` to compare predictions, but it names none.")
        samples = self.a.samples[["file", "label"]]
        for name, evaluation in (("a", self.a), ("b", self.b)):
            columns = evaluation.samples.filter(["answer", "logit"])
            samples = samples.join(columns.add_suffix(f"_{name}"))
        return samples
