"""Clauses: what single flips change, in whole numbers, and local search by clause weighting."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from evobin.kernels.families import compiled, note_best, note_flip, update_best

Ints = NDArray[np.int64]
Signs = NDArray[np.int8]


@compiled
def cost_changes(
    starts: Ints,
    owners: NDArray[np.int32],
    wants: NDArray[np.int8],
    weights: Ints,
    hard: NDArray[np.bool_],
    counts: NDArray[np.int32],
    signs: Signs,
    places: Ints,
) -> Ints:
    """[k, 2] int64: hard clauses broken, and weight of soft ones, more after each single flip.

    Args:
        starts: of `Clauses`, as all up to `hard`.
        owners: see there.
        wants: see there.
        weights: see there.
        hard: see there.
        counts: [m] int32, true literals of each clause.
        signs: [n] int8, the solution.
        places: [k] int64.
    """
    found = np.zeros((len(places), 2), np.int64)
    for j, i in enumerate(places):
        for k in range(starts[i], starts[i + 1]):
            c = owners[k]
            if wants[k] == signs[i]:
                change = 1 if counts[c] == 1 else 0
            else:
                change = -1 if counts[c] == 0 else 0
            if hard[c]:
                found[j, 0] += change
            else:
                found[j, 1] += change * weights[c]
    return found


class Lists(NamedTuple):
    """Clauses, as in `core.clauses.Clauses`, and what is added to weights in a local optimum.

    Attributes:
        starts: [n + 1] int64.
        owners: [literals] int32.
        wants: [literals] int8.
        ends: [m + 1] int64.
        members: [literals] int32.
        literals: [literals] int8, the sign that each member is to have.
        weights: [m] int64, what counts.
        hard: [m] bool.
        steps: [m] int64, a clause's first dynamic weight, and what is added to it; 0 for one that
            never counts.
        limits: [m] int64, where dynamic weights end.
    """

    starts: Ints
    owners: NDArray[np.int32]
    wants: Signs
    ends: Ints
    members: NDArray[np.int32]
    literals: Signs
    weights: Ints
    hard: NDArray[np.bool_]
    steps: Ints
    limits: Ints


class Search(NamedTuple):
    """One solution, and the dynamic weights by which it goes on.

    Attributes:
        signs: [n] int8.
        counts: [m] int32, true literals.
        sums: [m] int64, sum of the variables of true literals, which names a single one.
        dynamic: [m] int64, dynamic weights.
        gains: [n] int64, what a flip takes away from the dynamic weight of broken clauses.
        ages: [n] int64, step of the last flip.
        good: [n] int32, the variables of positive gain, in any order.
        good_at: [n] int32, where each stands there; -1 where it does not.
        broken: [m] int32, the broken hard clauses from the front, the soft ones from the back.
        broken_at: [m] int32, where each stands there; -1 where it does not.
        raised: [m] int32, the clauses whose dynamic weight was raised, in any order.
        raised_at: [m] int32, where each stands there; -1 where it does not.
        sizes: [6] int64: entries of `good`; broken hard and soft clauses that are listed; weight of
            all broken soft clauses; steps so far; entries of `raised`.
        random: [1] uint64, not 0, the state of a xorshift generator.
    """

    signs: Signs
    counts: NDArray[np.int32]
    sums: Ints
    dynamic: Ints
    gains: Ints
    ages: Ints
    good: NDArray[np.int32]
    good_at: NDArray[np.int32]
    broken: NDArray[np.int32]
    broken_at: NDArray[np.int32]
    raised: NDArray[np.int32]
    raised_at: NDArray[np.int32]
    sizes: Ints
    random: NDArray[np.uint64]


@compiled
def draw(random: NDArray[np.uint64], n: int) -> Any:
    """A number from 0 to n - 1, n below 2^31; advances the generator.

    Source: Marsaglia (2003), Xorshift RNGs, Journal of Statistical Software 8.
    """
    x = random[0]
    x ^= x << np.uint64(13)
    x ^= x >> np.uint64(7)
    x ^= x << np.uint64(17)
    random[0] = x
    return np.int64(((x >> np.uint64(32)) * np.uint64(n)) >> np.uint64(32))


@compiled
def _add_gain(search: Search, i: int, change: int) -> None:
    """Changes a gain, and whether its variable is listed as a good one."""
    gains, good, good_at, sizes = search.gains, search.good, search.good_at, search.sizes
    gain = gains[i] + change
    gains[i] = gain
    at = good_at[i]
    if gain > 0:
        if at < 0:
            good[sizes[0]] = i
            good_at[i] = sizes[0]
            sizes[0] += 1
    elif at >= 0:
        sizes[0] -= 1
        last = good[sizes[0]]
        good[at] = last
        good_at[last] = at
        good_at[i] = -1


@compiled
def _list_broken(lists: Lists, search: Search, c: int) -> None:
    """A clause was broken."""
    broken, sizes = search.broken, search.sizes
    if lists.hard[c]:
        at = sizes[1]
        sizes[1] += 1
    else:
        sizes[3] += lists.weights[c]
        if lists.steps[c] == 0:
            return
        sizes[2] += 1
        at = len(broken) - sizes[2]
    broken[at] = c
    search.broken_at[c] = at


@compiled
def _list_made(lists: Lists, search: Search, c: int) -> None:
    """A clause was satisfied."""
    broken, broken_at, sizes = search.broken, search.broken_at, search.sizes
    at = broken_at[c]
    if lists.hard[c]:
        sizes[1] -= 1
        last = broken[sizes[1]]
    else:
        sizes[3] -= lists.weights[c]
        if at < 0:
            return
        last = broken[len(broken) - sizes[2]]
        sizes[2] -= 1
    broken[at] = last
    broken_at[last] = at
    broken_at[c] = -1


@compiled
def flip_clauses(lists: Lists, search: Search, i: int) -> None:
    """Flips a sign; costs its clauses, and the members of those that are made or broken by it."""
    signs, counts, sums, dynamic = search.signs, search.counts, search.sums, search.dynamic
    owners, wants, ends, members = lists.owners, lists.wants, lists.ends, lists.members
    for k in range(lists.starts[i], lists.starts[i + 1]):
        c = owners[k]
        weight = dynamic[c]
        if wants[k] == signs[i]:
            counts[c] -= 1
            sums[c] -= i
            if counts[c] == 1:  # the one left breaks the clause from now on
                _add_gain(search, sums[c], -weight)
            elif counts[c] == 0:  # any of its variables makes it; i no longer breaks it
                for m in range(ends[c], ends[c + 1]):
                    _add_gain(search, members[m], weight)
                _add_gain(search, i, weight)
                _list_broken(lists, search, c)
        else:
            counts[c] += 1
            if counts[c] == 2:
                _add_gain(search, sums[c], weight)
            elif counts[c] == 1:
                for m in range(ends[c], ends[c + 1]):
                    _add_gain(search, members[m], -weight)
                _add_gain(search, i, -weight)
                _list_made(lists, search, c)
            sums[c] += i
    signs[i] = -signs[i]


@compiled
def begin_clauses(lists: Lists, search: Search) -> None:
    """Fills in what follows from `signs` and `dynamic`.

    Places in lists must be -1, and all other numbers but `random` 0.
    """
    signs, counts, sums = search.signs, search.counts, search.sums
    for c in range(len(counts)):
        counts[c] = sums[c] = 0
        for m in range(lists.ends[c], lists.ends[c + 1]):
            if signs[lists.members[m]] == lists.literals[m]:
                counts[c] += 1
                sums[c] += lists.members[m]
        weight = search.dynamic[c]
        if counts[c] == 1:
            _add_gain(search, sums[c], -weight)
        elif counts[c] == 0:
            for m in range(lists.ends[c], lists.ends[c + 1]):
                _add_gain(search, lists.members[m], weight)
            _list_broken(lists, search, c)


@compiled
def _better(search: Search, i: int, j: int) -> Any:
    """Whether variable i has a higher gain than j, or the same and was flipped longer ago."""
    gains, ages = search.gains, search.ages
    return gains[i] > gains[j] or (gains[i] == gains[j] and ages[i] < ages[j])


@compiled
def _raise_weights(lists: Lists, search: Search) -> None:
    """Raises the dynamic weights of broken hard clauses; where there are none, of soft ones."""
    sizes, broken = search.sizes, search.broken
    low, high = 0, sizes[1]
    if high == 0:
        low, high = len(broken) - sizes[2], len(broken)
    for at in range(low, high):
        c = broken[at]
        step = lists.steps[c]
        if search.dynamic[c] + step <= lists.limits[c]:
            search.dynamic[c] += step
            if search.raised_at[c] < 0:
                search.raised_at[c] = sizes[5]
                search.raised[sizes[5]] = c
                sizes[5] += 1
            for m in range(lists.ends[c], lists.ends[c + 1]):
                _add_gain(search, lists.members[m], step)


@compiled
def _smooth_weights(lists: Lists, search: Search) -> None:
    """Takes back a raise of each satisfied clause that was raised."""
    sizes, raised, raised_at = search.sizes, search.raised, search.raised_at
    for at in range(sizes[5] - 1, -1, -1):
        c = raised[at]
        if search.counts[c] == 0:
            continue
        step = lists.steps[c]
        search.dynamic[c] -= step
        if search.counts[c] == 1:
            _add_gain(search, search.sums[c], step)
        if search.dynamic[c] <= step:
            sizes[5] -= 1
            last = raised[sizes[5]]
            raised[at] = last
            raised_at[last] = at
            raised_at[c] = -1


@compiled
def _choose(lists: Lists, search: Search, samples: int, chance: int) -> Any:
    """The variable to flip next; in a local optimum, weights are raised first."""
    sizes, good, random = search.sizes, search.good, search.random
    if sizes[0] > 0:
        few = sizes[0] <= samples
        best = good[0] if few else good[draw(random, sizes[0])]
        for k in range(1, sizes[0] if few else samples):
            i = good[k] if few else good[draw(random, sizes[0])]
            if _better(search, i, best):
                best = i
        return best
    if draw(random, 2**20) < chance:
        _smooth_weights(lists, search)
    else:
        _raise_weights(lists, search)
    if sizes[1] > 0:
        c = search.broken[draw(random, sizes[1])]
    else:
        c = search.broken[len(search.broken) - 1 - draw(random, sizes[2])]
    best = lists.members[lists.ends[c]]
    for m in range(lists.ends[c] + 1, lists.ends[c + 1]):
        if _better(search, lists.members[m], best):
            best = lists.members[m]
    return best


@compiled
def weigh_clauses(
    lists: Lists,
    search: Search,
    best: Signs,
    journal: NDArray[np.int32],
    log: Ints,
    low: Ints,
    room: int,
    samples: int,
    chance: int,
) -> tuple[int, int]:
    """Flips sign after sign, each the best of some that lower the dynamic weight that is broken.

    Args:
        lists: the clauses.
        search: updated.
        best: [n] int8, the best solution, updated.
        journal: [n] int32, overwritten; see `families`.
        log: [k, 3] int64, overwritten: steps of this call at each new best, and its cost.
        low: [4] int64: the best cost, hard clauses and soft weight, updated; a cost that is enough.
        room: steps at most.
        samples: good variables that are looked at for a step, at least 1.
        chance: of 2^20, that weights are lowered in a local optimum, not raised.

    Returns:
        Steps made, and new bests noted in `log`. It ends early where these are as many as `log` has
        room for, where a cost is low enough, and where nothing is broken.
    """
    sizes = search.sizes
    done, logged, length, mark = 0, 0, -1, 0
    while done < room and logged < len(log) and sizes[1] + sizes[2] > 0:
        if low[0] < low[2] or (low[0] == low[2] and low[1] <= low[3]):
            break
        i = _choose(lists, search, samples, chance)
        sizes[4] += 1
        search.ages[i] = sizes[4]
        flip_clauses(lists, search, i)
        done += 1
        length, mark = note_flip(best, journal, length, mark, i)
        if sizes[1] < low[0] or (sizes[1] == low[0] and sizes[3] < low[1]):
            low[0], low[1] = sizes[1], sizes[3]
            length, mark = note_best(best, search.signs, length)
            log[logged, 0] = done
            log[logged, 1] = low[0]
            log[logged, 2] = low[1]
            logged += 1
    update_best(best, journal, mark)
    return done, logged


@compiled
def _assign(
    lists: Lists,
    signs: Signs,
    left: NDArray[np.int32],
    units: NDArray[np.int32],
    sizes: Ints,
    i: int,
) -> None:
    """Follows a variable that got its sign: clauses that are left with one literal are units."""
    for k in range(lists.starts[i], lists.starts[i + 1]):
        c = lists.owners[k]
        if left[c] <= 0:
            continue
        if lists.wants[k] == signs[i]:
            left[c] = 0
        else:
            left[c] -= 1
            if left[c] == 1:
                _list_unit(lists, units, sizes, c)


@compiled
def _list_unit(lists: Lists, units: NDArray[np.int32], sizes: Ints, c: int) -> None:
    """Lists a unit clause: the hard ones from the front, the soft ones from the back."""
    if lists.hard[c]:
        units[sizes[0]] = c
        sizes[0] += 1
    else:
        sizes[1] += 1
        units[len(units) - sizes[1]] = c


@compiled
def decimate(
    lists: Lists, prior: Signs, order: NDArray[np.int32], random: NDArray[np.uint64], samples: int
) -> Signs:
    """Assigns variable after variable, by unit clauses where there are any, hard ones first.

    Of soft unit clauses the heaviest of some is taken. Costs the literals of all clauses.

    Args:
        lists: the clauses.
        prior: [n] int8, the sign of a variable that no unit clause decides.
        order: [n] int32, in which order those are taken.
        random: as in `Search`.
        samples: soft unit clauses that are looked at, at least 1.

    Returns:
        [n] int8.
    """
    n, m = len(prior), len(lists.hard)
    signs = np.zeros(n, np.int8)
    left, units, sizes = np.empty(m, np.int32), np.empty(m, np.int32), np.zeros(2, np.int64)
    for c in range(m):
        left[c] = lists.ends[c + 1] - lists.ends[c]
        if left[c] == 1:
            _list_unit(lists, units, sizes, c)
    place = 0
    while place < n:
        if sizes[0] > 0:
            at = draw(random, sizes[0])
            c = units[at]
            sizes[0] -= 1
            units[at] = units[sizes[0]]
        elif sizes[1] > 0:
            first = len(units) - sizes[1]
            at = first + draw(random, sizes[1])
            for _ in range(samples - 1):
                other = first + draw(random, sizes[1])
                if lists.weights[units[other]] > lists.weights[units[at]]:
                    at = other
            c = units[at]
            units[at] = units[first]
            sizes[1] -= 1
        else:
            i = order[place]
            place += 1
            if signs[i] == 0:
                signs[i] = prior[i]
                _assign(lists, signs, left, units, sizes, i)
            continue
        if left[c] <= 0:
            continue
        for k in range(lists.ends[c], lists.ends[c + 1]):
            i = lists.members[k]
            if signs[i] == 0:
                signs[i] = lists.literals[k]
                _assign(lists, signs, left, units, sizes, i)
                break
    return signs
