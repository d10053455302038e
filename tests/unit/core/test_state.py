"""State in a checkpoint: everything that it may hold comes back, the rest is named."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import pytest

from evobin.core.state import State, pack_state
from evobin.runs.checkpoint import from_bytes, to_bytes


def through_a_file(state: State) -> State:
    return from_bytes(to_bytes(state))


@pytest.mark.parametrize(
    "value",
    [
        None,
        True,
        0,
        -(2**200),
        0.1,
        np.inf,
        -np.inf,
        "text, \u00fc, \U0001f600",
        b"\x00\xff",
        [],
        (),
        set(),
        {},
        [1, [2, (3, [None])], {"a": (b"", "b")}],
        (1, (2, ()), [3]),
        {3, 1, 2},
        {b"b", b"a"},
        {1, "1", (1, b"1"), None},
        {"a/b": 1, "a": {"b": 2}, "": 3},
    ],
)
def test_plain_values_come_back_as_they_were(value: Any) -> None:
    found = through_a_file({"value": value})["value"]
    assert found == value
    assert type(found) is type(value)


def test_nan_comes_back() -> None:
    found = through_a_file({"value": (np.nan, [np.float64(np.nan)])})["value"]
    assert np.isnan(found[0])
    assert np.isnan(found[1][0])


def test_kinds_inside_are_kept() -> None:
    value = [(1, [2]), {(3,)}, {"a": (True, 1, 1.0)}]
    assert repr(through_a_file({"value": value})["value"]) == repr(value)


@pytest.mark.parametrize("value", [np.int8(-3), np.uint64(2**64 - 1), np.float32(0.1), np.bool_(1)])
def test_numbers_of_numpy_become_those_of_python(value: np.generic) -> None:
    found = through_a_file({"value": value})["value"]
    assert found == value.item()
    assert type(found) is type(value.item())


@pytest.mark.parametrize(
    "array",
    [
        np.arange(6, dtype=np.int8).reshape(2, 3),
        np.asfortranarray(np.random.default_rng(0).random((4, 3))),
        np.array([np.nan, np.inf, -0.0]),
        np.array(2.5),
        np.empty((0, 7), np.int8),
        np.array([True, False]),
        np.array([2**64 - 1], np.uint64),
        np.array(["a", "bc"]),
        np.arange(10)[::-2],
    ],
)
def test_arrays_come_back_bit_for_bit_and_may_be_written_to(array: np.ndarray) -> None:
    state = through_a_file({"array": array, "inside": [{"deep": (array,)}]})
    for found in (state["array"], state["inside"][0]["deep"][0]):
        assert found.dtype == array.dtype
        assert found.shape == array.shape
        assert found.tobytes() == array.tobytes()
        assert found.flags.writeable


def test_no_name_is_taken_for_another() -> None:
    names = ["plain", "file", "args", "allow_pickle", "a/b", "0", "", "..", "x.npy", "\u00fc"]
    state: State = {name: np.array([place]) for place, name in enumerate(names)}
    state["a"] = {"b": np.array([99])}
    found = through_a_file(state)
    assert [found[name].tolist() for name in names] == [[place] for place in range(len(names))]
    assert found["a"]["b"].tolist() == [99]


@pytest.mark.parametrize("kind", ["PCG64", "PCG64DXSM", "MT19937", "Philox", "SFC64"])
def test_generators_go_on_with_the_same_numbers(kind: str) -> None:
    rng = np.random.Generator(getattr(np.random, kind)(7))
    rng.random(5)
    rng.integers(10, size=3, dtype=np.int32)  # leaves half a word over
    found = through_a_file({"rng": rng, "others": [(rng,)]})
    for other in (found["rng"], found["others"][0][0]):
        assert type(other.bit_generator) is type(rng.bit_generator)
    expected = rng.integers(10, size=5, dtype=np.int32).tolist(), rng.normal(size=700).tolist()
    for other in (found["rng"], found["others"][0][0]):
        assert (other.integers(10, size=5, dtype=np.int32).tolist()) == expected[0]
        assert other.normal(size=700).tolist() == expected[1]


def test_packing_changes_nothing() -> None:
    rng, array = np.random.default_rng(0), np.arange(3)
    state = {"rng": rng, "array": array, "list": [1, (2,)]}
    before = rng.bit_generator.state
    through_a_file(state)
    assert state == {"rng": rng, "array": array, "list": [1, (2,)]}
    assert rng.bit_generator.state == before


class Pair(NamedTuple):
    a: int
    b: int


@pytest.mark.parametrize(
    ("state", "where", "what"),
    [
        ({"a": object()}, "a", "object"),
        ({"a": [1, {"b": (2, lambda: 0)}]}, "a/1/b/1", "function"),
        ({"a": {1: 2}}, "a", "dict"),
        ({"a": {"!": 2}}, "a", "dict"),
        ({"!": 2}, "state", "dict"),
        ({"a": 1j}, "a", "complex"),
        ({"a": np.complex128(1j)}, "a", "complex"),
        ({"a": np.longdouble(1)}, "a", "longdouble"),
        ({"a": np.array([None])}, "a", "ndarray"),
        ({"a": Pair(1, 2)}, "a", "Pair"),
        ({"a": frozenset()}, "a", "frozenset"),
        ({"a": [np.random.SeedSequence(0)]}, "a/0", "SeedSequence"),
        ({"a": np.random.RandomState(0)}, "a", "RandomState"),
    ],
)
def test_what_a_state_may_not_hold_is_named(state: State, where: str, what: str) -> None:
    with pytest.raises(TypeError, match=f"^`{where}` must be a number, .* but it is a {what};"):
        pack_state(state)
