"""Results as plain values, which JSON has a notation for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeAlias

from evobin.lazy import pd

Json: TypeAlias = "Mapping[str, Json] | Sequence[Json] | str | float | int | bool | None"
"""A value that JSON has a notation for."""


def records(table: pd.DataFrame) -> list[dict[str, Json]]:
    """The rows of a table as plain values."""
    return [{str(name): value for name, value in row.items()} for row in table.to_dict("records")]
