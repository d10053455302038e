"""pandas and jinja2, imported when they are first used: they take 0.2 s that few commands need."""

from __future__ import annotations

import importlib
import sys
from typing import TYPE_CHECKING, Any, TypeGuard

__all__ = ["is_frame", "jinja2", "pd"]


class _Later:
    """A module that is imported when an attribute of it is first asked for.

    Args:
        name: of the module.

    Example:
        >>> _Later("math").sqrt(4)
        2.0
    """

    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, attribute: str) -> Any:
        return getattr(importlib.import_module(self._name), attribute)


if TYPE_CHECKING:
    import jinja2
    import pandas as pd
else:
    jinja2, pd = _Later("jinja2"), _Later("pandas")


def is_frame(value: object) -> TypeGuard[pd.DataFrame]:
    """Whether something is a pandas DataFrame; where pandas is not imported, nothing is."""
    pandas = sys.modules.get("pandas")
    return pandas is not None and isinstance(value, pandas.DataFrame)
