"""The header of a model file: all of a model but its signs, as JSON values, and back."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from evobin.checks import check_number
from evobin.core.calibration import COLDEST, HOTTEST
from evobin.errors import EvobinError
from evobin.models.encoders import Encoder, encoder_of
from evobin.network.architecture import Architecture
from evobin.network.blueprint import MAX_WEIGHTS

_NEEDED = ("architecture", "encoder", "classes", "feature_names", "temperature", "report")
_KNOWN = (*_NEEDED, "evobin")
Field = TypeVar("Field")
_SHOWN = 60  # characters of a value in a message
_NUMBERS: Mapping[str, type] = {
    "bool": bool,
    **{f"{sign}int{bits}": int for sign in ("", "u") for bits in (8, 16, 32, 64)},
    **{f"float{bits}": float for bits in (16, 32, 64)},
}
"""The types of classes that are numbers, by name, and what JSON has for them."""


class Header(NamedTuple):
    """All of a model but its signs; see `Model` for what each is."""

    architecture: Architecture
    encoder: Encoder | None
    classes: NDArray[Any]
    feature_names: tuple[str, ...] | None
    temperature: float | None
    report: dict[str, Any]

    def plain(self) -> dict[str, Any]:
        """JSON values, exact.

        Raises:
            ValueError: if a class is neither a number nor text.
        """
        return {
            "architecture": dataclasses.asdict(self.architecture),
            "encoder": None if self.encoder is None else self.encoder.to_plain(),
            "classes": _plain_classes(self.classes),
            "feature_names": None if self.feature_names is None else list(self.feature_names),
            "temperature": self.temperature,
            "report": self.report,
        }

    @classmethod
    def bare(cls, architecture: Architecture) -> Header:
        """That of a network of which nothing else is known; its classes are 0, 1, and so on."""
        return cls(architecture, None, np.arange(architecture.n_classes), None, None, {})

    @classmethod
    def of(cls, plain: Mapping[str, Any]) -> Header:
        """What `plain` took apart, each field checked for itself.

        Raises:
            EvobinError: if a field is missing, not known, or not what it must be; the text lacks
                its subject, the file.
        """
        if unknown := [name for name in plain if name not in _KNOWN]:
            raise EvobinError(
                f"has a field that this evobin does not know, {unknown[0]!r:.{_SHOWN}}; update "
                "evobin."
            )
        if missing := [name for name in _NEEDED if name not in plain]:
            raise EvobinError(f"lacks the field `{missing[0]}`; write it again.")
        return cls(
            _read(plain, "architecture", _architecture),
            _read(plain, "encoder", _encoder),
            _read(plain, "classes", _classes),
            _read(plain, "feature_names", _feature_names),
            _read(plain, "temperature", _temperature),
            _read(plain, "report", _report),
        )


def _read(plain: Mapping[str, Any], name: str, read: Callable[[Any], Field]) -> Field:
    try:
        return read(plain[name])
    except KeyError as error:
        raise EvobinError(f"`{name}` lacks {error}; write the file again.") from error
    except (ValueError, TypeError, OverflowError, EvobinError) as error:
        raise EvobinError(f"`{name}`: {str(error).rstrip('.')}.") from error


def _architecture(plain: Any) -> Architecture:
    architecture = Architecture.from_plain(_object(plain))
    if architecture.n_weights > MAX_WEIGHTS:
        raise ValueError(
            f"a network must have at most {MAX_WEIGHTS:,} weights, but it has "
            f"{architecture.n_weights:,}"
        )
    return architecture


def _encoder(plain: Any) -> Encoder | None:
    return None if plain is None else encoder_of(_object(plain))


def _plain_classes(classes: NDArray[Any]) -> dict[str, Any]:
    name = "str" if classes.dtype.kind == "U" else classes.dtype.name
    values = classes.tolist()
    if name != "object":
        known = name == "str" or name in _NUMBERS
    else:
        known = all(isinstance(value, str | bool | int | float) for value in values)
    if not known:
        raise ValueError(
            f"`classes` must be numbers or text, but they have dtype {classes.dtype}; convert them."
        )
    return {"dtype": name, "values": values}


def _classes(plain: Any) -> NDArray[Any]:
    found = _object(plain)
    name, values = found["dtype"], found["values"]
    if not isinstance(values, list):
        raise TypeError(f"`values` must be a list, but it is {values!r:.{_SHOWN}}")
    if name not in ("object", "str", *_NUMBERS):
        raise ValueError(f"`dtype` must be one of numbers or text, but it is {name!r:.{_SHOWN}}")
    kinds = {"object": (str, bool, int, float), "str": (str,)}.get(name) or (_NUMBERS[name],)
    for place, value in enumerate(values):
        if type(value) not in kinds:
            raise TypeError(f"`values[{place}]` must be {name}, but it is {value!r:.{_SHOWN}}")
    return np.array(values, name)


def _feature_names(plain: Any) -> tuple[str, ...] | None:
    if plain is None:
        return None
    if not isinstance(plain, list) or not all(isinstance(name, str) for name in plain):
        raise TypeError(f"must be a list of names, but it is {plain!r:.{_SHOWN}}")
    return tuple(plain)


def _temperature(plain: Any) -> float | None:
    if plain is not None:
        check_number("temperature", plain, COLDEST, HOTTEST)
    return None if plain is None else float(plain)


def _report(plain: Any) -> dict[str, Any]:
    return dict(_object(plain))


def _object(plain: Any) -> Mapping[str, Any]:
    if not isinstance(plain, dict):
        raise TypeError(f"must be an object, but it is {plain!r:.{_SHOWN}}")
    return plain
