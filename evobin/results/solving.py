"""What `evobin solve` finds, in a problem's own terms, and how the field writes it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np

from evobin.core.problem import Population, Solution
from evobin.results.plain import Json

Sense = Literal["min", "max"]
Value = float | int
SOLUTION = "solution.txt"  # its name in the run folder
KEPT = "kept.tsv"  # that of the table of other solutions


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked, in a problem's own terms.

    Attributes:
        file: where it is from, as the user named it.
        kind: "cut", "qubo", "sat" or "function".
        noun: what the value is called: cut, value, cost, score.
        sense: whether the value is to be small or large.
        about: the problem in a few words.
        n: length of a solution.
        target: value that is enough; None for none.
    """

    file: str
    kind: Literal["cut", "qubo", "sat", "function"]
    noun: str
    sense: Sense
    about: str
    n: int
    target: Value | None = None

    def gap(self, value: Value) -> float | None:
        """How far a value is from the target, as a share of it; 0 where it is as good."""
        if self.target is None:
            return None
        short = self.target - value if self.sense == "max" else value - self.target
        return max(short, 0.0) / max(abs(self.target), 1.0)


@dataclass(frozen=True, slots=True)
class Found:
    """The best of a search so far.

    Attributes:
        value: in the problem's own sense; infinite where a hard clause is broken.
        hard: hard clauses that are broken; 0 where there are none.
    """

    value: Value
    hard: int = 0


@dataclass(frozen=True, slots=True)
class Step:
    """Where a search is, for who watches it.

    Attributes:
        question: what is asked.
        found: the best so far; None before there is one.
        improved: whether that is new since the last step that was shown.
        seconds: since the search began.
        limit: seconds in all; None where the evaluations decide.
        evaluations: solutions scored.
        max_evaluations: in all; None for no limit.
        restarts: how often it began anew.
    """

    question: Question
    found: Found | None = None
    improved: bool = False
    seconds: float = 0.0
    limit: float | None = None
    evaluations: int = 0
    max_evaluations: int | None = None
    restarts: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class Solved:
    """What `evobin solve` found.

    Attributes:
        question: what was asked.
        solution: [n] int8 of -1 and +1, the best one.
        value: of the solution, in the problem's own sense, counted from scratch; infinite where a
            hard clause is broken.
        hard: hard clauses that it breaks; 0 where there are none.
        kept: [k, n] int8, the best different solutions, the best first.
        values: of each of these.
        seconds: that the search took, reading included.
        evaluations: solutions scored, or flips looked at.
        restarts: how often it began anew.
        algorithm: its name.
        stop: why it ended: reasons and their values; empty where it was interrupted.
        folder: the run folder.
    """

    question: Question
    solution: Solution
    value: Value
    hard: int
    kept: Population
    values: tuple[Value, ...]
    seconds: float
    evaluations: int
    restarts: int
    algorithm: str
    stop: Mapping[str, Any] = field(default_factory=dict)
    folder: Path = Path()

    def lines(self) -> list[str]:
        """The solution in the field's own form, and the value in the last line."""
        return [*written(self.question, self.solution, self.value), f"value {shown(self.value)}"]

    def summary(self) -> dict[str, Json]:
        """All of it as plain values."""
        question = self.question
        kept: list[Json] = [
            {"value": _finite(value), "solution": digits(question, row)}
            for value, row in zip(self.values, self.kept, strict=True)
        ]
        return {
            "file": question.file,
            "problem": question.about,
            "kind": question.kind,
            "sense": question.sense,
            "value": _finite(self.value),
            "hard_clauses_broken": self.hard,
            "target": question.target,
            "gap": None if self.hard else question.gap(self.value),
            "solution": digits(question, self.solution),
            "kept": kept,
            "algorithm": self.algorithm,
            "seconds": round(self.seconds, 3),
            "evaluations": self.evaluations,
            "restarts": self.restarts,
            "stop": {name: _finite(value) for name, value in self.stop.items()},
            "folder": str(self.folder),
        }


def _finite(value: Any) -> Json:
    number: Json = value
    return None if isinstance(value, float) and not math.isfinite(value) else number


def digits(question: Question, solution: Solution) -> list[int]:
    """A solution as a program reads it: 0 and 1, or -1 and +1 of a function.

    1 is a node that is on the first side, x = 1, or a variable that is true.
    """
    signs: list[int] = solution.tolist()
    return signs if question.kind == "function" else [int(sign > 0) for sign in signs]


def written(question: Question, solution: Solution, value: Value) -> list[str]:
    """A solution in the field's own form.

    Two sides of a cut, nodes from 1; the `o`, `s` and `v` lines of the MaxSAT evaluation; x of a
    QUBO as 0 and 1; a function's signs.

    Example:
        >>> signs = np.array([1, -1, 1], np.int8)
        >>> written(Question("G", "cut", "cut", "max", "a graph", 3), signs, 5)
        ['side+ 1 3', 'side- 2']
        >>> written(Question("f", "sat", "cost", "min", "a formula", 3), signs, 0)
        ['o 0', 's OPTIMUM FOUND', 'v 101']
    """
    if question.kind == "cut":
        sides = {"side+": solution > 0, "side-": solution < 0}
        nodes = {name: (np.flatnonzero(side) + 1).tolist() for name, side in sides.items()}
        return [" ".join([name, *map(str, side)]) for name, side in nodes.items()]
    if question.kind == "function":
        return ["x " + " ".join(map(str, solution.tolist()))]
    bits = "".join(map(str, digits(question, solution)))
    if question.kind == "qubo":
        return [f"x {bits}"]
    if value == math.inf:
        return ["s UNKNOWN"]
    return [f"o {shown(value)}", f"s {'SATISFIABLE' if value else 'OPTIMUM FOUND'}", f"v {bits}"]


def shown(value: Value) -> str:
    """A value as text: whole ones without a point, others with 12 digits.

    Example:
        >>> shown(13359.0), shown(0.1 + 0.2), shown(math.inf)
        ('13359', '0.3', 'inf')
    """
    if isinstance(value, int) or (math.isfinite(value) and value == int(value)):
        return str(int(value))
    return f"{value:.12g}"
