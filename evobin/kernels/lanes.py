"""Work on `LANES` numbers side by side that stays in registers; never another result.

numba's loops load and store for every step, and ask each time whether their arrays overlap. For as
few numbers as one register holds that takes longer than the work. Without the JIT, plain Python
does the same. numba's disk cache misses edits of this file: after one, delete the compiled kernels.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from evobin.kernels.machine import ir, nb, types

LANES = 32
"""Numbers of 16 bits in the widest register; of 32 bits, they are two."""
FOUR = 4
"""Rows of `signed_sums`."""
SUMS = 2**FOUR
"""Sums of that many rows with either sign."""
SIDE = 16
"""Rows and columns of a square of `turn_square`."""
STEP = LANES // 8
"""What an entry of `window_sums` counts in: an address is then one instruction."""


def signed_sums(rows: Any, at: int, factor: Any, out: Any, to: int) -> None:
    """The sums of +-four rows: out[to + LANES * e] and on has row i plus at bit i.

    Args:
        rows: [FOUR, at + LANES or more] float32 or int32, C order. Where sums of float32 are to be
            of 16 bits, they are rounded, and times the factor they are below 2^15.
        at: first of the `LANES` numbers of each row.
        factor: of the rows, of their type.
        out: [to + SUMS * LANES or more] of their type, or int16, C order, other memory.
        to: from 0.
    """
    four = rows[:FOUR, at : at + LANES] * factor
    for e in range(SUMS // 2):
        total = four[0] if e & 1 else -four[0]
        for i in range(1, FOUR):
            total = total + four[i] if e >> i & 1 else total - four[i]
        table = np.rint(total).astype(np.int32).astype(np.int16) if out.dtype == np.int16 else total
        out[to + LANES * e :][:LANES] = table
        out[to + LANES * (SUMS - 1 - e) :][:LANES] = -table


def window_sums(table: Any, entries: Any, first: int, kernel: int, groups: int, out: Any) -> None:
    """out[t] = the sum over taps k and groups g of number t + k of an entry of the group's table.

    Args:
        table: [groups * SUMS * LANES] int16, C order; sums wrap around, and 0 is beyond its rows.
        entries: [first + kernel * groups or more] uint8, where in its group's table each begins, in
            units of `STEP`.
        first: from 0.
        kernel: taps.
        groups: tables.
        out: [LANES or more] int16, C order, other memory.
    """
    rows, total = table.reshape(groups, SUMS, LANES), np.zeros(LANES, np.int16)
    each = entries[first : first + kernel * groups].reshape(kernel, groups) // (LANES // STEP)
    for tap in each[::-1]:
        total[:-1], total[-1] = total[1:].copy(), 0
        total += rows[np.arange(groups), tap].sum(axis=0, dtype=np.int16)
    out[:LANES] = total


def add_rows(
    table: Any, entries: Any, first: int, stride: int, groups: int, out: Any, to: int
) -> None:
    """Adds the sum over groups of an entry of each one's table to out[to] and on.

    Even and odd groups of whole eights are summed apart, so that one need not wait for the other;
    those after the last eight are summed with the even ones.

    Args:
        table: [groups * SUMS * LANES or more] float32 or int32, C order.
        entries: uint8, C order, where in its group's table each begins, in units of `STEP`; that of
            group g is number first + stride * g.
        first: from 0.
        stride: at least 1.
        groups: tables.
        out: [to + LANES or more] of the same type, C order, other memory.
        to: from 0.
    """
    parts = np.zeros((2, LANES), out.dtype)
    for g in range(groups):
        entry = int(entries[first + stride * g]) * STEP + g * SUMS * LANES
        parts[g % 2 if g < groups - groups % 8 else 0] += table[entry : entry + LANES]
    out[to : to + LANES] += parts[0] + parts[1]


def add_line(line: Any, at: int, out: Any, to: int) -> None:
    """Adds `LANES` numbers from line[at] on to out[to] and on; both float32, C order, not one."""
    out[to : to + LANES] += line[at : at + LANES]


def turn_square(rows: Any, at: int, stride: int, out: Any, to: int, out_stride: int) -> None:
    """out[to + out_stride * j + i] = rows[at + stride * i + j] for i and j below `SIDE`.

    Args:
        rows: float32, C order, that has all these.
        at: from 0.
        stride: of rows.
        out: float32, C order, other memory.
        to: from 0.
        out_stride: of rows.
    """
    for i in range(SIDE):
        row = rows[at + stride * i :][:SIDE]
        out[to + i : to + i + out_stride * (SIDE - 1) + 1 : out_stride] = row


def exceeding(numbers: Any, limit: Any) -> Any:
    """A word that has bit k set where numbers[k] is above a limit, for k < `LANES`.

    Args:
        numbers: [LANES or more] int16, C order.
        limit: int16.
    """
    flags = numbers[:LANES] > limit
    return np.packbits(flags, bitorder="little").view("<u4").astype(np.uint64)[0]


def dot(x: Any, at: int, y: Any, n: int) -> float:
    """About the sum of x[at + j] * y[j], j < n, in float64 and in an order of its own.

    Args:
        x: [at + n or more] float32 or float64, C order.
        at: from 0.
        y: [n or more] int8, C order.
        n: terms.
    """
    return float(x[at : at + n].astype(np.float64) @ y[:n].astype(np.float64))


def _integer(number: int) -> Any:
    return ir.Constant(ir.IntType(64), number)


def _items(context: Any, builder: Any, array: Any, data: Any) -> Any:
    """Points to the first item of an array."""
    return context.make_array(array)(context, builder, data).data


def _vector(builder: Any, items: Any, index: Any, lanes: int = LANES) -> Any:
    """Points to so many items of an array from an index on."""
    many = ir.VectorType(items.type.pointee, lanes).as_pointer()
    return builder.bitcast(builder.gep(items, [index]), many)


def _load(builder: Any, items: Any, index: Any, lanes: int = LANES) -> Any:
    return builder.load(_vector(builder, items, index, lanes), align=1)


def _store(builder: Any, value: Any, items: Any, index: Any) -> None:
    builder.store(value, _vector(builder, items, index), align=1)


def _spread(builder: Any, number: Any, lanes: int) -> Any:
    """A vector of one number."""
    whole = ir.Constant(ir.VectorType(number.type, lanes), ir.Undefined)
    for lane in range(lanes):
        whole = builder.insert_element(whole, number, ir.Constant(ir.IntType(32), lane))
    return whole


def _arithmetic(builder: Any, kind: Any) -> Any:
    """Multiplication, addition and subtraction of a type of numbers."""
    if isinstance(kind, types.Integer):
        return builder.mul, builder.add, builder.sub
    return builder.fmul, builder.fadd, builder.fsub


def _in_turns(builder: Any, count: Any, size: int, work: Callable[[Any, int], None]) -> None:
    """Does work(number, place in a turn) for numbers below a count, `size` to a turn of a loop."""
    turns = builder.sdiv(count, _integer(size))
    done = builder.mul(turns, _integer(size))
    with nb.core.cgutils.for_range(builder, turns) as loop:
        first = builder.mul(loop.index, _integer(size))
        for more in range(size):
            work(builder.add(first, _integer(more)), more)
    with nb.core.cgutils.for_range(builder, builder.sub(count, done)) as loop:
        work(builder.add(done, loop.index), 0)


def _sum_of_entries(
    context: Any, builder: Any, table: Any, rows: Any, index: Any, numbers: tuple[Any, Any, Any]
) -> Any:
    """The sum over groups of an entry of each one's table.

    Those of even and of odd groups are summed apart: one need not wait for the other.

    Args:
        context: what numba compiles for.
        builder: of the instructions.
        table: type of the tables.
        rows: where they begin.
        index: where the entries begin.
        numbers: that of the first group's entry, from one to the next, and of groups.
    """
    first, stride, groups = numbers
    kind = ir.VectorType(context.get_data_type(table.dtype), LANES)
    parts = [nb.core.cgutils.alloca_once(builder, kind) for _ in range(2)]
    _, plus, _ = _arithmetic(builder, table.dtype)

    def add_row(group: Any, place: int) -> None:
        at = builder.add(first, builder.mul(group, stride))
        entry = builder.load(builder.gep(index, [at]))
        row = builder.mul(group, _integer(SUMS * LANES))
        within = builder.mul(builder.zext(entry, ir.IntType(64)), _integer(STEP))
        number = _load(builder, rows, builder.add(row, within))
        part = parts[place % 2]
        builder.store(plus(builder.load(part), number), part)

    for part in parts:
        builder.store(ir.Constant(kind, None), part)
    _in_turns(builder, groups, 8, add_row)
    return plus(builder.load(parts[0]), builder.load(parts[1]))


def _signed_sums(typing_context: Any, rows: Any, at: Any, factor: Any, out: Any, to: Any) -> Any:
    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        array = context.make_array(rows)(context, builder, arguments[0])
        times, plus, minus = _arithmetic(builder, rows.dtype)
        stride = nb.core.cgutils.unpack_tuple(builder, array.shape)[1]
        factors, four = _spread(builder, arguments[2], LANES), []
        for row in range(FOUR):
            begin = builder.add(builder.mul(stride, _integer(row)), arguments[1])
            four.append(times(_load(builder, array.data, begin), factors))
        is_short = out.dtype == types.int16
        kind = ir.VectorType(context.get_data_type(out.dtype), LANES)
        magic = _spread(builder, ir.Constant(ir.FloatType(), 1.5 * 2.0**23), LANES)
        nothing = ir.Constant(four[0].type, None)
        target = _items(context, builder, out, arguments[3])
        for e in range(SUMS // 2):
            total = four[0] if e & 1 else minus(nothing, four[0])
            for i in range(1, FOUR):
                total = (plus if e >> i & 1 else minus)(total, four[i])
            if is_short:  # to the nearest, ties to even
                whole = builder.fsub(builder.fadd(total, magic), magic)
                wide = builder.fptosi(whole, ir.VectorType(ir.IntType(32), LANES))
                total = builder.trunc(wide, kind)
            other = _arithmetic(builder, out.dtype)[2](ir.Constant(kind, None), total)
            for place, value in ((e, total), (SUMS - 1 - e, other)):
                begin = builder.add(arguments[4], _integer(place * LANES))
                _store(builder, value, target, begin)
        return context.get_dummy_value()

    return types.void(rows, types.intp, rows.dtype, out, types.intp), generate


def _window_sums(
    typing_context: Any, table: Any, entries: Any, first: Any, kernel: Any, groups: Any, out: Any
) -> Any:
    """From the last tap to the first: what there is moves on by a lane, and the next is added."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        rows = _items(context, builder, table, arguments[0])
        index = _items(context, builder, entries, arguments[1])
        kind = ir.VectorType(ir.IntType(16), LANES)
        nothing = ir.Constant(kind, None)
        moved = ir.Constant(ir.VectorType(ir.IntType(32), LANES), [*range(1, LANES + 1)])
        total = nb.core.cgutils.alloca_once_value(builder, nothing)
        last = builder.sub(arguments[3], _integer(1))
        with nb.core.cgutils.for_range(builder, arguments[3]) as loop:
            tap = builder.sub(last, loop.index)
            begin = builder.add(arguments[2], builder.mul(tap, arguments[4]))

            numbers = begin, _integer(1), arguments[4]
            each = _sum_of_entries(context, builder, table, rows, index, numbers)
            before = builder.shuffle_vector(builder.load(total), nothing, moved)
            builder.store(builder.add(before, each), total)
        target = _items(context, builder, out, arguments[5])
        _store(builder, builder.load(total), target, _integer(0))
        return context.get_dummy_value()

    signature = types.void(table, entries, types.intp, types.intp, types.intp, out)
    return signature, generate


def _add_rows(
    typing_context: Any,
    table: Any,
    entries: Any,
    first: Any,
    stride: Any,
    groups: Any,
    out: Any,
    to: Any,
) -> Any:
    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        rows = _items(context, builder, table, arguments[0])
        index = _items(context, builder, entries, arguments[1])
        numbers = arguments[2], arguments[3], arguments[4]
        each = _sum_of_entries(context, builder, table, rows, index, numbers)
        _, plus, _ = _arithmetic(builder, out.dtype)
        target = _items(context, builder, out, arguments[5])
        before = _load(builder, target, arguments[6])
        _store(builder, plus(before, each), target, arguments[6])
        return context.get_dummy_value()

    number = types.intp
    signature = types.void(table, entries, number, number, number, out, number)
    return signature, generate


def _add_line(typing_context: Any, line: Any, at: Any, out: Any, to: Any) -> Any:
    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        source = _items(context, builder, line, arguments[0])
        target = _items(context, builder, out, arguments[2])
        before = _load(builder, target, arguments[3])
        total = builder.fadd(before, _load(builder, source, arguments[1]))
        _store(builder, total, target, arguments[3])
        return context.get_dummy_value()

    return types.void(line, types.intp, out, types.intp), generate


def _turn_square(
    typing_context: Any, rows: Any, at: Any, stride: Any, out: Any, to: Any, out_stride: Any
) -> Any:
    """Four times, each row is woven with the one that is half of them on."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        source = _items(context, builder, rows, arguments[0])
        target = _items(context, builder, out, arguments[3])
        square = []
        for row in range(SIDE):
            begin = builder.add(arguments[1], builder.mul(arguments[2], _integer(row)))
            square.append(_load(builder, source, begin, SIDE))
        many = ir.VectorType(ir.IntType(32), SIDE)
        woven = [
            ir.Constant(many, [first + j // 2 + j % 2 * SIDE for j in range(SIDE)])
            for first in (0, SIDE // 2)
        ]
        for _ in range(4):
            pairs = zip(square[: SIDE // 2], square[SIDE // 2 :], strict=True)
            square = [builder.shuffle_vector(*pair, half) for pair in pairs for half in woven]
        for row, values in enumerate(square):
            begin = builder.add(arguments[4], builder.mul(arguments[5], _integer(row)))
            builder.store(values, _vector(builder, target, begin, SIDE), align=1)
        return context.get_dummy_value()

    number = types.intp
    return types.void(rows, number, number, out, number, number), generate


def _exceeding(typing_context: Any, numbers: Any, limit: Any) -> Any:
    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        items = _items(context, builder, numbers, arguments[0])
        limits = _spread(builder, arguments[1], LANES)
        above = builder.icmp_signed(">", _load(builder, items, _integer(0)), limits)
        return builder.zext(builder.bitcast(above, ir.IntType(LANES)), ir.IntType(64))

    return types.uint64(numbers, numbers.dtype), generate


def _dot(typing_context: Any, x: Any, at: Any, y: Any, n: Any) -> Any:
    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        left = _items(context, builder, x, arguments[0])
        right = _items(context, builder, y, arguments[2])
        double, lanes = ir.DoubleType(), 16
        many = ir.VectorType(double, lanes)
        total = nb.core.cgutils.alloca_once_value(builder, ir.Constant(many, None))
        rest = nb.core.cgutils.alloca_once_value(builder, ir.Constant(double, 0.0))

        def wide(value: Any, kind: Any) -> Any:
            item = value.type.element if kind is many else value.type
            if isinstance(item, ir.IntType):
                return builder.sitofp(value, kind)
            return value if item == double else builder.fpext(value, kind)

        turns = builder.sdiv(arguments[3], _integer(lanes))
        done = builder.mul(turns, _integer(lanes))
        with nb.core.cgutils.for_range(builder, turns) as loop:
            first = builder.mul(loop.index, _integer(lanes))
            a = wide(_load(builder, left, builder.add(arguments[1], first), lanes), many)
            b = wide(_load(builder, right, first, lanes), many)
            builder.store(builder.fadd(builder.load(total), builder.fmul(a, b)), total)
        with nb.core.cgutils.for_range(builder, builder.sub(arguments[3], done)) as loop:
            first = builder.add(done, loop.index)
            a = wide(builder.load(builder.gep(left, [builder.add(arguments[1], first)])), double)
            b = wide(builder.load(builder.gep(right, [first])), double)
            builder.store(builder.fadd(builder.load(rest), builder.fmul(a, b)), rest)
        result, each = builder.load(rest), builder.load(total)
        for lane in range(lanes):
            item = builder.extract_element(each, ir.Constant(ir.IntType(32), lane))
            result = builder.fadd(result, item)
        return result

    return types.float64(x, types.intp, y, types.intp), generate


if not nb.config.DISABLE_JIT:
    signed_sums, window_sums = map(nb.extending.intrinsic, (_signed_sums, _window_sums))
    exceeding, dot = map(nb.extending.intrinsic, (_exceeding, _dot))
    add_rows, add_line, turn_square = map(
        nb.extending.intrinsic, (_add_rows, _add_line, _turn_square)
    )
