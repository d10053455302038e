"""Checks at the public boundary; their messages name the rule, what was found, and what to do."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import field, fields
from numbers import Integral, Real
from typing import TYPE_CHECKING, Any

from evobin.errors import SettingError

if TYPE_CHECKING:  # `evobin --help` must not wait for numpy
    from numpy.typing import NDArray


def check_shape(name: str, array: NDArray[Any], shape: tuple[int | None, ...]) -> None:
    """Checks an array's shape; `None` stands for any size of an axis.

    Raises:
        ValueError: if the number of axes or a size differs.

    Example:
        >>> import numpy as np
        >>> check_shape("x", np.zeros((3, 5)), (None, 64))
        Traceback (most recent call last):
        ...
        ValueError: `x` must have shape [*, 64], but it has shape [3, 5].
    """
    fits = array.ndim == len(shape) and all(
        want is None or want == size for want, size in zip(shape, array.shape, strict=True)
    )
    if not fits:
        want = ", ".join("*" if size is None else str(size) for size in shape)
        have = ", ".join(map(str, array.shape))
        raise ValueError(f"`{name}` must have shape [{want}], but it has shape [{have}].")


def check_signs(name: str, array: NDArray[Any], shape: tuple[int | None, ...]) -> None:
    """Raises ValueError at another shape, or the first element that is neither -1 nor +1."""
    check_shape(name, array, shape)
    wrong = ((array != 1) & (array != -1)).ravel().nonzero()[0]
    if len(wrong):
        value = array.ravel()[wrong[0]]
        raise ValueError(
            f"`{name}` must hold only -1 and +1, but it holds {value} at index {wrong[0]}; "
            "binarise it first."
        )


def check_range(name: str, value: float, low: float, high: float) -> None:
    """Checks that a number lies in [low, high].

    Raises:
        SettingError: if it does not (NaN never does).

    Example:
        >>> check_range("kernel", 16, 1, 15)
        Traceback (most recent call last):
        ...
        evobin.errors.SettingError: `kernel` must be from 1 to 15, but it is 16.
    """
    if not low <= value <= high:
        raise SettingError(f"`{name}` must be from {low} to {high}, but it is {value}.")


def check_choice(name: str, value: Any, choices: Collection[str]) -> None:
    """Checks that a value is one of several names.

    Raises:
        SettingError: if it is not.
    """
    if value not in choices:
        raise SettingError(f"`{name}` must be one of {', '.join(choices)}, but it is {value!r}.")


def check_number(name: str, value: Any, low: float, high: float) -> None:
    """Raises SettingError unless `value` is a number in [low, high], a whole one if `low` is."""
    kinds = Integral if isinstance(low, int) else Real
    number: Any = value  # mypy takes no Real for a float
    if isinstance(value, bool) or not isinstance(value, kinds):
        what = "a whole number" if isinstance(low, int) else "a number"
        raise SettingError(f"`{name}` must be {what}, but it is {value!r}.")
    check_range(name, number, low, high)


def setting(default: Any, low: float, high: float, *, optional: bool = False) -> Any:
    """A field of a dataclass that holds a number, or a tuple of some, in [low, high].

    It may be None if that is its default, or if it is `optional`.
    """
    limits = {"low": low, "high": high}
    return field(default=default, metadata={"limits": limits, "optional": optional})


def check_settings(config: Any, prefix: str = "", check: Callable[..., None] = check_range) -> None:
    """Raises SettingError if what a `setting` of a dataclass holds is out of range."""
    for one in fields(config):
        value, about = getattr(config, one.name), one.metadata
        if not about or (value is None and (about["optional"] or one.default is None)):
            continue
        for number in value if isinstance(value, tuple) else (value,):
            check(prefix + one.name, number, **about["limits"])
