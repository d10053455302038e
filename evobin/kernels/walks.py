"""Kernels that flip single signs of white boxes, and that walk by such flips.

A *box* is a tuple of arrays: the gain of each single flip, the signs, and what the family of the
problem needs to keep the gains exact. Its length says which family it is of, so that one walk,
compiled for each, serves all; the branches of the other families are pruned before compilation.

    [3] dense      couplings [n, n]
    [5] sparse     starts [n + 1], neighbours [m], couplings [m]
    [8] tables     starts [n + 1], owners [m], bits [m]; members [t, k], values [t, 2^k], rows [t]
    [10] clauses   starts [n + 1], clauses [m], wants [m]; ends [c + 1], members [m], weights [c],
                   true literals [c], sum of their variables [c]

Gains, couplings, values and weights are of such a kind (whole numbers, or multiples of one power of
two) that no sum of them is rounded.

Scores travel as `levels` [4]: of the present solution, of the best, the target, and one that a walk
keeps for itself. What is found on the way is noted in `log`: the evaluations of this call at each
new best, and its score; a walk ends early where that is full. The best solution is copied only
when it is left.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

Signs = NDArray[np.int8]
Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Log = tuple[Ints, Floats]

DENSE, SPARSE, TABLES, CLAUSES = 3, 5, 8, 10
BLOCK = 64  # gains looked at together: one vectorised maximum


@njit(nogil=True, cache=True)
def flip(box: Any, i: int) -> None:
    """Flips a sign and mends all gains; costs what the sign is coupled with."""
    if len(box) == DENSE:
        gains, signs, couplings = box
        row, own = couplings[i], gains[i]
        signs[i] = -signs[i]
        sign = signs[i]
        for j in range(len(gains)):
            gains[j] += sign * signs[j] * row[j]
        gains[i] = -own
    elif len(box) == SPARSE:
        gains, signs, starts, neighbours, couplings = box
        signs[i] = -signs[i]
        sign = signs[i]
        row, weights = neighbours[starts[i] : starts[i + 1]], couplings[starts[i] : starts[i + 1]]
        for k in range(len(row)):
            j = row[k]
            gains[j] += sign * signs[j] * weights[k]
        gains[i] = -gains[i]
    elif len(box) == TABLES:
        gains, signs, starts, owners, bits, members, values, rows = box
        signs[i] = -signs[i]
        for k in range(starts[i], starts[i + 1]):
            table = owners[k]
            value, before = values[table], rows[table]
            after = before ^ bits[k]
            rows[table] = after
            step = value[before] - value[after]
            for p in range(members.shape[1]):
                bit = 1 << p
                gains[members[table, p]] += step + value[after ^ bit] - value[before ^ bit]
    else:
        gains, signs, starts, clauses, wants, ends, members, weights, counts, sums = box
        for k in range(starts[i], starts[i + 1]):
            c = clauses[k]
            weight = weights[c]
            if wants[k] == signs[i]:
                counts[c] -= 1
                sums[c] -= i
                if counts[c] == 1:  # the one left breaks the clause from now on
                    gains[sums[c]] -= weight
                elif counts[c] == 0:  # any of its variables makes it; i no longer breaks it
                    for m in range(ends[c], ends[c + 1]):
                        gains[members[m]] += weight
                    gains[i] += weight
            else:
                counts[c] += 1
                if counts[c] == 2:
                    gains[sums[c]] += weight
                elif counts[c] == 1:
                    for m in range(ends[c], ends[c + 1]):
                        gains[members[m]] -= weight
                    gains[i] -= weight
                sums[c] += i
        signs[i] = -signs[i]


@njit(nogil=True, cache=True)
def _highest(gains: Any) -> Any:
    """The highest of some gains, at least one."""
    top = gains[0]
    for j in range(len(gains)):
        top = max(top, gains[j])
    return top


@njit(nogil=True, cache=True)
def _first(gains: Any, value: Any, start: int) -> int:
    """The first place from `start` on, around the end, with a gain that one of them has."""
    n = len(gains)
    for j in range(start, n):
        if gains[j] == value:
            return j
    for j in range(start):
        if gains[j] == value:
            return j
    return -1


@njit(nogil=True, cache=True)
def _first_free(gains: Any, value: Any, start: int, until: Any, step: int) -> int:
    """As `_first`, among the places that are not barred; -1 where there is none."""
    n = len(gains)
    for j in range(start, n):
        if gains[j] == value and until[j] <= step:
            return j
    for j in range(start):
        if gains[j] == value and until[j] <= step:
            return j
    return -1


@njit(nogil=True, cache=True)
def _go(box: Any, to: Signs) -> float:
    """Flips what differs from another solution, and returns the change of the score."""
    gains, signs = box[0], box[1]
    change = 0.0
    for j in range(len(gains)):
        if signs[j] != to[j]:
            change += gains[j]
            flip(box, j)
    return change


@njit(nogil=True, cache=True)
def _kick(box: Any, places: Ints) -> float:
    """Flips some places, one that comes twice back again, and returns the change of the score."""
    gains = box[0]
    change = 0.0
    for j in places:
        change += gains[j]
        flip(box, j)
    return change


@njit(nogil=True, cache=True)
def _leave(
    box: Any, base: Signs, level: float, base_level: float, places: Ints
) -> tuple[float, float]:
    """Leaves a local optimum by a kick of it, or of `base` where that is better.

    Returns:
        The scores of where that leads, and of `base`, which becomes the optimum that is kicked.
    """
    if level >= base_level:
        base[:] = box[1]
        base_level = level
    else:
        level += _go(box, base)
    return level + _kick(box, places), base_level


@njit(nogil=True, cache=True)
def metropolis(
    box: Any,
    best: Signs,
    levels: Floats,
    log: Log,
    draws: NDArray[np.uint16],
    temperatures: Floats,
    odds: NDArray[np.float32],
    first: int,
    room: int,
) -> tuple[int, int]:
    """Offers each sign in turn; a flip that costs d is made with probability exp(-d / temperature).

    Blocks where no gain comes near are skipped whole, so that cold sweeps cost next to nothing.

    Args:
        box: updated.
        best: [n] int8, overwritten.
        levels: [4] float64, updated.
        log: [size] int64 and float64, overwritten.
        draws: [sweeps, n] uint16, random places in `odds`.
        temperatures: [sweeps] float64.
        odds: [4096] float32, falling: -log of as many probabilities.
        first: sign to begin with.
        room: offers to make at most.

    Returns:
        Offers made, and entries in the log.
    """
    gains, signs = box[0], box[1]
    n = len(gains)
    at, tops = log
    level, top, target = levels[0], levels[1], levels[2]
    done, logged, fresh = 0, 0, False
    sweep, i = 0, first
    while done < room and sweep < len(temperatures) and top < target and logged < len(at):
        temperature = temperatures[sweep]
        reach = -(temperature * odds[0])
        size = min(BLOCK, n - i, room - done)
        block, draw = gains[i : i + size], draws[sweep, i : i + size]
        if _highest(block) >= reach:
            for k in range(size):
                gain = block[k]
                if gain < 0 and (gain < reach or gain < -(temperature * odds[draw[k]])):
                    continue
                if fresh and gain <= 0:
                    best[:] = signs
                    fresh = False
                flip(box, i + k)
                level += gain
                if level > top:
                    top, fresh = level, True
                    at[logged], tops[logged] = done + k + 1, top
                    logged += 1
                    if top >= target or logged == len(at):
                        size = k + 1
                        break
        done += size
        i += size
        if i == n:
            i = 0
            sweep += 1
    if fresh:
        best[:] = signs
    levels[0], levels[1] = level, top
    return done, logged


@njit(nogil=True, cache=True)
def tabu(
    box: Any,
    best: Signs,
    levels: Floats,
    log: Log,
    left: NDArray[np.int32],
    counters: Ints,
    draws: Ints,
    lowest: Any,
    room: int,
) -> tuple[int, int, int]:
    """Makes the best flip that is not barred, better or worse, and bars it for some steps.

    A step looks at all n gains. After `patience` of them without a new best of this round it goes
    to the best of all, flips up to `kick` random places of it, and begins a round anew.

    Args:
        box: updated.
        best: [n] int8, overwritten.
        levels: [4] float64, updated; the last is the best of this round.
        log: [size] int64 and float64, overwritten.
        left: [n] int32, updated: steps for which each sign is still barred.
        counters: [3] int64: steps since the round's best, updated; patience; kick.
        draws: [2, words] int64, random: a place, and the steps for which a sign is barred.
        lowest: below all gains, and of their kind.
        room: evaluations to spend at most.

    Returns:
        Evaluations spent, words used, and entries in the log.
    """
    gains, signs = box[0], box[1]
    n = len(gains)
    at, tops = log
    level, top, target, round_top = levels[0], levels[1], levels[2], levels[3]
    idle, patience, kick = counters[0], counters[1], counters[2]
    spent, used, step, logged, fresh = 0, 0, 0, 0, False
    while top < target and logged < len(at):
        if idle >= patience:
            if spent >= room or used + kick > draws.shape[1]:
                break
            level += _go(box, best)
            some = 1 + draws[0, used] * kick // n
            level += _kick(box, draws[0, used : used + some])
            left[:] = 0
            step, idle, round_top = 0, 0, level
            used += kick
            spent += 1
            place = 0
        else:
            if room - spent < n or used >= draws.shape[1]:
                break
            start = draws[0, used]
            highest, free = lowest, lowest
            for j in range(n):
                gain = gains[j]
                highest = max(highest, gain)
                free = max(free, gain if left[j] <= step else lowest)
            if level + highest > top:  # aspiration: a new best is never barred
                chosen, gain = _first(gains, highest, start), highest
            else:
                chosen, gain = _first_free(gains, free, start, left, step), free
            step += 1
            if chosen >= 0:
                if fresh and gain <= 0:
                    best[:] = signs
                    fresh = False
                left[chosen] = step + draws[1, used]
                flip(box, chosen)
                level += gain
            used += 1
            idle += 1
            place = (chosen - start) % n + 1 - n
            spent += n
            if level > round_top:
                round_top, idle = level, 0
        if level > top:
            top, fresh = level, True
            at[logged], tops[logged] = spent + place, top
            logged += 1
    if fresh:
        best[:] = signs
    for j in range(n):
        left[j] = max(left[j] - step, 0)
    levels[0], levels[1], levels[3] = level, top, round_top
    counters[0] = idle
    return spent, used, logged


@njit(nogil=True, cache=True)
def steepest(
    box: Any,
    best: Signs,
    levels: Floats,
    log: Log,
    base: Signs,
    counters: Ints,
    draws: Ints,
    room: int,
) -> tuple[int, int, int]:
    """Makes the best flip while that helps; then goes on from a kick of the better optimum.

    Args:
        box: updated.
        best: [n] int8, overwritten.
        levels: [4] float64, updated; the last is the score of `base`.
        log: [size] int64 and float64, overwritten.
        base: [n] int8, updated: the optimum that is kicked.
        counters: [3] int64: whether no flip helps, updated; unused; places to kick.
        draws: [words] int64, random places.
        room: evaluations to spend at most.

    Returns:
        As `tabu`.
    """
    gains, signs = box[0], box[1]
    n = len(gains)
    at, tops = log
    level, top, target, base_level = levels[0], levels[1], levels[2], levels[3]
    stuck, kick = counters[0], counters[2]
    spent, used, logged, fresh = 0, 0, 0, False
    while top < target and logged < len(at):
        place = 0
        if stuck:
            if spent >= room or used + kick > len(draws):
                break
            level, base_level = _leave(box, base, level, base_level, draws[used : used + kick])
            used += kick
            spent += 1
            stuck = 0
        else:
            if room - spent < n or used >= len(draws):
                break
            start = draws[used]
            used += 1
            spent += n
            highest = _highest(gains)
            if highest > 0:
                chosen = _first(gains, highest, start)
                flip(box, chosen)
                level += highest
                place = (chosen - start) % n + 1 - n
            else:
                stuck = 1
                if fresh:
                    best[:] = signs
                    fresh = False
        if level > top:
            top, fresh = level, True
            at[logged], tops[logged] = spent + place, top
            logged += 1
    if fresh:
        best[:] = signs
    levels[0], levels[1], levels[3] = level, top, base_level
    counters[0] = stuck
    return spent, used, logged


@njit(nogil=True, cache=True)
def first_improvement(
    box: Any,
    best: Signs,
    levels: Floats,
    log: Log,
    base: Signs,
    counters: Ints,
    draws: Ints,
    room: int,
) -> tuple[int, int, int]:
    """Makes each flip that helps, in turn; behind n that do not, as `steepest` where it is stuck.

    Args are those of `steepest`, but for `counters`: signs since the last flip that helped, and the
    next sign, both updated; places to kick.
    """
    gains, signs = box[0], box[1]
    n = len(gains)
    at, tops = log
    level, top, target, base_level = levels[0], levels[1], levels[2], levels[3]
    fails, i, kick = counters[0], counters[1], counters[2]
    spent, used, logged, fresh = 0, 0, 0, False
    while spent < room and top < target and logged < len(at):
        if fails >= n:
            if used + kick > len(draws):
                break
            if fresh:
                best[:] = signs
                fresh = False
            level, base_level = _leave(box, base, level, base_level, draws[used : used + kick])
            used += kick
            spent += 1
            fails = 0
        else:
            size = min(BLOCK, n - i, room - spent, n - fails)
            if _highest(gains[i : i + size]) <= 0:
                spent += size
                fails += size
                i += size
            else:
                while gains[i] <= 0:
                    i += 1
                    spent += 1
                level += gains[i]
                flip(box, i)
                i += 1
                spent += 1
                fails = 0
            if i == n:
                i = 0
        if level > top:
            top, fresh = level, True
            at[logged], tops[logged] = spent, top
            logged += 1
    if fresh:
        best[:] = signs
    levels[0], levels[1], levels[3] = level, top, base_level
    counters[0], counters[1] = fails, i
    return spent, used, logged
