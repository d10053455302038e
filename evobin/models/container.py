"""The model file's outside: an npz file of a JSON header and packed signs, and its version."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Mapping
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from evobin.errors import EvobinError
from evobin.files import array_of, members_of

MAGIC = b"PK\x03\x04"
"""How a zip file begins, and so a model file."""
FORMAT, VERSION = "evobin model", 1
HEADER, SIGNS = "model.json", "signs.npy"
_OLDEST = (1980, 1, 1, 0, 0, 0)  # all that a zip file may say; the clock must not change its bytes
_MODE = 0o100644 << 16
_UNIX = 3


def to_bytes(header: Mapping[str, Any], signs: NDArray[np.int8]) -> bytes:
    """Writes a model file: the same arguments give the same bytes, at any time and on any system.

    Args:
        header: JSON values by name; "format" and "version" are put in front.
        signs: [n] of -1 and +1; a bit each in the file.

    Raises:
        TypeError: if the header holds what JSON has no notation for.
        ValueError: if it holds NaN or an infinity.
    """
    text = json.dumps({"format": FORMAT, "version": VERSION, **header}, allow_nan=False)
    bits = io.BytesIO()
    np.save(bits, np.packbits(signs > 0, bitorder="little"), allow_pickle=False)
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        for name, content in ((HEADER, text.encode()), (SIGNS, bits.getvalue())):
            entry = zipfile.ZipInfo(name, _OLDEST)
            entry.create_system, entry.external_attr = _UNIX, _MODE
            archive.writestr(entry, content)
    return file.getvalue()


def from_bytes(raw: bytes) -> tuple[dict[str, Any], NDArray[np.uint8]]:
    """Reads what `to_bytes` wrote; nothing is unpickled, or allocated beyond the file's size.

    Returns:
        The header without "format" and "version", and the packed signs, of any type and shape.

    Raises:
        EvobinError: if it is no model file, not whole, or of another version; the text lacks its
            subject, the file.
    """
    members: dict[str, bytes] = {}
    try:
        for name, content in members_of(raw):
            if members.setdefault(name, content) is not content:
                raise ValueError(f"{name} is in it twice")
    except ValueError as error:
        raise EvobinError(f"is damaged or no model file: {error}; copy it again.") from error
    if HEADER not in members:
        raise EvobinError(
            "is no model file, but a zip file of other things; name a model file, or convert a "
            "PyTorch model with `evobin import`."
        )
    header = _header(members.pop(HEADER))
    if members.keys() != {SIGNS}:
        found = ", ".join(members) or "nothing"
        raise EvobinError(
            f"must hold {HEADER} and {SIGNS}, but beside the first it holds {found:.60}; "
            "write it again."
        )
    try:
        return header, array_of(SIGNS, members[SIGNS])
    except ValueError as error:
        raise EvobinError(f"is damaged: {error}; copy it again.") from error


def _header(raw: bytes) -> dict[str, Any]:
    try:
        header = json.loads(raw.decode(), parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise EvobinError(f"is damaged: {HEADER} is no JSON text ({error!s:.60}).") from error
    if not isinstance(header, dict) or header.pop("format", None) != FORMAT:
        raise EvobinError(f"is no model file: {HEADER} lacks `format`, {FORMAT!r}; name another.")
    version = header.pop("version", None)
    if type(version) is not int or version != VERSION:
        raise EvobinError(
            f"is of version {version!r:.60}, but this evobin reads version {VERSION}; update "
            "evobin, or write the file again."
        )
    return header


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON number")
