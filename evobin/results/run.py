"""What a search or polish of a network leaves."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from evobin.network.binary import BinaryNetwork
from evobin.results.evaluation import Evaluation

RESULT = "result.txt"  # the result file's name in its run folder
MODEL = "model.evobin"  # the model file's name there
USES = {
    "train": "trained on",
    "valid": "used to choose among candidates, so a little too high",
    "test": "looked at once, now",
    "before": "validation part, the file as it was",
}
"""What each part of the samples was used for, for a person."""


@dataclass(frozen=True, slots=True, eq=False)
class RunResult:
    """What a run leaves.

    Attributes:
        folder: the run folder.
        network: the network of its result file.
        note: how the samples were split.
        parts: the network's predictions by part: "train", "valid" and, if there is one, "test".
        start: predictions of the file that was polished, for the validation samples; None for a
            search.
        report: the page that shows the run; None where none was written.
    """

    folder: Path
    network: BinaryNetwork
    note: str
    parts: dict[str, Evaluation]
    start: Evaluation | None = None
    report: Path | None = None

    @property
    def result(self) -> Path:
        """The result file."""
        return self.folder / RESULT

    @property
    def model(self) -> Path:
        """The model file."""
        return self.folder / MODEL
