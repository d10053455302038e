"""Reads well-formed DIMACS files fast: all numbers at once, as arrays."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from evobin.problems.dimacs import MAX_N, MAX_WEIGHT, Formula, Header

Bytes = NDArray[np.uint8]
Ints = NDArray[np.int64]

_SPACE, _LINE, _MINUS, _HARD, _ZERO = (ord(sign) for sign in " \n-h0")
_PLAIN = np.isin(np.arange(256), list(b" \t\r\n-h0123456789"))
_DIGITS = 20  # of 2^64 - 1


def scan_dimacs(text: bytes, named: bool) -> Formula | None:
    """Reads a file that is as it should be; None for any other.

    Args:
        text: UTF-8.
        named: whether there must be a header.
    """
    raw = np.frombuffer(b" " + text + b"\n", np.uint8).copy()
    begins = np.concatenate([[1], np.flatnonzero(raw == _LINE)[:-1] + 1])
    raw, begins = _until_percent(raw, begins)
    _blank_comments(raw, begins)
    header, clean = _take_header(raw, begins)
    if not clean or (header is None and named) or not _PLAIN[raw].all():
        return None
    words = _Words.of(raw, begins)
    if words is None or not len(words.starts):
        return None
    return (
        _unweighted(words, header) if header and not header.weighted else _weighted(words, header)
    )


def _until_percent(raw: Bytes, begins: Ints) -> tuple[Bytes, Ints]:
    """Without the lines from the first on that begins with %."""
    ends = np.flatnonzero(raw[begins] == ord("%"))
    if not len(ends):
        return raw, begins
    return raw[: begins[ends[0]]], begins[: ends[0]]


def _blank_comments(raw: Bytes, begins: Ints) -> None:
    """Overwrites comments by spaces."""
    is_comment = raw[begins] == ord("c")
    edges = np.flatnonzero(np.diff(np.concatenate([[False], is_comment, [False]]).astype(np.int8)))
    places = np.append(begins, len(raw))[edges].tolist()
    for low, high in zip(places[::2], places[1::2], strict=True):
        raw[low : high - 1] = _SPACE


def _take_header(raw: Bytes, begins: Ints) -> tuple[Header | None, bool]:
    """The header, overwritten by spaces, and whether it is well-formed and in its place."""
    at = np.flatnonzero(raw[begins] == ord("p"))
    if not len(at):
        return None, True
    low = int(begins[at[0]])
    high = int(np.append(begins, len(raw))[at[0] + 1])
    header = Header.of(raw[low:high].tobytes().decode("ascii", "replace").split())
    fine = header is not None and 1 <= header.n <= MAX_N and not (raw[:low] > _SPACE).any()
    raw[low : high - 1] = _SPACE
    return header, fine


class _Words:
    """The words of a text, each a number or an `h`.

    Attributes:
        starts: [words] int64, where each begins.
        values: [words] uint64, magnitudes; of an `h` 0.
        negative: [words] bool.
        hard: [words] bool, which are an `h`.
        lines: [lines] int64, the first word of each line that has one.
    """

    def __init__(self, starts: Ints, values: NDArray[np.uint64], marks: Bytes, lines: Ints) -> None:
        self.starts, self.values, self.lines = starts, values, lines
        self.negative, self.hard = marks == _MINUS, marks == _HARD

    @classmethod
    def of(cls, raw: Bytes, begins: Ints) -> _Words | None:
        """The words of a text; None if one is no number from -2^64 to 2^64, and no `h`."""
        solid = raw > _SPACE
        edges = np.flatnonzero(solid[1:] != solid[:-1]) + 1
        starts, ends = edges[::2], edges[1::2]
        marks = raw[starts]
        negative, hard = marks == _MINUS, marks == _HARD
        digits = ends - starts - negative - hard
        if (
            np.count_nonzero(raw == _MINUS) != np.count_nonzero(negative)
            or np.count_nonzero(raw == _HARD) != np.count_nonzero(hard)
            or ((digits == 0) != hard).any()
            or digits.max(initial=0) > _DIGITS
        ):
            return None
        values = _values(raw, ends, digits)
        if values is None:
            return None
        firsts = np.searchsorted(starts, begins)
        firsts = firsts[firsts < len(starts)]
        first_only = np.ones(len(firsts), bool)
        first_only[1:] = firsts[1:] != firsts[:-1]
        return cls(starts, values, marks, firsts[first_only])


def _values(raw: Bytes, ends: Ints, digits: Ints) -> NDArray[np.uint64] | None:
    """[words] uint64: digit by digit from the right; None if one is above 2^64 - 1."""
    values = np.zeros(len(ends), np.uint64)
    which, power = np.flatnonzero(digits > 0), np.uint64(1)
    for place in range(int(digits.max(initial=0))):
        if place:
            which = which[digits[which] > place]
            power = np.uint64(10**place)
        values[which] += (raw[ends[which] - 1 - place] - _ZERO) * power
    full = np.flatnonzero(digits == _DIGITS)
    wraps = (raw[ends[full] - _DIGITS] != _ZERO + 1) | (values[full] < np.uint64(10**19))
    return None if wraps.any() else values


def _literals(words: _Words, is_literal: NDArray[np.bool_], n: int) -> NDArray[np.int32] | None:
    values = words.values[is_literal]
    if (values > np.uint64(n)).any() or words.hard[is_literal].any():
        return None
    found = values.astype(np.int32)
    return np.where(words.negative[is_literal], -found, found)


def _unweighted(words: _Words, header: Header) -> Formula | None:
    zeros = np.flatnonzero((words.values == 0) & ~words.hard)
    if len(zeros) != header.clauses or not len(zeros) or zeros[-1] != len(words.values) - 1:
        return None
    is_literal = words.values != 0
    literals = _literals(words, is_literal | words.hard, header.n)
    if literals is None:
        return None
    lengths = np.diff(zeros, prepend=-1) - 1
    m = len(zeros)
    return Formula(header.n, literals, lengths, np.ones(m, np.int64), np.zeros(m, bool))


def _weighted(words: _Words, header: Header | None) -> Formula | None:
    limits = _clauses(words)
    if limits is None:
        return None
    firsts, ends = limits
    is_literal = np.ones(len(words.values), bool)
    is_literal[firsts] = is_literal[ends] = False
    n = header.n if header else MAX_N
    literals = _literals(words, is_literal, n)
    if literals is None or words.negative[firsts].any() or (header and words.hard.any()):
        return None
    if header is None:
        n = int(np.abs(literals).max(initial=1))
    elif len(firsts) != header.clauses:
        return None
    hard = words.hard[firsts]
    weights = words.values[firsts]
    if header and header.top < math.inf:
        hard = hard | (weights >= np.uint64(min(int(header.top), 2**64 - 1)))
    weights[hard] = 0
    if (weights > np.uint64(MAX_WEIGHT)).any():
        return None
    return Formula(n, literals, ends - firsts - 1, weights.astype(np.int64), hard)


def _clauses(words: _Words) -> tuple[Ints, Ints] | None:
    """The words that begin clauses, and those that end them; None if that is not plain to see."""
    zero = (words.values == 0) & ~words.hard
    ends = np.flatnonzero(zero)
    if not len(ends) or ends[-1] != len(zero) - 1:
        return None
    firsts = np.concatenate([[0], ends[:-1] + 1])
    if not zero[firsts].any():
        return firsts, ends
    # A weight of 0 looks like an end: then each line must be a clause.
    firsts = words.lines
    ends = np.append(firsts[1:], len(zero)) - 1
    plain = zero[ends].all() and (ends > firsts).all()
    alone = np.count_nonzero(zero) == len(ends) + np.count_nonzero(zero[firsts])
    return (firsts, ends) if plain and alone else None
