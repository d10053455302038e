"""Problem files as text: packed or not, whatever they are called."""

from __future__ import annotations

import bz2
import gzip
import lzma
import zlib
from pathlib import Path

from evobin.errors import EvobinError
from evobin.files import reading

PACKED = {b"\x1f\x8b": gzip.decompress, b"BZh": bz2.decompress, b"\xfd7zXZ": lzma.decompress}
"""How a packed file begins, and what unpacks it."""
TAR_MARK, TAR_AT = b"ustar", 257
"""What a tar archive holds, and where."""
SHOWN = 40
"""Characters of a wrong line that a message shows."""


def read_text(path: Path) -> str:
    """The text of a problem file, which may be packed by gzip, bzip2 or xz.

    A byte-order mark is dropped; what is no UTF-8, as in comments of old, is replaced.

    Raises:
        EvobinError: if the file cannot be read, is damaged, an archive, or no text.
    """
    with reading(path, "name another file"):
        raw = unpacked(path.read_bytes())
        if raw.startswith(b"PK\x03\x04") or raw[TAR_AT : TAR_AT + 5] == TAR_MARK:
            raise EvobinError("is an archive of files; unpack it, and name one of them.")
        if b"\0" in raw[:65_536]:
            raise EvobinError("holds a NUL byte; name a text file.")
        return raw.decode("utf-8-sig", "replace")


def unpacked(raw: bytes) -> bytes:
    """The bytes of a file, unpacked where it is packed; the text of an error lacks its subject."""
    for beginning, unpack in PACKED.items():
        if raw.startswith(beginning):
            try:
                return unpack(raw)
            except (OSError, EOFError, ValueError, lzma.LZMAError, zlib.error) as error:
                raise EvobinError("is packed, and damaged; fetch it again.") from error
    return raw


def shown(text: str) -> str:
    """A word or line of a file as a message shows it.

    Example:
        >>> print(shown("1 2"), shown("x" * 60))
        '1 2' 'xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx...'
    """
    return repr(text if len(text) <= SHOWN else text[:SHOWN] + "...")


def plain(number: float) -> str:
    """A number in a file: whole ones without a point, others so that they are read back the same.

    Example:
        >>> plain(3.0), plain(-0.1)
        ('3', '-0.1')
    """
    return str(int(number)) if number == int(number) else repr(number)
