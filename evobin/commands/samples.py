"""Labelled samples for models that are there: of a table, or of files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from evobin.config import ClipsConfig, EvaluateConfig
from evobin.core.samples import Dataset
from evobin.data.dataset import load_dataset
from evobin.data.feature_files import LARGEST
from evobin.data.table_splits import Meaning
from evobin.errors import EvobinError
from evobin.models.header import Header
from evobin.models.model import Model
from evobin.models.tables import load_table, meaning_of


def load_samples(
    config: ClipsConfig, models: Sequence[Model], largest: float = LARGEST
) -> list[Dataset] | None:
    """The labelled samples that the user named, as the network of each model takes them.

    Args:
        config: which samples.
        models: of the same raw features.
        largest: magnitude of a feature that a network without an encoder may see.

    Returns:
        None if no samples are named.

    Raises:
        EvobinError: if there are problems with them.
    """
    if config.data is None:
        return None
    if config.is_table:
        return [load_table(config, meaning_for(config.data, model.header)) for model in models]
    first = models[0]
    where = EvaluateConfig(config.data, config.features, config.groups, architecture=first.inputs)
    raw = load_dataset(where, largest if first.encoder is None else LARGEST, one_class_ok=True)
    return [model.encoded(raw) for model in models]


def meaning_for(table: Path | None, header: Header) -> Meaning:
    """What the columns of a table mean to a model; EvobinError if it takes none."""
    try:
        return meaning_of(header)
    except EvobinError as error:
        raise EvobinError(f"{table}: the model {error}") from error
