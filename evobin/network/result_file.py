"""The result file: one `1` or `-1` a line, in the order of the network's parameters."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from evobin.checks import check_signs
from evobin.errors import EvobinError
from evobin.files import write_bytes

_LONGEST_LINE = len(b"-1\r\n")
_SLACK = 1024  # bytes for a byte-order mark and trailing blank lines
_SHOWN = 20  # characters of a wrong token
_HINT = "the file may be for another architecture, which --architecture names"


def read_signs(path: Path, n: int) -> NDArray[np.int8]:
    r"""Reads the weights of a result file.

    CRLF line ends, a UTF-8 byte-order mark and trailing blank lines are understood. At most
    `4 n` bytes and some slack are read, whatever the file's size.

    Args:
        path: the file.
        n: the number of weights that it must hold, at least 1.

    Returns:
        [n] int8, -1 and +1, read-only.

    Raises:
        EvobinError: if the file cannot be read, holds fewer or more than `n` lines, or a line
            that is not `1` or `-1`.
        ValueError: if `n` is below 1.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp()) / "result.txt"
        >>> _ = path.write_text("1\n-1\n-1\n")
        >>> read_signs(path, 3)
        array([ 1, -1, -1], dtype=int8)
    """
    if n < 1:
        raise ValueError(f"`n` must be at least 1, but it is {n}.")
    limit = _LONGEST_LINE * n + _SLACK
    try:
        with path.open("rb") as file:
            raw = file.read(limit + 1)
    except OSError as error:
        raise EvobinError(
            f"{path}: cannot be read ({error.strerror}); name a result file of {n:,} lines."
        ) from error
    too_long = len(raw) > limit
    if too_long:
        # The last line is cut off: judge the whole ones, or all there is if none is whole.
        raw = raw[: raw.rfind(b"\n")] if b"\n" in raw else raw
    signs = _parse(path, raw, n)
    if too_long:
        raise EvobinError(
            f"{path}: expected {n:,} lines, but the file is longer than the {limit:,} bytes that "
            f"they can take; {_HINT}."
        )
    if len(signs) != n:
        raise EvobinError(f"{path}: expected {n:,} lines, found {len(signs):,}; {_HINT}.")
    signs.setflags(write=False)
    return signs


def _parse(path: Path, raw: bytes, n: int) -> NDArray[np.int8]:
    """The signs of all lines; an EvobinError names the first line that holds none."""
    text = raw.removeprefix(b"\xef\xbb\xbf").replace(b"\r\n", b"\n").rstrip(b"\r\n") + b"\n"
    if text == b"\n":
        raise EvobinError(f"{path}: is empty; expected {n:,} lines, each 1 or -1.")
    char = np.frombuffer(text, np.uint8)
    ends = np.flatnonzero(char == ord("\n"))
    starts = np.append(0, ends[:-1] + 1)
    lengths = ends - starts
    # The last line is not empty, so `starts + 1` stays inside.
    first, second = char[starts], char[starts + 1]
    minus = (lengths == 2) & (first == ord("-")) & (second == ord("1"))
    wrong = np.flatnonzero(~minus & ~((lengths == 1) & (first == ord("1"))))
    if len(wrong):
        start, end = int(starts[wrong[0]]), int(ends[wrong[0]])
        token = text[start : min(end, start + 4 * _SHOWN + 4)].decode("utf-8", "replace")
        shown = token if len(token) <= _SHOWN else token[:_SHOWN] + "..."
        raise EvobinError(f"{path}, line {wrong[0] + 1}: expected 1 or -1, found {shown!r}.")
    return np.where(minus, np.int8(-1), np.int8(1))


def write_signs(path: Path, signs: NDArray[np.integer | np.floating]) -> None:
    r"""Writes weights as a result file, atomically: one `1` or `-1` a line.

    Args:
        path: the file; its folder must exist.
        signs: [n] of any real dtype, -1 and +1, at least one; not modified.

    Raises:
        EvobinError: if the file cannot be written.
        ValueError: if `signs` has another shape, is empty, or holds anything but -1 and +1.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp()) / "result.txt"
        >>> write_signs(path, np.array([1, -1]))
        >>> path.read_text()
        '1\n-1\n'
    """
    check_signs("signs", signs, (None,))
    if not len(signs):
        raise ValueError("`signs` must hold at least one sign, but it is empty.")
    lines = np.tile(np.frombuffer(b"-1\n", np.uint8), (len(signs), 1))
    kept = np.ones(lines.shape, bool)
    kept[:, 0] = signs < 0  # the minus
    write_bytes(path, lines[kept].tobytes())
