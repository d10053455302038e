"""What is inside a result file, and what its network does on labelled samples."""

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
            "twins": records(self.duplicates),
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
            "alike": records(self.duplicates),
        }
        return weights if self.behaviour is None else weights | self.behaviour.summary()
