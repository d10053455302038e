"""The command that predicts, as those in `commands`."""

from __future__ import annotations

import csv
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from tyro.conf import Positional, arg

from evobin.cli.commands import Result, Shape
from evobin.errors import AlreadyTold, EvobinError, SettingError
from evobin.network.presets import SPEAKER_SEX

if TYPE_CHECKING:  # `evobin --help` must not wait for numpy
    from evobin.commands.predict_table import Answers


def predict_command(
    result: Result,
    files: Annotated[
        Positional[tuple[Path, ...]],
        arg(
            metavar="FILE...",
            help="A table (csv, tsv, parquet, npz); or feature files, .npy, [t, 64], recordings "
            "(wav, flac, ogg, mp3), folders of them, and - for names on stdin, one a line or with "
            "NUL after each.",
        ),
    ],
    architecture: Shape = SPEAKER_SEX,
    row_column: Annotated[
        str | None,
        arg(name="id", help="Column of a table that names its rows; their lines do by default."),
    ] = None,
    drop: Annotated[
        tuple[str, ...], arg(help="Columns of a table to leave out, which the model does not know.")
    ] = (),
) -> None:
    """Predict labels of a table, of feature files and of recordings.

    Of a table it prints csv: the line of each row, the prediction and, of a model that a search
    has calibrated, the probability of each class. Columns of labels and groups,
    and those that the search left out, may be there or not; a row that has problems is a line on
    stderr for each. Of files it prints `file<TAB>label<TAB>logit`, one a line.

    The label is the model's name for the class, where it has names. Of more than two classes it
    prints the logits of all, in the order of the classes. Only the built-in network takes
    recordings; its label 1 is female. A model with an encoder takes raw features. A name with a
    tab, a line break or a quotation mark is quoted as in csv files. Each file that has problems is
    a line on stderr; the others are answered, and the exit code is 1.

    Example: evobin predict model.evobin speech.wav features/*.npy

    A table:

      evobin predict model.evobin new.csv > answers.csv

    Folders, and what another program lists:

      evobin predict model.evobin recordings > answers.tsv
      find . -name "*.wav" -print0 | evobin predict model.evobin -
    """
    from evobin.commands.predict import predict_each
    from evobin.commands.predict_table import only_table, predict_table
    from evobin.data.corpus import Aside
    from evobin.files import names_of, one_line, tsv_field

    given: list[str | Path] = []
    for file in files:
        given += names_of(sys.stdin.buffer.read()) if str(file) == "-" else [file]
    table = only_table(given)
    if table is not None:
        _print_answers(predict_table(result, table, architecture, row_column=row_column, drop=drop))
        return
    if row_column is not None or drop:
        raise SettingError("`id` and `drop` name columns, but no table is named; leave them out.")
    aside, failed = Aside(), False
    for answer in predict_each(result, given, architecture, aside):
        if isinstance(answer, EvobinError):
            failed = True
            print(f"evobin: {one_line(str(answer))}", file=sys.stderr)
        else:
            print(tsv_field(answer.file), tsv_field(str(answer.label)), *answer.logits, sep="\t")
    for note in aside.notes():
        print(f"evobin: {note}", file=sys.stderr)
    if failed:
        sys.stdout.flush()
        raise AlreadyTold


def _print_answers(answers: Answers) -> None:
    from evobin.files import one_line

    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(answers.head)
    writer.writerows(answers.rows)
    for problem in answers.problems:
        print(f"evobin: {one_line(problem)}", file=sys.stderr)
    if answers.problems:
        sys.stdout.flush()
        raise AlreadyTold
