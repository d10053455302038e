"""The file that keeps a search with `maximize`, and whose search it is."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from evobin.algorithms import Algorithm
from evobin.core.stage import Stage
from evobin.core.state import State
from evobin.errors import EvobinError
from evobin.files import reading, write_bytes
from evobin.runs.checkpoint import from_bytes, to_bytes

SAVED_EVERY = 10.0
"""Seconds between two checkpoints."""


def settings_of(algorithm: Algorithm) -> dict[str, Any]:
    """The settings of an algorithm that has not been started, as plain values."""
    plain: dict[str, Any] = json.loads(json.dumps(vars(algorithm), default=repr, sort_keys=True))
    return plain


class SearchFile:
    """Keeps the state of a search in a file, now and then and at the end.

    Args:
        path: the file; where it exists, the search goes on from it.
        whose: what must be the same for a search to go on; plain values.
    """

    def __init__(self, path: Path, whose: Mapping[str, Any]) -> None:
        self.path, self._whose = path, dict(whose)
        self._saved = time.monotonic()

    def keep(self, stage: Stage) -> None:
        """Saves a search if the last time was long ago."""
        if time.monotonic() - self._saved >= SAVED_EVERY:
            self.save(stage)

    def save(self, stage: Stage) -> None:
        """Saves a search, atomically.

        Raises:
            EvobinError: if the file cannot be written.
            TypeError: if the algorithm holds what a checkpoint cannot keep.
        """
        write_bytes(self.path, to_bytes({"whose": self._whose, "state": stage.state()}))
        self._saved = time.monotonic()

    def restore(self) -> State | None:
        """The state that the file keeps; None where there is no file.

        Raises:
            EvobinError: if it is not whole, is no search's, or another search's; names what
                differs.
        """
        path = self.path
        if not path.exists():
            return None
        with reading(path, "name another file for the checkpoint"):
            content = path.read_bytes()
        try:
            kept = from_bytes(content)
        except EvobinError as error:
            raise EvobinError(f"{path}: {error} Name another file for the checkpoint.") from error
        theirs = kept.get("whose")
        if theirs is None:
            raise EvobinError(
                f"{path}: keeps no such search; name another file for the checkpoint."
            )
        for name, value in self._whose.items():
            if theirs.get(name) != value:
                raise EvobinError(
                    f"{path}: keeps another search, of {name} {theirs.get(name)}, not {value}; "
                    "name another file for the checkpoint."
                )
        state: State = kept["state"]
        return state


def fingerprint(signs: Any) -> str | None:
    """SHA-256 of where a search begins; None for anywhere."""
    if signs is None:
        return None
    return hashlib.sha256(np.asarray(signs, np.int8).tobytes()).hexdigest()
