"""From clauses as they are given to clauses as searches take them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evobin.checks import check_range, check_shape
from evobin.core.clauses import Clauses
from evobin.core.samples import starts_of
from evobin.errors import EvobinError
from evobin.problems.dimacs import MAX_N, MAX_WEIGHT, Formula
from evobin.problems.exact import as_numbers, unit_of

Ints = NDArray[np.int64]

MAX_TOTAL = 2**52
"""Weight of all clauses, the hard ones included: sums up to it are exact in float64."""


def formula_of(n: int, clauses: Sequence[Sequence[int]], weights: Any) -> Formula:
    """Checks what a `MaxSat` is made of; see there for arguments and errors."""
    check_range("n", n, 1, MAX_N)
    lengths = np.array([len(clause) for clause in clauses], np.int64)
    literals = np.array([literal for clause in clauses for literal in clause] or [1])
    if literals.dtype.kind not in "iu":
        raise ValueError(f"`clauses` must hold whole numbers, but it holds {literals.dtype}.")
    literals = literals[: lengths.sum()].astype(np.int64)
    wrong = np.flatnonzero((literals == 0) | (abs(literals) > n))
    if len(wrong):
        clause = np.searchsorted(np.cumsum(lengths), wrong[0], side="right")
        raise ValueError(
            f"`clauses` must hold literals from -{n} to {n} without 0, but clause {clause} "
            f"(counted from 0) holds {literals[wrong[0]]}."
        )
    values, hard = _weights_of(weights, len(lengths))
    return Formula(n, literals.astype(np.int32), lengths, values, hard)


def _weights_of(weights: Any, count: int) -> tuple[NDArray[Any], NDArray[np.bool_]]:
    """[count] int64 or float64, 0 for hard ones, and [count] bool, which are hard."""
    if weights is None:
        return np.ones(count, np.int64), np.zeros(count, bool)
    if isinstance(weights, np.ndarray):
        hard = np.isposinf(weights) if weights.dtype.kind == "f" else np.zeros(weights.shape, bool)
        values = np.where(hard, 0, weights)
    else:  # a list may hold whole numbers that are exact, and infinities
        given = list(weights)
        hard = np.array([isinstance(weight, float) and weight == math.inf for weight in given])
        values = np.array([0 if h else weight for h, weight in zip(hard, given, strict=True)])
        values = values if given else np.zeros(0, np.int64)
    check_shape("weights", values, (count,))
    if values.dtype.kind not in "iub":
        values = as_numbers("weights", values)
    if (values < 0).any():
        raise ValueError(f"`weights` must not be negative, but the lowest is {values.min()}.")
    if values.dtype.kind in "iub" and (values > MAX_WEIGHT).any():
        raise ValueError(f"`weights` must be below 2^63, but the highest is {values.max()}.")
    return values if values.dtype == np.float64 else values.astype(np.int64), hard.astype(bool)


def clauses_of(formula: Formula) -> Clauses:
    """What searches need of a formula.

    Raises:
        EvobinError: if soft weights add up to 2^63 or more; the text lacks its subject.
    """
    weights, unit, heavy = _in_units(formula.weights, int(formula.hard.sum()))
    n, m, total = formula.n, len(formula.lengths), int(weights.sum())
    owners = np.repeat(np.arange(m), formula.lengths)
    variables, wants = np.abs(formula.literals).astype(np.int64) - 1, formula.literals > 0
    keys = np.sort(owners * (2 * n) + 2 * variables + wants)
    keys = keys[np.concatenate([[True], keys[1:] != keys[:-1]])[: len(keys)]]
    twice = keys[1:][keys[1:] // 2 == keys[:-1] // 2] // (2 * n)
    always = np.zeros(m, bool)
    always[twice] = True
    owners = keys // (2 * n)
    kept = ~always[owners] if len(twice) else slice(None)
    owners, keys = owners[kept], keys[kept] % (2 * n)
    lengths = np.bincount(owners, minlength=m)
    used, never = np.flatnonzero(lengths), (lengths == 0) & ~always
    numbers = np.cumsum(lengths > 0) - 1
    found = Clauses(
        starts_of(lengths[used]),
        (keys // 2).astype(np.int32),
        np.where(keys % 2, 1, -1).astype(np.int8),
        *_uses(n, numbers[owners], keys),
        weights[used],
        formula.hard[used],
        (int((never & formula.hard).sum()), int(weights[never].sum())),
        total,
        heavy,
        total if heavy * (1 + int(formula.hard.sum())) <= MAX_TOTAL else 0,
        unit,
    )
    for name in ("ends", "members", "signs", "starts", "owners", "wants", "weights", "hard"):
        # as workers get them: numba compiles again for arrays of another kind
        getattr(found, name).setflags(write=False)
    return found


def _uses(n: int, owners: Ints, literals: Ints) -> tuple[Ints, NDArray[Any], NDArray[Any]]:
    """The clauses of each variable: `starts`, `owners` and `wants` of `Clauses`."""
    m = int(owners.max(initial=0)) + 1
    keys = np.sort(((literals // 2) * m + owners) * 2 + literals % 2)
    starts = starts_of(np.bincount(literals // 2, minlength=n))
    wants = np.where(keys % 2, 1, -1).astype(np.int8)
    return starts, (keys // 2 % m).astype(np.int32), wants


def _in_units(weights: NDArray[Any], n_hard: int) -> tuple[Ints, float, int]:
    """Whole weights, their unit, and what a hard clause weighs: one more than all soft ones."""
    total = float(weights.astype(np.float64).sum())
    if weights.dtype == np.float64 and (weights != np.rint(weights)).any():
        unit = unit_of("weights", (1 + total) * (1 + n_hard))
        whole = np.rint(weights / unit).astype(np.int64)
        return whole, unit, max(round((1 + total) / unit), int(whole.sum()) + 1)
    if total > 2.0**62 and sum(map(int, weights.tolist())) > MAX_WEIGHT:
        raise EvobinError(
            "the weights of the soft clauses must add up to less than 2^63, but they add up to "
            f"{total:.4g}; divide them by a common number."
        )
    whole = weights.astype(np.int64)
    return whole, 1.0, 1 + int(whole.sum())
