"""What a search or polish of a network leaves."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from evobin.core.evidence import Verdict
from evobin.network.binary import BinaryNetwork
from evobin.results.evaluation import Evaluation
from evobin.results.plain import Json

RESULT = "result.txt"  # the result file's name in its run folder
MODEL = "model.evobin"  # the model file's name there
USES = {
    "train": "trained on",
    "valid": "used to choose among candidates, so a little too high",
    "test": "looked at once, now",
    "before": "the file as it was, which may have been trained on them",
}
"""What each part of the samples was used for, for a person."""


@dataclass(frozen=True, slots=True, eq=False)
class RunResult:
    """What a run leaves.

    Attributes:
        folder: the run folder.
        network: the network of its result file.
        note: how the samples were split.
        parts: predictions by part: "train" and, if there is one, "test" of the network; "valid" of
            the samples that folds hold out, each of a network that was trained without it.
        start: predictions of the file that was polished, for "valid"; None for a search.
        folds: how many there are.
        refit: whether the network was trained on all labelled samples; else it is the one of the
            first fold.
        verdicts: what the samples held out say of the stages.
        is_kept: whether the network is that of the file that was polished, as it was.
        report: the page that shows the run; None where none was written.
    """

    folder: Path
    network: BinaryNetwork
    note: str
    parts: dict[str, Evaluation]
    start: Evaluation | None = None
    folds: int = 1
    refit: bool = True
    verdicts: tuple[Verdict, ...] = ()
    is_kept: bool = False
    report: Path | None = None

    @property
    def result(self) -> Path:
        """The result file."""
        return self.folder / RESULT

    @property
    def model(self) -> Path:
        """The model file."""
        return self.folder / MODEL

    @property
    def uses(self) -> dict[str, str]:
        """What each part was used for, for a person."""
        return USES | {"valid": self._use_of_held_out}

    @property
    def _use_of_held_out(self) -> str:
        if self.is_kept:
            return USES["before"]
        if not self.refit:
            return "not trained on"
        if self.folds == 1:
            use = "answered by a network that was trained without them"
            return f"{use}, and asked what pays" if self.verdicts else use
        return f"{self.folds} folds, each answered by a network that was trained without it"

    def summary(self) -> dict[str, Json]:
        """The figures as plain values, for summary.json."""
        uses = self.uses
        summary: dict[str, Json] = {
            "note": self.note,
            "folds": self.folds,
            "refit": self.refit,
            "kept": self.is_kept,
            "parts": {
                name: part.summary() | {"use": uses[name]} for name, part in self.parts.items()
            },
            "verdicts": [verdict.plain() for verdict in self.verdicts],
        }
        if self.start is not None:
            summary["before"] = self.start.summary() | {"use": uses["before"]}
        return summary
