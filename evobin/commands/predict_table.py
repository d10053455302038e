"""What a network predicts for the rows of a table."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from evobin.commands.samples import meaning_for
from evobin.config.data import TABLE_ENDINGS
from evobin.core.calibration import class_probabilities
from evobin.core.samples import Samples
from evobin.core.scores import predictions
from evobin.data.labelled_tables import Roles, read_labelled
from evobin.errors import EvobinError
from evobin.models.model import Model, load
from evobin.network.architecture import Architecture
from evobin.network.presets import SPEAKER_SEX


class Answers(NamedTuple):
    """What is predicted for a table.

    Attributes:
        head: the names of the columns of `rows`.
        rows: a row of texts for each good row: its name, the prediction and, where the model has a
            temperature, the probability of each class.
        problems: a line for each problem of the others.
    """

    head: tuple[str, ...]
    rows: list[tuple[str, ...]]
    problems: list[str]


def predict_table(
    result: str | Path,
    path: str | Path,
    architecture: Architecture = SPEAKER_SEX,
    *,
    row_column: str | None = None,
    drop: Sequence[str] = (),
) -> Answers:
    """Predicts the class of each row of a table, also where some rows have problems.

    Columns of labels and groups, and those that the search left out, may be there or not.

    Args:
        result: the model file, or result file.
        path: csv, tsv, parquet, or npz with an array X.
        architecture: the shape of a result file's network; a model file has its own.
        row_column: the column that names the rows; without one, they are named by their lines.
        drop: further columns to leave out.

    Raises:
        EvobinError: if a file or a whole column has problems.
    """
    path, model = Path(path), load(result, architecture)
    meaning = meaning_for(path, model.header)
    ignored = meaning.roles(None, None, ()).ignored
    roles = Roles(drop=tuple(drop), ignored=ignored, row=row_column)
    table = read_labelled(path, roles, meaning.known)
    if not table.raw.is_whole:
        table.raw.raise_if_wrong()
    good = np.flatnonzero(~table.raw.bad)
    answers = _answers(model, meaning.inputs(table.some(good))) if len(good) else []
    names = table.raw.lines.astype(str).tolist() if row_column is None else table.rows
    rows = [(names[row], *found) for row, found in zip(good.tolist(), answers, strict=True)]
    problems = [problem.text for problem in table.raw.sorted_problems]
    head: tuple[str, ...] = (row_column or table.raw.word, "prediction")
    if model.temperature is not None:
        head += tuple(map(str, model.classes.tolist()))
    return Answers(head, rows, problems)


def _answers(model: Model, inputs: NDArray[Any]) -> list[tuple[str, ...]]:
    """The prediction for each row and, where they are known, the probabilities of the classes."""
    logits = model.network.logits(Samples.of_rows(inputs))
    found = [(str(name),) for name in model.classes[predictions(logits)].tolist()]
    if model.temperature is None:
        return list(found)
    shares = class_probabilities(logits, model.temperature).tolist()
    return [(*a, *(f"{p:.4f}" for p in row)) for a, row in zip(found, shares, strict=True)]


def is_table(path: str | Path) -> bool:
    """Whether a file that is to be predicted is a table, by its name."""
    return Path(path).suffix.lower() in (*TABLE_ENDINGS, ".tsv", ".tab")


def only_table(files: Sequence[str | Path]) -> Path | None:
    """The table among the files that are to be predicted; None if there is none.

    Raises:
        EvobinError: if there is a table and something else.
    """
    tables = [Path(file) for file in files if is_table(file)]
    if not tables:
        return None
    if len(files) > 1:
        raise EvobinError(
            f"{tables[0]}: is a table, but other files are named, too; name it alone."
        )
    return tables[0]
