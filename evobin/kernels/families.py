"""Families of problems whose single flips are compiled, and what compiled walks share.

A *box* is what a family's kernels need of one solution: a NamedTuple of arrays, `gains` (the change
of score for each single flip) and `signs` first. A family registers one function that flips a sign
and keeps all gains exact; an algorithm's walk calls `flip` and is compiled for each kind of box.
Neither knows the other.

numba keeps what it has compiled on disk, and notices only that the walk's own file has changed. So
a walk also takes a *tag*, an array whose type names the source of the box's flip: another source
is another type, and compiles anew.

A compiled walk's first arguments are a box, which it updates, its tag, and a `core.compiled.Walk`,
which it overwrites but for `best`, which it updates; `room` is how many evaluations it may spend.

Walks remember the best solution without copying it each time: they write down which signs they
flip, in a *journal*, and how far the best was. `length` flips are in the journal since `best` was
up to date, and the first `mark` of them lead to the best; a `length` of LOST says that the journal
was full, so that the next best is copied.
"""

from __future__ import annotations

import hashlib
import inspect
from collections.abc import Callable
from functools import cache
from pathlib import Path
from types import FunctionType
from typing import Any, TypeVar, cast

import numpy as np
from numba import njit
from numba.extending import overload
from numpy.typing import NDArray

Signs = NDArray[np.int8]
Ints = NDArray[np.int64]
Journal = NDArray[np.int32]
Flip = Callable[[Any, int], None]
Function = TypeVar("Function", bound=Callable[..., Any])

LOST = -1

_FLIPS: dict[type, Flip] = {}


def compiled(function: Function) -> Function:
    """Compiles a function of arrays and numbers when it is first called; kept on disk."""
    made: Any = njit(nogil=True, cache=True)(function)
    return cast(Function, made)


def flips(box: type) -> Callable[[Flip], Flip]:
    """Registers how a sign is flipped in a kind of box.

    Args:
        box: a NamedTuple with the fields `gains` and `signs`.

    Raises:
        TypeError: if the box has no such fields, or the function other parameters than (box, i).
    """

    def register(flip: Flip) -> Flip:
        fields = getattr(box, "_fields", ())
        if fields[:2] != ("gains", "signs"):
            raise TypeError(f"the first fields of {box.__name__} must be gains and signs.")
        if tuple(inspect.signature(flip).parameters) != ("box", "i"):
            raise TypeError(f"the parameters of {flip.__name__} must be (box, i).")
        _FLIPS[box] = flip
        return flip

    return register


@cache
def tag_of(box: type) -> NDArray[Any]:
    """An array whose type names the source file of a box's flip, and what is in it.

    Raises:
        TypeError: if no flip is registered for it.
    """
    if box not in _FLIPS:
        raise TypeError(
            f"{box.__name__} must have a flip; register one by `kernels.families.flips`."
        )
    path = inspect.getsourcefile(_FLIPS[box])
    source = Path(path).read_bytes() if path and Path(path).exists() else box.__name__.encode()
    return np.zeros(1, np.dtype([(f"source_{hashlib.sha256(source).hexdigest()[:16]}", np.int8)]))


def flip(box: Any, i: int) -> None:
    """Flips a sign and keeps all gains exact; in compiled code the flip of the box's family."""
    _FLIPS[type(box)](box, i)


def _plain(function: Callable[..., Any]) -> FunctionType:
    """The same function without annotations: numba wants those of all flips to be equal."""
    code = cast(FunctionType, function)
    return FunctionType(
        code.__code__, code.__globals__, code.__name__, code.__defaults__, code.__closure__
    )


def _flip_of(box: Any, i: int) -> FunctionType | None:
    """What numba compiles where a walk flips a sign of a box; it gets types, not values."""
    found = _FLIPS.get(getattr(box, "instance_class", type(None)))
    return None if found is None else _plain(found)


overload(flip)(_plain(_flip_of))


@compiled
def flip_one(box: Any, tag: Any, i: int) -> None:
    """As `flip`, from Python."""
    flip(box, i)


@compiled
def highest(gains: Any) -> Any:
    """The highest of some gains, at least one."""
    top = gains[0]
    for j in range(len(gains)):
        top = max(top, gains[j])
    return top


@compiled
def first_of(gains: Any, value: Any, start: int) -> int:
    """The first place from `start` on, around the end, with a gain that one of them has."""
    n = len(gains)
    for j in range(start, n):
        if gains[j] == value:
            return j
    for j in range(start):
        if gains[j] == value:
            return j
    return -1


@compiled
def go_to(box: Any, solution: Signs) -> float:
    """Flips what differs from another solution, and returns the change of the score."""
    gains, signs = box.gains, box.signs
    change = 0.0
    for j in range(len(gains)):
        if signs[j] != solution[j]:
            change += gains[j]
            flip(box, j)
    return change


@compiled
def kick(box: Any, places: Ints) -> float:
    """Flips some places, one that comes twice back again, and returns the change of the score."""
    change = 0.0
    for j in places:
        change += box.gains[j]
        flip(box, j)
    return change


@compiled
def update_best(best: Signs, journal: Journal, mark: int) -> None:
    """Makes the flips that lead to the best solution in `best`."""
    for k in range(mark):
        best[journal[k]] = -best[journal[k]]


@compiled
def note_flip(best: Signs, journal: Journal, length: int, mark: int, i: int) -> tuple[int, int]:
    """Writes a flip down; returns `length` and `mark`."""
    if length == len(journal):
        update_best(best, journal, mark)
        return LOST, 0
    if length != LOST:
        journal[length] = i
        length += 1
    return length, mark


@compiled
def note_best(best: Signs, signs: Signs, length: int) -> tuple[int, int]:
    """The present solution is the best; returns `length` and `mark`."""
    if length == LOST:
        best[:] = signs
        return 0, 0
    return length, length
