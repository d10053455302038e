"""Boxes whose looks and flips are called by address, so that walks need not compile them.

A walk is compiled for each type of box, and all that it calls with it: on a network that is most of
the time by far (20 to 40 s for each walk and type). There a look costs far more than a call, too.
So such a box is stored in memory, its look and its flip are compiled once, as functions of the
place in memory, and walks get a *handle*, a small box whose type is the same for all families.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from functools import cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from evobin.kernels import families
from evobin.kernels.families import compiled, flip, look
from evobin.kernels.machine import ir, lent, nb, types

Bytes = NDArray[np.uint8]
Ints = NDArray[np.int64]
LOOK, FLIP, BOX = range(3)  # places in `calls`


class Handle(NamedTuple):
    """A box that stands for another.

    Attributes:
        gains: [n], those of the other box.
        signs: [n] int8, likewise.
        calls: [3] int64, addresses of the compiled look and flip, and of the box.
    """

    gains: NDArray[Any]
    signs: NDArray[np.int8]
    calls: Ints


def handle_of(box: Any) -> tuple[Any, Any]:
    """What walks take for a box, and what must be kept, with the box, as long as that is used.

    It is the box itself where all gains are kept, for there a flip costs little more than a call;
    and without the JIT, when there are no addresses.
    """
    if nb.config.DISABLE_JIT or families.keeps_gains(type(box)):
        return box, None
    kind: type = type(box)
    tag = families.tag_of(kind)
    stored = store(box, tag)
    calls = np.array([*_entries(nb.typeof((box, tag))), stored.ctypes.data])
    return Handle(box.gains, box.signs, calls), stored


def generated(generator: Callable[..., Any]) -> Any:
    """A function for compiled code whose machine code the decorated one writes."""
    return nb.extending.intrinsic(generator)


@cache
def _entries(pair: Hashable) -> list[int]:
    """Addresses of look and flip for a type of a box and its tag."""
    arguments = types.CPointer(pair), types.int64, types.int64
    addresses = []
    entries: list[Any] = [_look_entry, _flip_entry]
    for entry in entries:
        made = entry.get_compile_result(types.int64(*arguments))
        name = made.fndesc.llvm_cfunc_wrapper_name
        addresses.append(made.library.get_pointer_to_function(name))
    return addresses


@generated
def _size_of(typing_context: Any, value: Any) -> Any:
    """Bytes that a value takes in memory."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        size = context.get_abi_sizeof(context.get_value_type(value))
        return context.get_constant(types.int64, size)

    return types.int64(value), generate


@generated
def _store(typing_context: Any, value: Any, address: Any) -> Any:
    """Writes a value of arrays and numbers into memory."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        stored = lent(context, builder, value, arguments[0])
        builder.store(stored, builder.inttoptr(arguments[1], stored.type.as_pointer()))
        return context.get_dummy_value()

    return types.void(value, types.int64), generate


@generated
def _load(typing_context: Any, pointer: Any) -> Any:
    """The value that was written."""
    kind = pointer.dtype

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        place = context.get_value_type(kind).as_pointer()
        value = builder.load(builder.bitcast(arguments[0], place))
        return lent(context, builder, kind, value)

    return kind(pointer), generate


@generated
def _call(typing_context: Any, function: Any, box: Any, i: Any, size: Any) -> Any:
    """Calls what is compiled at an address."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        word = ir.IntType(64)
        kind = ir.FunctionType(word, [word] * 3)
        return builder.call(builder.inttoptr(arguments[0], kind.as_pointer()), arguments[1:])

    return types.int64(types.int64, types.int64, types.int64, types.int64), generate


@compiled
def store(box: Any, tag: Any) -> Bytes:
    """A box and its tag as they lie in memory; the arrays stay where they are."""
    stored = np.empty(_size_of((box, tag)), np.uint8)
    _store((box, tag), stored.ctypes.data)
    return stored


@compiled
def _look_entry(stored: Any, i: int, size: int) -> int:
    """The look of the stored box's family; its tag, in the type, makes numba notice edits."""
    return look(_load(stored)[0], i, size)


@compiled
def _flip_entry(stored: Any, i: int, size: int) -> int:
    """Likewise the flip; `size` is not used."""
    flip(_load(stored)[0], i)
    return 0


@families.looks(Handle)
def look_by_address(box: Handle, i: int, size: int) -> Any:
    """The look of the other box."""
    return _call(box.calls[LOOK], box.calls[BOX], i, size)


@families.flips(Handle)
def flip_by_address(box: Handle, i: int) -> None:
    """The flip of the other box."""
    _call(box.calls[FLIP], box.calls[BOX], i, 1)
