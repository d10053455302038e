"""Quadratic models as others keep them: dicts of pairs of labels, and dimod's.

Nothing of dimod is imported to read its models.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from numbers import Integral
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evobin.problems.exact import as_numbers
from evobin.problems.quadratic import MAX_N, Entries

Label = Hashable
"""What a variable is called."""
Floats = NDArray[np.float64]
Terms = Mapping[Any, float]
"""(u, v): a number for each pair of variables; both are the same for a linear term."""


@dataclass(frozen=True, slots=True, eq=False)
class Labelled:
    """A quadratic model.

    Attributes:
        labels: of each variable, in order.
        entries: numbers of pairs, by the places of the labels.
        linear: [n] float64.
        offset: what is added to all.
    """

    labels: Sequence[Label]
    entries: Entries
    linear: Floats
    offset: float


def is_model(given: Any) -> bool:
    """Whether this is a binary quadratic model of dimod's kind."""
    return hasattr(given, "vartype") and hasattr(given, "to_numpy_vectors")


def of_model(model: Any, vartype: str) -> Labelled:
    """A binary quadratic model of dimod's kind, over BINARY or SPIN variables.

    Raises:
        ValueError: if it has no variable, or holds what is no finite number.
    """
    same = model.change_vartype(vartype, inplace=False)
    linear, (rows, cols, values), offset, labels = same.to_numpy_vectors(return_labels=True)
    if not len(labels):
        raise ValueError("`model` must have a variable, but it has none.")
    entries = Entries(
        len(labels), rows.astype(np.int64), cols.astype(np.int64), as_numbers("model", values)
    )
    return Labelled(tuple(labels), entries, as_numbers("model", linear), float(offset))


def of_terms(name: str, terms: Terms, linear: Mapping[Any, float] | None = None) -> Labelled:
    """A dict of pairs of labels, and one of labels.

    Where all labels are whole numbers from 0, they are places; others are placed as they come.

    Raises:
        ValueError: if a key is no pair, there is no term, or a value is no finite number.
    """
    linear = linear or {}
    for key in terms:
        if not (isinstance(key, tuple) and len(key) == 2):
            raise ValueError(
                f"`{name}` must have pairs of variables as keys, but it has {key!r}; write a "
                f"linear term of it as ({key!r}, {key!r})."
            )
    named = dict.fromkeys(label for pair in (*terms, *((one,) for one in linear)) for label in pair)
    if not named:
        raise ValueError(f"`{name}` must have a term, but it is empty.")
    labels = _placed(name, named)
    place = {label: at for at, label in enumerate(labels)}
    rows = np.array([place[a] for a, _ in terms], np.int64)
    cols = np.array([place[b] for _, b in terms], np.int64)
    values = as_numbers(name, np.array(list(terms.values()), np.float64))
    fields = np.zeros(len(labels))
    for label, number in linear.items():
        fields[place[label]] = number
    entries = Entries(len(labels), rows, cols, values)
    return Labelled(labels, entries, as_numbers("fields", fields), 0.0)


def _placed(name: str, named: Iterable[Label]) -> Sequence[Label]:
    labels = tuple(named)
    whole: list[Any] = [
        one for one in labels if isinstance(one, Integral) and not isinstance(one, bool)
    ]
    numbers = [int(one) for one in whole]
    if len(numbers) < len(labels) or min(numbers) < 0:
        return labels
    if max(numbers) >= MAX_N:
        raise ValueError(
            f"`{name}` must have numbers below {MAX_N:,} as variables, but it has {max(numbers)}; "
            "name them by text."
        )
    return range(max(numbers) + 1)


def as_terms(labels: Sequence[Label], entries: Entries) -> dict[tuple[Label, Label], float]:
    """The dict of pairs of labels that `of_terms` reads."""
    places = zip(entries.rows.tolist(), entries.cols.tolist(), strict=True)
    values = entries.values.tolist()
    return {(labels[i], labels[j]): x for (i, j), x in zip(places, values, strict=True)}


def check_labels(labels: Sequence[Label] | None, n: int) -> Sequence[Label]:
    """The names of n variables; by default their places.

    Raises:
        ValueError: if there are more or fewer, or two are the same.
    """
    if labels is None:
        return range(n)
    if len(labels) != n or len(set(labels)) != n:
        raise ValueError(
            f"`variables` must be {n} different names, but they are {len(labels)}, "
            f"{len(set(labels))} of them different."
        )
    return labels if isinstance(labels, range) else tuple(labels)
