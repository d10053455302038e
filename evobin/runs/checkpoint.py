"""Checkpoints: the state of a search in one file with a checksum."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evobin.core.state import State, pack_state, unpack_state
from evobin.errors import EvobinError
from evobin.files import array_of, members_of

MAGIC = b"evobin checkpoint 2 sha256 "
PLAIN = "plain"
"""The member that holds, as UTF-8 bytes of JSON, all that is no array."""


def to_bytes(state: Mapping[str, Any]) -> bytes:
    """A line with the checksum of the rest, and an uncompressed npz file.

    Raises:
        TypeError: if the state holds what a checkpoint cannot keep; see `pack_state`.
    """
    plain, arrays = pack_state(state)
    buffer = io.BytesIO()
    named: dict[str, Any] = {PLAIN: np.frombuffer(json.dumps(plain).encode(), np.uint8)} | arrays
    np.savez(buffer, **named)
    content = buffer.getbuffer()
    return MAGIC + hashlib.sha256(content).hexdigest().encode() + b"\n" + content


def from_bytes(data: bytes) -> State:
    """Reads what `to_bytes` wrote; nothing is unpickled, or allocated beyond the file's size.

    Raises:
        EvobinError: if it is not whole, or is no checkpoint; the text lacks its subject, which the
            caller puts in front.

    Example:
        >>> from_bytes(to_bytes({"done": 3, "signs": np.array([1, -1], np.int8)}))
        {'done': 3, 'signs': array([ 1, -1], dtype=int8)}
    """
    head, newline, content = data.partition(b"\n")
    if not head.startswith(MAGIC) or not newline:
        raise EvobinError("is no checkpoint of this version of evobin.")
    if hashlib.sha256(content).hexdigest().encode() != head.removeprefix(MAGIC):
        raise EvobinError("is damaged: its checksum differs.")
    try:
        arrays = _arrays(content)
        return unpack_state(json.loads(arrays.pop(PLAIN).tobytes()), arrays)
    except (ValueError, KeyError, TypeError) as error:
        raise EvobinError(f"is damaged: {error}.") from error


def _arrays(content: bytes) -> dict[str, NDArray[Any]]:
    """The arrays of an npz file; each is as large as its member, and all as large as the file."""
    return {name.removesuffix(".npy"): array_of(name, raw) for name, raw in members_of(content)}
