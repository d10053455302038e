"""Packages that only some commands need, and that an extra of evobin brings."""

from __future__ import annotations

import importlib
from types import ModuleType

from evobin.errors import EvobinError


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
