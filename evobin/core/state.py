"""State that a checkpoint can hold: nested plain values, arrays and random generators."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

State = dict[str, Any]
"""All that a search needs to go on, by name; see `pack_state` for what it may hold."""

MARK = "!"
"""The key of what JSON has no notation for."""
Arrays = dict[str, NDArray[Any]]
GENERATORS = {
    "PCG64": np.random.PCG64,
    "PCG64DXSM": np.random.PCG64DXSM,
    "MT19937": np.random.MT19937,
    "Philox": np.random.Philox,
    "SFC64": np.random.SFC64,
}


def pack_state(state: Mapping[str, Any]) -> tuple[dict[str, Any], Arrays]:
    """Takes a state apart into what JSON has a notation for, and arrays.

    A state may hold numbers, text, None, arrays, random generators of numpy, and lists, tuples,
    sets and dicts (with text for keys) of all these.

    Args:
        state: not modified; arrays are not copied.

    Returns:
        Plain values, NaN and infinities included, and arrays by name.

    Raises:
        TypeError: if it holds anything else; names where.

    Example:
        >>> plain, arrays = pack_state({"rng": np.random.default_rng(0), "best": np.ones(3)})
        >>> unpack_state(plain, arrays)["best"]
        array([1., 1., 1.])
    """
    arrays: Arrays = {}
    return _packed("", dict(state), arrays), arrays


def unpack_state(plain: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> State:
    """The state that `pack_state` took apart."""
    state: State = _unpacked(plain, arrays)
    return state


def _packed(where: str, value: Any, arrays: Arrays) -> Any:
    """What JSON has a notation for; arrays are numbered, for a file has names of its own."""
    found: Any = value
    kind = type(value)
    if isinstance(value, np.ndarray) and not value.dtype.hasobject:
        found = {MARK: "array", "name": str(len(arrays))}
        arrays[found["name"]] = value
    elif (
        isinstance(value, np.random.Generator) and type(value.bit_generator) in GENERATORS.values()
    ):
        generator = value.bit_generator
        inner = _packed(where, dict(generator.state), arrays)
        found = {MARK: "generator", "kind": type(generator).__name__, "state": inner}
    elif kind in (list, tuple, set):
        values = sorted(value, key=repr) if kind is set else value
        items = [_packed(f"{where}/{i}", one, arrays) for i, one in enumerate(values)]
        found = items if kind is list else {MARK: kind.__name__, "items": items}
    elif kind is bytes:
        found = {MARK: "bytes", "hex": value.hex()}
    elif kind is dict and all(isinstance(key, str) and key != MARK for key in value):
        found = {
            key: _packed(f"{where}/{key}" if where else key, one, arrays)
            for key, one in value.items()
        }
    elif isinstance(value, np.generic) and not isinstance(value.item(), np.generic):
        found = _packed(where, value.item(), arrays)
    elif value is not None and kind not in (bool, int, float, str):
        raise TypeError(
            f"`{where or 'state'}` must be a number, text, array or random generator for a "
            f"checkpoint, or a list, tuple, set or dict of these, but it is a {kind.__name__}; "
            "override `state` and `load`."
        )
    return found


def _unpacked(value: Any, arrays: Mapping[str, NDArray[Any]]) -> Any:
    if isinstance(value, list):
        return [_unpacked(one, arrays) for one in value]
    if not isinstance(value, dict):
        return value
    if MARK not in value:
        return {key: _unpacked(one, arrays) for key, one in value.items()}
    return _marked(value[MARK], value, arrays)


def _marked(kind: str, value: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> Any:
    """What JSON has no notation for."""
    if kind == "array":
        return arrays[value["name"]]
    if kind == "bytes":
        return bytes.fromhex(value["hex"])
    if kind == "generator":
        generator = np.random.Generator(GENERATORS[value["kind"]]())
        generator.bit_generator.state = _unpacked(value["state"], arrays)
        return generator
    return {"tuple": tuple, "set": set}[kind](_unpacked(value["items"], arrays))
