"""The shape of a network by an estimator's parameters."""

from __future__ import annotations

import numbers
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from evobin.checks import check_number
from evobin.errors import SettingError
from evobin.network.architecture import MAX_FAN_IN, WHOLE, Architecture, ConvBlock

Convolution = ConvBlock | Sequence[int]
"""A block, or its filters, kernel and, if it has one, pool."""


def shape_of(
    hidden: Any, conv: Any, inputs: tuple[int, int | None], n_classes: int, *, binary: bool
) -> Architecture:
    """Convolutions over time, the last one with a global max, then linear layers.

    Args:
        hidden: widths of the linear layers; some, if there is no convolution.
        conv: convolutions, as the classifier takes them, or None.
        inputs: features a frame, and frames a sample, None if lengths differ.
        n_classes: 2 or more.
        binary: whether features are signs.

    Raises:
        SettingError: if `hidden` or `conv` is not that.
        ValueError: if there are too many features.
    """
    n_in, frames = inputs
    if n_in > MAX_FAN_IN:
        raise ValueError(
            f"a network must have at most {MAX_FAN_IN:,} inputs, but `X` has {n_in:,} as "
            "encoded; use fewer features or `bits`."
        )
    blocks = [] if conv is None else list(convolutions_of(conv))
    if blocks:
        blocks[-1] = replace(blocks[-1], pool=WHOLE)
    blocks += _linear(hidden, needed=not blocks)
    return Architecture(n_in, tuple(blocks), n_classes, frames, binary)


def _linear(hidden: Any, *, needed: bool) -> list[ConvBlock]:
    widths = tuple(hidden) if isinstance(hidden, Sequence) else None
    whole = widths is not None and all(isinstance(width, numbers.Integral) for width in widths)
    if widths is None or not whole or (needed and not widths):
        raise SettingError(
            f"`hidden` must be a sequence of whole numbers, the widths of the hidden layers, "
            f"but it is {hidden!r}; name at least one, as (32,)."
        )
    for place, width in enumerate(widths):
        check_number(f"hidden[{place}]", width, 1, MAX_FAN_IN)
    return [ConvBlock(int(width), 1) for width in widths]


def convolutions_of(conv: Any) -> Iterator[ConvBlock]:
    """Each convolution as a block; a SettingError if there is none, or it is not one."""
    if not isinstance(conv, Sequence) or not conv:
        raise SettingError(
            f"`conv` must be a sequence of convolutions, but it is {conv!r}; name at least one by "
            "its filters and its kernel, as ((32, 5),)."
        )
    for place, one in enumerate(conv):
        if isinstance(one, ConvBlock):
            yield one
            continue
        numbers_only = isinstance(one, Sequence) and all(
            isinstance(number, numbers.Integral) for number in one
        )
        if not numbers_only or not 2 <= len(one) <= 3:
            raise SettingError(
                f"`conv[{place}]` must be filters, kernel and, if it has one, pool, as (32, 5) or "
                f"(32, 5, 2), but it is {one!r}."
            )
        yield ConvBlock(*map(int, one))
