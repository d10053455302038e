"""What differs between two result files: weights by layer, and predictions."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from evobin.results.evaluation import Evaluation
from evobin.results.plain import Json, records


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
