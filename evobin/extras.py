"""Packages that only some commands need; some of these an extra of evobin brings."""

from __future__ import annotations

import importlib
import sys
from types import ModuleType
from typing import TYPE_CHECKING, Any, TypeGuard

from evobin.errors import EvobinError

if TYPE_CHECKING:
    import pandas as pd


class Later:
    """A module that is imported when it is first used: pandas and jinja2 take 0.2 s.

    Type checkers are given the module itself, under `TYPE_CHECKING`.

    Args:
        name: of the module.

    Example:
        >>> Later("math").sqrt(4)
        2.0
    """

    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, attribute: str) -> Any:
        return getattr(importlib.import_module(self._name), attribute)


def is_frame(value: object) -> TypeGuard[pd.DataFrame]:
    """Whether something is a pandas DataFrame; where pandas is not imported, nothing is."""
    pandas = sys.modules.get("pandas")
    return pandas is not None and isinstance(value, pandas.DataFrame)


def need(module: str, extra: str, what: str) -> ModuleType:
    """Imports a module that is not among evobin's own dependencies, for `what` the user named.

    Raises:
        EvobinError: if it is not installed; names the extra of evobin that installs it.

    Example:
        >>> need("nosuchmodule", "audio", "speech.wav")
        Traceback (most recent call last):
        evobin.errors.EvobinError: speech.wav: needs a package that is not installed; \
pip install 'evobin[audio]'.
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise EvobinError(
            f"{what}: needs a package that is not installed; pip install 'evobin[{extra}]'."
        ) from error
