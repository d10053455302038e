"""What a model says of tables: which columns it takes, and which one holds the labels."""

from __future__ import annotations

from evobin.config.data import ARRAYS, ClipsConfig
from evobin.core.samples import Dataset
from evobin.data.array_files import LABELS
from evobin.data.labelled_tables import places_in, read_labelled
from evobin.data.table_splits import Meaning, Usual, check_label
from evobin.errors import EvobinError
from evobin.models.header import Header
from evobin.network.presets import preset_of

TABLE = "table"
"""The part of a model's report that says which columns are no features."""


def meaning_of(header: Header) -> Meaning:
    """What the columns of a table mean to a model.

    Raises:
        EvobinError: if its network takes no rows of tables; the text lacks its subject, the model.
    """
    shape = header.architecture
    if shape.frames != 1:
        raise EvobinError(
            f"takes {preset_of(shape).samples} of many frames, not rows of a table; name feature "
            "files."
        )
    n_features = shape.n_in if header.encoder is None else header.encoder.n_features
    usual = Usual.of(header.report.get(TABLE))
    return Meaning(header.encoder, header.classes, header.feature_names, n_features, usual)


def load_table(config: ClipsConfig, meaning: Meaning) -> Dataset:
    """The labelled rows of a table, as a model's network takes them.

    Raises:
        EvobinError: if the table has problems; all are told together.
    """
    path = config.data
    if path is None:
        raise ValueError("`config` must name `data`, but it is None.")
    roles = meaning.roles(config.label, config.group, config.drop)
    if path.suffix.lower() == ARRAYS:
        roles = roles._replace(label=LABELS)
    check_label(path, roles.label)
    table = read_labelled(path, roles, meaning.known)
    table.raw.raise_if_wrong()
    if table.labels is None:
        raise RuntimeError("a table was read without its labels.")
    rows = table.all_rows
    labels = places_in(table.labels, meaning.classes)
    return table.dataset(rows, meaning.inputs(table.some(rows)), labels)
