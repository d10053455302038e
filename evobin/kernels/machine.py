"""What numba's Python has no words for, but processors have instructions; never another result.

Without the JIT, plain Python does the same. numba's disk cache misses edits of this file: after
one, delete the compiled kernels.
"""

from __future__ import annotations

from typing import Any

import numba
import numba.core.cgutils
import numba.extending
import numpy as np

nb: Any = numba  # its annotations are of a part only
types, ir = nb.types, nb.core.cgutils.ir

WIDE = '"prefer-vector-width"="512"'


def widen() -> None:
    """Has the loops of the kernel that calls it use 512 bits at once, where the processor can.

    On Intel's processors LLVM takes 256 bits, since wide ones once slowed the clock: a loop of XOR,
    population count and addition has 0.83 of its speed then, on a Xeon with AVX-512.
    """


def positives(numbers: Any, first: int) -> Any:
    """A word of 64 flags: whether numbers[first + k] is above 0, in bit k.

    Args:
        numbers: [first + 64 or more] signed integers, C order.
        first: from 0.
    """
    flags = numbers[first : first + 64] > 0
    return np.packbits(flags, bitorder="little").view("<u8").astype(np.uint64)[0]


def lend(arrays: Any) -> Any:
    """Arguments of a kernel, without the counts of their users; the caller keeps them alive.

    A slice of an array that is counted costs two locked additions, which were up to a fifth of the
    time of loops over short slices. Not for arrays that the kernel makes itself.

    Args:
        arrays: a tuple of arrays.
    """
    return arrays


def _widen(typing_context: Any) -> Any:
    """Gives the function that is being compiled an attribute."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        attributes = builder.function.attributes
        if isinstance(attributes, set):  # llvmlite's own `add` takes only attributes it knows
            set.add(attributes, WIDE)
        return context.get_dummy_value()

    return types.void(), generate


def _positives(typing_context: Any, numbers: Any, first: Any) -> Any:
    """A comparison of 64 numbers, its outcome taken for a word: one or a few instructions."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        array = context.make_array(numbers)(context, builder, arguments[0])
        item = context.get_data_type(numbers.dtype)
        many = ir.VectorType(item, 64)
        place = builder.bitcast(builder.gep(array.data, [arguments[1]]), many.as_pointer())
        values = builder.load(place, align=item.width // 8)
        above = builder.icmp_signed(">", values, ir.Constant(many, None))
        return builder.bitcast(above, ir.IntType(64))

    return types.uint64(numbers, types.intp), generate


def lent(context: Any, builder: Any, kind: Any, value: Any) -> Any:
    """Code for a value whose arrays own nothing: Python keeps them."""
    if isinstance(kind, types.BaseTuple):
        parts = nb.core.cgutils.unpack_tuple(builder, value)
        owned = [lent(context, builder, *part) for part in zip(kind, parts, strict=True)]
        return context.make_tuple(builder, kind, owned)
    if not isinstance(kind, types.Array):
        return value
    array = context.make_array(kind)(context, builder, value)
    array.meminfo = ir.Constant(array.meminfo.type, None)
    array.parent = ir.Constant(array.parent.type, None)
    return array._getvalue()


def _lend(typing_context: Any, arrays: Any) -> Any:
    """Clears the fields that say who owns an array."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return lent(context, builder, arrays, arguments[0])

    return arrays(arrays), generate


if not nb.config.DISABLE_JIT:
    widen, positives, lend = map(nb.extending.intrinsic, (_widen, _positives, _lend))
