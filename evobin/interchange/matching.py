"""Which tensor of another program's file is which layer's weights or bias."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

from evobin.errors import EvobinError

Shape = tuple[int, ...]
_SHOWN = 60  # characters of a name in a message
_KINDS = ("weight", "bias")
_WRAPPERS = {"module", "_orig_mod"}  # of DataParallel and its kin, and of torch.compile
_NUMBER = re.compile(r"\d+")


@dataclass(frozen=True)
class Stored:
    """A tensor in a file.

    Attributes:
        shape: None if it is no dense tensor of real numbers.
        read: its values, in a real or whole type of numpy.
    """

    shape: Shape | None
    read: Callable[[], NDArray[Any]]


def shown(name: object) -> str:
    """What a message says of a name, or a shape, in a file: one line, not too long."""
    return ascii(str(name)[:_SHOWN])[1:-1]


def match(
    state: Mapping[str, Stored],
    shapes: Mapping[str, Shape],
    layers: Sequence[str] = (),
    *,
    ordered: bool = True,
) -> dict[str, str]:
    """Finds the tensors of a network among those of a file.

    By their names, without what wraps a module and without a prefix that all share. If any name is
    not ours, by their shapes; where layers share one, by the numbers in their names, which must not
    contradict the order in the file. What is left to chance is refused.

    Args:
        state: what the file holds, by name.
        shapes: of the network's tensors, by our names: a weight and a bias for each layer.
        layers: the file's names of the layers, in the network's order; others are left aside.
        ordered: whether the file keeps the order of definition.

    Returns:
        The file's name of each of our tensors.

    Raises:
        EvobinError: if there is no such match, or more than one; it lacks its subject, the file.
    """
    short = _without_wrappers(list(state))
    ours = list(dict.fromkeys(name.rpartition(".")[0] for name in shapes))
    if layers:
        theirs = _named(short, layers, ours)
    elif set(short) == set(shapes):
        return {name: short[name] for name in shapes}
    else:
        if len(state) != len(shapes):
            raise EvobinError(
                f"holds {len(state)} entries ({_listed(list(state))}), but the network has "
                f"{len(shapes)} tensors ({', '.join(shapes)}); save a model with these parameters "
                "and no others, say its shape with --architecture, or its layers with --layers."
            )
        theirs = _by_shape(state, short, shapes, ours, ordered)
    return {
        f"{one}.{kind}": short[f"{other}.{kind}"]
        for one, other in zip(ours, theirs, strict=True)
        for kind in _KINDS
    }


def _without_wrappers(names: list[str]) -> dict[str, str]:
    """The names in the file by what they are without wrappers and without a shared prefix."""
    paths = [[part for part in name.split(".") if part not in _WRAPPERS] for name in names]
    while paths and all(len(path) > 2 for path in paths) and len({path[0] for path in paths}) == 1:
        paths = [path[1:] for path in paths]
    short = dict(zip(map(".".join, paths), names, strict=True))
    return short if len(short) == len(names) else {name: name for name in names}


def _named(short: dict[str, str], layers: Sequence[str], ours: list[str]) -> list[str]:
    """The layers that the user names, in the file's words or without their wrappers."""
    if len(layers) != len(ours) or len(set(layers)) < len(layers):
        raise EvobinError(
            f"needs {len(ours)} different names with --layers, of {', '.join(ours)} in this order, "
            f"but it gets {len(set(layers))}."
        )
    words = {
        original.rpartition(".")[0]: name.rpartition(".")[0] for name, original in short.items()
    }
    theirs = [words.get(layer, layer) for layer in layers]
    for layer, name in zip(layers, theirs, strict=True):
        if not all(f"{name}.{kind}" in short for kind in _KINDS):
            raise EvobinError(
                f"has no weight and bias of a layer '{shown(layer)}'; its layers are "
                f"{_listed(list(dict.fromkeys(words)))}."
            )
    return theirs


def _by_shape(
    state: Mapping[str, Stored],
    short: dict[str, str],
    shapes: Mapping[str, Shape],
    ours: list[str],
    ordered: bool,
) -> list[str]:
    """The file's layers in the order of ours, found by the shapes of their weights."""
    modules = list(dict.fromkeys(name.rpartition(".")[0] for name in short))
    odd = [
        original
        for name, original in short.items()
        if not all(f"{name.rpartition('.')[0]}.{kind}" in short for kind in _KINDS)
        or name.rpartition(".")[2] not in _KINDS
    ]
    if odd:
        raise EvobinError(
            f"holds '{shown(odd[0])}', but all that belongs there is a weight and a bias of each "
            f"layer; name them {', '.join(shapes)}."
        )
    of_shape: dict[Shape | None, list[str]] = {}
    for module in modules:
        of_shape.setdefault(state[short[f"{module}.weight"]].shape, []).append(module)
    wanted: dict[Shape, list[str]] = {}
    for one in ours:
        wanted.setdefault(shapes[f"{one}.weight"], []).append(one)
    found: dict[str, str] = {}
    for shape, layers in wanted.items():
        there = of_shape.get(shape, [])
        if len(there) != len(layers):
            raise EvobinError(
                f"has {len(there)} weights of shape {list(shape)}, but the network has "
                f"{len(layers)} ({', '.join(layers)}); say the model's shape with --architecture."
            )
        found |= zip(layers, _in_order(there, ours, ordered), strict=True)
    return [found[one] for one in ours]


def _in_order(modules: list[str], ours: list[str], ordered: bool) -> list[str]:
    """Layers of one shape, by the numbers in their names."""
    numbered = sorted(modules, key=lambda name: list(map(int, _NUMBER.findall(name))))
    alike = len({_NUMBER.sub("#", name) for name in modules}) == 1
    if len(modules) > 1 and not (alike and (numbered == modules or not ordered)):
        raise EvobinError(
            f"has {_listed(modules, ' and ')}, of one shape, and which comes first is not certain; "
            f"name all layers in their order with --layers, or rename them {', '.join(ours)}."
        )
    return numbered


def _listed(names: list[str], last: str = ", ") -> str:
    words = [*map(shown, names[:6]), *["..."] * (len(names) > 6)]
    return ", ".join(words[:-1]) + last + words[-1] if len(words) > 1 else "".join(words)
