"""Iterated local search: down to a local optimum, a kick, down again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, get_args

import numpy as np
from numpy.typing import NDArray

from evobin.algorithms.single_flips import AHEAD, SingleFlips, place_of
from evobin.checks import check_choice, check_range, setting
from evobin.core.compiled import CompiledState, Walk
from evobin.core.problem import Scores, Solution
from evobin.kernels import families
from evobin.kernels.families import (
    compiled,
    copy_to,
    first_of,
    flip,
    go_to,
    highest,
    look,
    look_at_all,
    note_best,
    note_flip,
    update_best,
)

Rule = Literal["steepest", "first"]
BLOCK = 64
"""Gains that are looked at together: one vectorised maximum."""


@dataclass(eq=False, kw_only=True)
class Descent(SingleFlips):
    """Flips what helps until nothing does; then goes on from a kick of the better local optimum.

    "steepest" looks at all n neighbours and goes to the best, of equal ones the first from a random
    sign on; "first" looks at one after the other and goes where it helps. A local optimum as good
    as the one that was kicked takes its place; else the old one is kicked again.

    Args:
        rule: "steepest" or "first".
        kick: signs flipped at random; None for n / 50, at least 4.
        patience: as for `SingleFlips`.

    Source:
        Lourenço, Martin, Stützle (2003), Iterated local search, Handbook of Metaheuristics; its
        acceptance criterion "better", here "at least as good".
    """

    rule: Rule = "steepest"
    kick: int | None = setting(None, 1, 10**7)

    def __post_init__(self) -> None:
        super().__post_init__()
        check_choice("rule", self.rule, get_args(Rule))

    def begin(self) -> None:
        """As in `Algorithm`."""
        super().begin()
        if self.kick is not None:
            check_range("kick", self.kick, 1, self.n)
        self.steepest = self.rule == "steepest"
        self._kicked = self.kick or min(max(self.n // 50, 4), self.n)
        self.width = self.n if self.steepest else 1
        self.base, self.base_level = self.present.copy(), -np.inf
        self.fails = 0  # batches in turn that did not help

    def _step(self, scores: Scores) -> None:
        if len(self.waiting):
            self._begin_at(scores)
            self.fails = 0
        else:
            self._descend(scores)
        self._next()

    def _descend(self, scores: Scores) -> None:
        row = int(scores.argmax())
        if scores[row] > self.level:
            self._move(int(self._places()[row]), scores[row])
            self.fails = 0
        else:
            self.fails += 1
        if self.steepest:
            self._ahead(1)
            self._use(1)
        else:
            self.first = (self.first + 1) % self.n

    def _next(self) -> None:
        """A kick where nothing helps; else the neighbours."""
        if self.fails * self.width >= self.n:
            if self.level >= self.base_level:
                self.base, self.base_level = self.present.copy(), self.level
            self._kick(self.base, self._kicked)
        if self.steepest:
            self.first = int(place_of(self.words, self.n)[0])

    def _run(self, state: CompiledState, walk: Walk, target: float, room: int) -> tuple[int, int]:
        words = self._ahead(self._kicked + min(room // self.width + 1, AHEAD))[:, 0]
        begun = _Climb(state.score, self.score, target, self.base_level, self.fails, self.first)
        kernel = _steepest if self.steepest else _first_improvement
        now, spent, used, logged = kernel(
            state.box,
            state.tag,
            walk,
            begun,
            self.base,
            place_of(words, self.n),
            self._kicked,
            room,
        )
        self._use(int(used))
        self.level, self.base_level, self.fails = now.level, now.base_level, now.fails
        if not self.steepest:
            self.first = now.place
        return int(spent), int(logged)


class _Climb(NamedTuple):
    """Where a walk is.

    Attributes:
        level: score of the present solution.
        top: of the best.
        target: score that is enough.
        base_level: of the optimum that is kicked.
        fails: flips, or looks at all of them, in turn that did not help.
        place: the next sign, where one is looked at after the other.
    """

    level: float
    top: float
    target: float
    base_level: float
    fails: int
    place: int


@compiled
def _leave(
    box: Any, tag: Any, base: Solution, level: float, base_level: float, places: NDArray[np.int64]
) -> tuple[float, float]:
    """Leaves a local optimum by a kick of it, or of `base` where that is better.

    Returns:
        The scores of where that leads, and of `base`, which becomes the optimum that is kicked.
    """
    if level >= base_level:
        copy_to(base, box.signs)
        base_level = level
    else:
        level += go_to(box, tag, base)
    return level + families.kick(box, tag, places), base_level


@compiled
def _steepest(
    box: Any,
    tag: Any,
    walk: Walk,
    begun: _Climb,
    base: Solution,
    draws: NDArray[np.int64],
    kick: int,
    room: int,
) -> tuple[_Climb, int, int, int]:
    """Makes the best flip while that helps; then goes on from a kick of the better optimum.

    Arguments beside those of all walks (see `kernels.families`):
        begun: where it begins.
        base: [n] int8, updated: the optimum that is kicked.
        draws: [words] int64, random places.
        kick: places to flip where nothing helps.

    Returns:
        Where it is then, evaluations spent, words used, and entries in the log of `walk`.
    """
    gains, signs = box.gains, box.signs
    best, journal, at, tops = walk
    n = len(gains)
    level, top, target, base_level, stuck, first = begun
    spent, used, logged, length, mark = 0, 0, 0, -1, 0
    while top < target and logged < len(at):
        place = 0
        if stuck:
            if spent >= room or used + kick > len(draws):
                break
            update_best(best, journal, mark)
            length, mark = -1, 0
            level, base_level = _leave(box, tag, base, level, base_level, draws[used : used + kick])
            used += kick
            spent += 1
            stuck = 0
        else:
            if room - spent < n or used >= len(draws):
                break
            start = draws[used]
            used += 1
            spent += n
            look_at_all(box, tag)
            gain = highest(gains)
            if gain > 0:
                chosen = first_of(gains, gain, start)
                flip(box, chosen)
                length, mark = note_flip(best, journal, length, mark, chosen)
                level += gain
                place = (chosen - start) % n + 1 - n
            else:
                stuck = 1
        if level > top:
            top = level
            length, mark = note_best(best, signs, length)
            at[logged], tops[logged] = spent + place, top
            logged += 1
    update_best(best, journal, mark)
    return _Climb(level, top, target, base_level, stuck, first), spent, used, logged


@compiled
def _first_improvement(
    box: Any,
    tag: Any,
    walk: Walk,
    begun: _Climb,
    base: Solution,
    draws: NDArray[np.int64],
    kick: int,
    room: int,
) -> tuple[_Climb, int, int, int]:
    """Makes each flip that helps, in turn; after n that do not, as `_steepest` where it is stuck.

    Arguments and what it returns are those of `_steepest`.
    """
    gains, signs = box.gains, box.signs
    best, journal, at, tops = walk
    n = len(gains)
    level, top, target, base_level, fails, i = begun
    spent, used, logged, length, mark = 0, 0, 0, -1, 0
    while spent < room and top < target and logged < len(at):
        if fails >= n:
            if used + kick > len(draws):
                break
            update_best(best, journal, mark)
            length, mark = -1, 0
            level, base_level = _leave(box, tag, base, level, base_level, draws[used : used + kick])
            used += kick
            spent += 1
            fails = 0
        else:
            size = look(box, i, min(BLOCK, n - i, room - spent, n - fails))
            if highest(gains[i : i + size]) <= 0:
                spent += size
                fails += size
                i += size
            else:
                while gains[i] <= 0:
                    i += 1
                    spent += 1
                level += gains[i]
                flip(box, i)
                length, mark = note_flip(best, journal, length, mark, i)
                i += 1
                spent += 1
                fails = 0
            if i == n:
                i = 0
        if level > top:
            top = level
            length, mark = note_best(best, signs, length)
            at[logged], tops[logged] = spent, top
            logged += 1
    update_best(best, journal, mark)
    return _Climb(level, top, target, base_level, fails, i), spent, used, logged
