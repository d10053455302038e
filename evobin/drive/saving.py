"""The file that keeps a search, and whose search it is."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np

from evobin.algorithms.base import State
from evobin.drive.options import Options
from evobin.errors import EvobinError
from evobin.files import check_is_file, write_bytes
from evobin.runs.checkpoint import Checkpoint


def identity(options: Options, n: int, sign: float) -> dict[str, Any]:
    """What must be the same for a search to go on; plain values."""
    initial = None
    if options.initial is not None:
        signs = np.asarray(options.initial, np.int8)
        initial = hashlib.sha256(signs.tobytes()).hexdigest()
    return {
        "n": n,
        "sense": "maximise" if sign > 0 else "minimise",
        "algorithm": options.kind.name,
        "settings": json.loads(json.dumps(dict(options.settings), default=repr, sort_keys=True)),
        "seed": int(options.seed),
        "initial": initial,
    }


def save(path: Path, whose: dict[str, Any], state: State) -> None:
    """Writes a search's state, atomically.

    Raises:
        EvobinError: if the file cannot be written.
    """
    arrays = {name: value for name, value in state.items() if isinstance(value, np.ndarray)}
    plain = {name: value for name, value in state.items() if name not in arrays}
    write_bytes(path, Checkpoint({"whose": whose, "state": plain}, arrays).to_bytes())


def restore(path: Path, whose: dict[str, Any]) -> State | None:
    """The state that a file keeps; None where there is no file.

    Raises:
        EvobinError: if it is not whole, is no search's, or another search's; names what differs.
    """
    if not path.exists():
        return None
    try:
        check_is_file(path)
    except EvobinError as error:
        raise EvobinError(f"{path}: {error}") from error
    try:
        kept = Checkpoint.from_bytes(path.read_bytes())
    except OSError as error:
        raise EvobinError(
            f"{path}: cannot be read ({error.strerror}); name another file for the checkpoint."
        ) from error
    except EvobinError as error:
        raise EvobinError(f"{path}: {error} Name another file for the checkpoint.") from error
    theirs = kept.plain.get("whose")
    if theirs is None:
        raise EvobinError(f"{path}: keeps no such search; name another file for the checkpoint.")
    for name, value in whose.items():
        if theirs.get(name) != value:
            raise EvobinError(
                f"{path}: keeps another search, of {name} {theirs.get(name)}, not {value}; "
                "name another file for the checkpoint."
            )
    return {**kept.plain["state"], **kept.arrays}
