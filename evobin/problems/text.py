"""Problem files as text: packed or not, whatever they are called."""

from __future__ import annotations

from pathlib import Path

from evobin.errors import EvobinError
from evobin.files import reading
from evobin.problems.packed import unpacked

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
        if b"\0" in raw[:65_536]:
            raise EvobinError("holds a NUL byte; name a text file.")
        return raw.decode("utf-8", "replace")


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
