from __future__ import annotations

import pytest

from evobin.drive import pipeline
from evobin.problems import sampled_network
from evobin.problems.network import NetworkProblem
from tests.builders import classes_problem


@pytest.mark.parametrize("is_compiled", [True, False])
def test_where_walks_are_not_compiled_flips_are(
    is_compiled: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    compiled: list[object] = []
    monkeypatch.setattr(NetworkProblem, "is_compiled", is_compiled)
    monkeypatch.setattr(sampled_network, "compiles", lambda *_: is_compiled)
    monkeypatch.setattr(pipeline, "compile_flips", compiled.append)
    problem = classes_problem()
    whole = problem.whole()
    pipeline.compile_walks(problem)
    assert compiled == ([] if is_compiled else [problem])
    assert problem.whole() is whole  # what is laid out for walks is kept
