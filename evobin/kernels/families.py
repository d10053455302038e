"""Families of problems whose single flips are compiled, and what compiled walks share.

A *box* is what a family's kernels need of one solution: a NamedTuple of arrays, `gains` (the change
of score for each single flip) and `signs` first. A family registers one function that flips a sign;
an algorithm's walk calls `flip` and is compiled for each kind of box. Neither knows the other.

Most families keep all gains exact, flip by flip. Where that costs too much, a family registers a
second function that looks at flips, and a gain is exact only after a look at it. So a walk looks at
gains before it reads them; with a family that keeps them, `look` compiles to nothing. Of the others
a walk gets a handle, of one type for all: see `handles`.

numba keeps what it has compiled on disk, and notices only that the walk's own file has changed. So
a walk, and all that it calls with a box, also takes a *tag*, an array whose type names the source
of the box's flip and look: another source is another type, and compiles anew.

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
Look = Callable[[Any, int, int], int]
Function = TypeVar("Function", bound=Callable[..., Any])

LOST = -1

_FLIPS: dict[type, Flip] = {}
_LOOKS: dict[type, Look] = {}


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
        _check(box, flip, ("box", "i"))
        _FLIPS[box] = flip
        return flip

    return register


def looks(box: type) -> Callable[[Look], Look]:
    """Registers how gains are made exact in a kind of box that does not keep all of them so.

    The function takes a place and how many gains from there on are wanted, at least 1. It makes
    exact as many of them as it likes to and returns their number, at least 1; these must stay exact
    while signs at these places are flipped.

    Args:
        box: as for `flips`.

    Raises:
        TypeError: as for `flips`; the parameters are (box, i, size).
    """

    def register(look: Look) -> Look:
        _check(box, look, ("box", "i", "size"))
        _LOOKS[box] = look
        return look

    return register


def keeps_gains(box: type) -> bool:
    """Whether all gains in a kind of box are always exact."""
    return box not in _LOOKS


def _check(box: type, function: Callable[..., Any], parameters: tuple[str, ...]) -> None:
    if getattr(box, "_fields", ())[:2] != ("gains", "signs"):
        raise TypeError(f"the first fields of {box.__name__} must be gains and signs.")
    if tuple(inspect.signature(function).parameters) != parameters:
        names = ", ".join(parameters)
        raise TypeError(f"the parameters of {function.__name__} must be ({names}).")


@cache
def tag_of(box: type) -> NDArray[Any]:
    """An array whose type names the source files of a box's flip and look, and what is in them.

    Raises:
        TypeError: if no flip is registered for it.
    """
    if box not in _FLIPS:
        raise TypeError(
            f"{box.__name__} must have a flip; register one by `kernels.families.flips`."
        )
    source = b""
    for function in (_FLIPS[box], _LOOKS.get(box, _FLIPS[box])):
        path = inspect.getsourcefile(function)
        source += Path(path).read_bytes() if path and Path(path).exists() else box.__name__.encode()
    return np.zeros(1, np.dtype([(f"source_{hashlib.sha256(source).hexdigest()[:16]}", np.int8)]))


def flip(box: Any, i: int) -> None:
    """Flips a sign; in compiled code the flip of the box's family."""
    _FLIPS[type(box)](box, i)


def look(box: Any, i: int, size: int) -> int:
    """Makes gains from place i on exact, `size` at most; returns how many, at least 1.

    They are exact until a sign at another place is flipped. In compiled code the look of the box's
    family, and nothing at all where that keeps all gains exact.
    """
    return _LOOKS.get(type(box), _keep)(box, i, size)


def _keep(box: Any, i: int, size: int) -> int:
    """The look of a family whose gains are all exact."""
    return size


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


def _look_of(box: Any, i: int, size: int) -> FunctionType | None:
    """As `_flip_of`, where a walk looks at gains."""
    kind = getattr(box, "instance_class", type(None))
    return _plain(_LOOKS.get(kind, _keep)) if kind in _FLIPS else None


overload(flip)(_plain(_flip_of))
overload(look)(_plain(_look_of))


@compiled
def flip_one(box: Any, tag: Any, i: int) -> float:
    """As `flip`, from Python; returns the gain."""
    look(box, i, 1)
    gain = np.float64(box.gains[i])
    flip(box, i)
    return gain


@compiled
def look_at(box: Any, tag: Any, places: Ints) -> NDArray[np.float64]:
    """[m] float64, the gains of [m] places, from Python."""
    found = np.empty(len(places), np.float64)
    for k in range(len(places)):
        look(box, places[k], 1)
        found[k] = box.gains[places[k]]
    return found


@compiled
def look_at_all(box: Any, tag: Any) -> None:
    """Makes all gains exact, until the next flip."""
    n = len(box.gains)
    i = 0
    while i < n:
        i += look(box, i, n - i)


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
def go_to(box: Any, tag: Any, solution: Signs) -> float:
    """Flips what differs from another solution, and returns the change of the score."""
    gains, signs = box.gains, box.signs
    change = 0.0
    for j in range(len(gains)):
        if signs[j] != solution[j]:
            look(box, j, 1)
            change += gains[j]
            flip(box, j)
    return change


@compiled
def kick(box: Any, tag: Any, places: Ints) -> float:
    """Flips some places, one that comes twice back again, and returns the change of the score."""
    change = 0.0
    for j in places:
        look(box, j, 1)
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
def copy_to(target: Signs, source: Signs) -> None:
    """Copies signs; `target[:] = source` would compile for seconds, for the text of its error."""
    for j in range(len(target)):
        target[j] = source[j]


@compiled
def note_best(best: Signs, signs: Signs, length: int) -> tuple[int, int]:
    """The present solution is the best; returns `length` and `mark`."""
    if length == LOST:
        copy_to(best, signs)
        return 0, 0
    return length, length
