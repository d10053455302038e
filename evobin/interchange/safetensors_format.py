"""Reads safetensors files: names, shapes and numbers, and nothing that could be run.

Source: https://huggingface.co/docs/safetensors: 8 bytes with the length of a header, the header in
JSON, and the numbers of all tensors one after the other, little-endian.
"""

from __future__ import annotations

import json
import math
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evobin.errors import EvobinError
from evobin.interchange.matching import Stored, shown

_TYPES = {
    "F64": "<f8",
    "F32": "<f4",
    "F16": "<f2",
    "BF16": "<u2",  # the upper half of a float32
    "I64": "<i8",
    "I32": "<i4",
    "I16": "<i2",
    "I8": "<i1",
    "U64": "<u8",
    "U32": "<u4",
    "U16": "<u2",
    "U8": "<u1",
    "BOOL": "<u1",
}
_ADVICE = "save it again with safetensors.torch.save_file(model.state_dict(), file)"


def is_safetensors(raw: bytes) -> bool:
    """Whether a file begins as such a file does."""
    return raw[8:9] == b"{"


def read(raw: bytes) -> dict[str, Stored]:
    """The tensors of a file by name, in alphabetical order of some writers, not of definition.

    Args:
        raw: the whole file.

    Raises:
        EvobinError: if it is damaged; the text lacks its subject, the file.
    """
    size = int.from_bytes(raw[:8], "little")
    if len(raw) < 8 or size > len(raw) - 8:
        raise EvobinError(f"ends within its header; {_ADVICE}.")
    try:
        header = json.loads(raw[8 : 8 + size].decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise EvobinError(f"has a header that is no JSON; {_ADVICE}.") from error
    if not isinstance(header, dict):
        raise EvobinError(f"has a header that is no JSON object; {_ADVICE}.")
    data = memoryview(raw)[8 + size :]
    header.pop("__metadata__", None)
    return {name: _stored(name, entry, data) for name, entry in header.items()}


def _stored(name: str, entry: Any, data: memoryview) -> Stored:
    """One tensor, whose place in the file is checked."""
    try:
        kind, shape, (start, stop) = entry["dtype"], entry["shape"], entry["data_offsets"]
        numbers = (*shape, start, stop)
        whole = isinstance(kind, str) and all(type(one) is int and one >= 0 for one in numbers)
    except (KeyError, TypeError, ValueError):
        whole = False
    if not whole or not start <= stop <= len(data):
        raise EvobinError(
            f"says of '{shown(name)}' no place within the file's {len(data):,} bytes of numbers; "
            f"{_ADVICE}."
        )
    if kind not in _TYPES:
        return Stored(None, partial(np.empty, 0))
    if stop - start != math.prod(shape) * np.dtype(_TYPES[kind]).itemsize:
        raise EvobinError(
            f"has {stop - start:,} bytes for '{shown(name)}', which is not what {kind} of shape "
            f"{shown(shape)} takes; {_ADVICE}."
        )
    return Stored(tuple(shape), partial(_values, data[start:stop], kind, tuple(shape)))


def _values(data: memoryview, kind: str, shape: tuple[int, ...]) -> NDArray[Any]:
    values = np.frombuffer(data, _TYPES[kind]).reshape(shape)
    if kind == "BF16":
        return (values.astype(np.uint32) << 16).view(np.float32)
    return values
