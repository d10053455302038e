"""Text files as collections publish them: packed or not, told apart by content and not by name."""

from __future__ import annotations

import bz2
import codecs
import gzip
import lzma
import zlib

from evobin.errors import EvobinError

UNPACKERS = {b"\x1f\x8b": gzip.decompress, b"BZh": bz2.decompress, b"\xfd7zXZ": lzma.decompress}
"""How a packed file begins, and what unpacks it."""
REFUSED = {
    b"PK\x03\x04": "a zip archive",
    b"7z\xbc\xaf": "a 7z archive",
    b"Rar!": "a rar archive",
    b"\x28\xb5\x2f\xfd": "packed by zstandard, which is not read",
}
MARKS = {
    codecs.BOM_UTF8: "utf-8",
    codecs.BOM_UTF16_LE: "utf-16-le",
    codecs.BOM_UTF16_BE: "utf-16-be",
}
"""Byte-order marks, and how the text after them is encoded."""
_TAR = 257  # where a tar archive has its magic bytes


def unpacked(raw: bytes) -> bytes:
    """The UTF-8 text in a file's content, without a byte-order mark.

    It may be packed by gzip, bzip2 or xz, and be UTF-8 or, with a byte-order mark, UTF-16.

    Raises:
        EvobinError: if it is damaged, an archive, or packed in another way; the text lacks its
            subject, which the caller puts in front.

    Example:
        >>> unpacked(gzip.compress(b"p cnf 1 0"))
        b'p cnf 1 0'
    """
    for beginning, unpack in UNPACKERS.items():
        if raw.startswith(beginning):
            try:
                raw = unpack(raw)
            except (OSError, EOFError, ValueError, lzma.LZMAError, zlib.error) as error:
                raise EvobinError("is packed, and damaged; fetch it again.") from error
            break
    refused = [what for beginning, what in REFUSED.items() if raw.startswith(beginning)]
    if raw[_TAR : _TAR + 5] == b"ustar":
        refused.append("a tar archive")
    if refused:
        raise EvobinError(f"is {refused[0]}; unpack it, and name a file from it.")
    for mark, encoding in MARKS.items():
        if raw.startswith(mark):
            rest = raw[len(mark) :]
            return rest if encoding == "utf-8" else rest.decode(encoding, "replace").encode()
    return raw
