"""What a network predicts for the rows of a table."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from evobin.commands.samples import meaning_for
from evobin.config.data import TABLE_ENDINGS
from evobin.core.samples import Samples
from evobin.core.scores import predictions
from evobin.data.labelled_tables import Roles, read_labelled
from evobin.errors import EvobinError
from evobin.models.model import load
from evobin.network.architecture import Architecture
from evobin.network.presets import SPEAKER_SEX


class Answers(NamedTuple):
    """What is predicted for a table.

    Attributes:
        head: the names of the columns of `rows`.
        rows: a row of texts for each good row: its name, and the prediction.
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
    meaning = meaning_for(path, model)
    ignored = meaning.roles(None, None, ()).ignored
    roles = Roles(drop=tuple(drop), ignored=ignored, row=row_column)
    table = read_labelled(path, roles, meaning.known)
    if not table.raw.is_whole:
        table.raw.raise_if_wrong()
    good = np.flatnonzero(~table.raw.bad)
    labels = np.empty(0, np.int8)
    if len(good):
        signs = np.ascontiguousarray(meaning.inputs(table.some(good)))
        samples = Samples(signs, np.arange(len(good) + 1))
        labels = predictions(model.network.logits(samples))
    found = model.classes[labels].tolist()
    names = table.raw.lines.astype(str).tolist() if row_column is None else table.rows
    rows: list[tuple[str, ...]] = [
        (names[row], str(name)) for row, name in zip(good.tolist(), found, strict=True)
    ]
    problems = [problem.text for problem in table.raw.sorted_problems]
    return Answers((row_column or table.raw.word, "prediction"), rows, problems)


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
