"""`evobin solve`: what it reads, prints and keeps; wrong words, interruptions, going on."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from evobin.cli.main import main
from evobin.errors import EvobinError
from evobin.problems import load_problem
from evobin.results.solving import Solved
from tests.cli.calls import answer

Capture = pytest.CaptureFixture[str]
BRIEF = ("--max-evaluations", "20000", "--algorithm", "annealing")
SQUARE = "4 4\n1 2 1\n2 3 1\n3 4 1\n4 1 5\n"
QUBO = "2 3\n1 1 -4\n1 2 3\n2 2 2\n"
FORMULA = "p wcnf 3 4 10\n10 1 2 0\n3 -1 0\n2 -2 0\n1 -3 0\n"
SCORE = """
import numpy as np
import evobin

problem = evobin.Ising([[0, 1], [0, 0]], [0.5, 0])
number = 7


def score(x):
    return x[:3].sum() - x[3:].sum() + 0.5


def broken(x):
    return 1 / 0
"""


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name, text in (("square", SQUARE), ("qubo", QUBO), ("formula", FORMULA), ("own.py", SCORE)):
        Path(name).write_text(text)
    return tmp_path


def graph_of(n: int, path: str) -> None:
    """A random graph of weights -1 and +1."""
    rng = np.random.default_rng(0)
    pairs = np.argwhere(np.triu(rng.random((n, n)) < 0.1, 1)) + 1
    lines = [f"{i} {j} {rng.choice([-1, 1])}" for i, j in pairs.tolist()]
    Path(path).write_text("\n".join([f"{n} {len(lines)}", *lines]) + "\n")


def refused(capsys: Capture, code: int, *argv: str) -> str:
    """The line of a command that goes wrong; it leaves nothing."""
    before = sorted(path for path in Path().rglob("*") if "__pycache__" not in path.parts)
    capsys.readouterr()
    assert main(["solve", *argv]) == code
    out, err = capsys.readouterr()
    after = sorted(path for path in Path().rglob("*") if "__pycache__" not in path.parts)
    assert (out, after) == ("", before)
    assert err.count("\n") == 1
    return err


@pytest.mark.parametrize(
    ("argv", "lines"),
    [
        (["square"], ["side+ 1 3", "side- 2 4", "value 8"]),
        (["qubo", "--kind", "qubo"], ["x 10", "value -4"]),
        (["qubo"], ["x 10", "value -4"]),
        (["qubo", "--sense", "max"], ["x 11", "value 4"]),
        (["formula"], ["o 2", "s SATISFIABLE", "v 010", "value 2"]),
        (["own.py:score", "--n", "6"], ["x 1 1 1 -1 -1 -1", "value 6.5"]),
        (["own.py:score", "--n", "6", "--sense", "min"], ["x -1 -1 -1 1 1 1", "value -5.5"]),
        (["own.py:problem"], ["x -1 1", "value -1.5"]),
    ],
)
def test_the_solution_is_written_as_its_field_does_and_the_value_comes_last(
    argv: list[str], lines: list[str], capsys: Capture
) -> None:
    printed = answer(capsys, "solve", *argv, *BRIEF, "--out", "run").splitlines()
    saved = Path("run/solution.txt").read_text().splitlines()
    if lines[0].startswith("side"):  # which side is which is chance
        assert [line.split()[0] for line in saved] == ["side+", "side-", "value"]
        assert sorted(line.split()[1:] for line in saved[:2]) == [["1", "3"], ["2", "4"]]
    else:
        assert saved == lines
    assert printed[-1] == lines[-1]
    assert "run folder  run" in printed
    assert "solution    run/solution.txt" in printed
    assert sorted(path.name for path in Path("run").iterdir()) == [
        "config.json", "history.csv", "solution.txt", "summary.json",
    ]  # fmt: skip


def test_costs_of_a_formula_are_told_as_they_fall(capsys: Capture) -> None:
    printed = answer(capsys, "solve", "formula", *BRIEF).splitlines()
    costs = [int(line[2:]) for line in printed if line.startswith("o ")]
    assert costs[-1] == 2
    assert costs[:-1] == sorted(set(costs[:-1]), reverse=True)


def test_a_formula_that_has_no_solution_is_told(capsys: Capture) -> None:
    Path("none").write_text("h 1 0\nh -1 0\n3 2 0\n")
    printed = answer(capsys, "solve", "none", *BRIEF, "--quiet").splitlines()
    assert "broken      1 hard clauses; no solution was found" in printed
    assert printed[-2:] == ["s UNKNOWN", "value inf"]
    line = json.loads(answer(capsys, "solve", "none", *BRIEF, "--json").splitlines()[-1])
    assert (line["value"], line["hard_clauses_broken"], line["gap"]) == (None, 1, None)


def test_a_target_ends_the_search_and_is_what_the_gap_is_to(capsys: Capture) -> None:
    reached = answer(capsys, "solve", "square", "--target", "8", *BRIEF)
    assert "target reached after" in reached
    missed = answer(capsys, "solve", "square", "--target", "10", *BRIEF)
    assert "evaluations are spent after" in missed
    assert "gap         20.00% from 10" in missed
    enough = answer(capsys, "solve", "formula", "--target", "2", "--seconds", "60", *BRIEF[2:])
    assert "target reached after" in enough


def test_all_that_is_kept_is_in_a_table_and_in_json(capsys: Capture) -> None:
    printed = answer(capsys, "solve", "qubo", *BRIEF, "--keep", "3", "--out", "run")
    assert "kept        3 solutions in run/kept.tsv" in printed
    assert Path("run/kept.tsv").read_text() == "value\tsolution\n-4\t10\n0\t00\n2\t01\n"
    *steps, end = map(
        json.loads, answer(capsys, "solve", "qubo", *BRIEF, "--keep", "2", "--json").splitlines()
    )
    assert {step["stage"] for step in steps} == {"solve"}
    assert steps[-1]["value"] == -4
    assert end["stage"] == "done"
    assert (end["value"], end["solution"], end["sense"]) == (-4, [1, 0], "min")
    assert end["kept"] == [{"value": -4, "solution": [1, 0]}, {"value": 0, "solution": [0, 0]}]


def test_the_same_seed_finds_the_same_and_the_value_is_the_problems_own(capsys: Capture) -> None:
    graph_of(60, "graph")
    for name in ("one", "two"):
        answer(capsys, "solve", "graph", *BRIEF, "--seed", "3", "--out", name)
    text = Path("one/solution.txt").read_text()
    assert text == Path("two/solution.txt").read_text()
    signs = -np.ones(60, np.int8)
    signs[np.array(text.splitlines()[0].split()[1:], int) - 1] = 1
    problem: Any = load_problem("graph")
    assert text.splitlines()[-1] == f"value {problem.value(signs):.0f}"


def test_seconds_are_kept_reading_included(capsys: Capture) -> None:
    answer(capsys, "solve", "square", "--algorithm", "annealing", "--seconds", "0.2")  # compiles
    begun = time.monotonic()
    printed = answer(capsys, "solve", "square", "--algorithm", "annealing", "--seconds", "0.5")
    assert 0.4 < time.monotonic() - begun < 5
    assert re.search(r"time is up after 0\.[4-9] s", printed)
    assert printed.endswith("value 8\n")


def test_progress_is_told_with_the_gap_on_stderr(capsys: Capture) -> None:
    assert main(["solve", "square", "--target", "10", *BRIEF]) == 0
    first, second, *_ = capsys.readouterr().err.splitlines()
    assert first == "square: a graph of 4 nodes and 4 edges, its cut to be large."
    assert re.search(r"^ +\d+ s  best cut \d+, \d+\.00% from the target 10; 1 evaluations$", second)


@pytest.mark.parametrize(
    ("argv", "told"),
    [
        (["none"], "none: does not exist; check its name and folder"),
        (["."], r"\.: is a folder; name a file"),
        (["none.py:score", "--n", "3"], r"none\.py: does not exist"),
        (["own.py:scores", "--n", "3"], r"own\.py: has no `scores`; it has score, broken"),
        (
            ["own.py:number", "--n", "3"],
            "`number` must be a function or a problem, but it is a int",
        ),
        (["bad"], "bad, line 1: expected a graph .*, found 'hello'"),
        (["cut-off"], "cut-off, line 1: the header in line 1 announces 3 lines"),
        (["raises.py:f", "--n", "3"], r"raises\.py: cannot be run \(ZeroDivisionError: division"),
        (["square", "--out", "own.py"], r"own\.py"),
        (["square", "--out", "."], "exists and is not empty; name another folder with --out"),
    ],
)
def test_a_bad_file_is_one_line_and_exit_1(argv: list[str], told: str, capsys: Capture) -> None:
    Path("bad").write_text("hello\n")
    Path("cut-off").write_text("3 3\n1 2 1\n")
    Path("raises.py").write_text("1 / 0\n")
    assert re.search(f"^evobin: .*{told}", refused(capsys, 1, *argv))


@pytest.mark.parametrize(
    ("argv", "told"),
    [
        (
            ["square", "--algorithm", "anealing"],
            "no algorithm `anealing`; did you mean `annealing`",
        ),
        (["square", "--seconds", "-1"], "`seconds` must be from 0.0 to"),
        (["square", "--seconds", "nan"], "`seconds` must be from 0.0 to"),
        (["square", "--keep", "0"], "`keep` must be from 1 to"),
        (["square", "--n-jobs", "0"], "`n_jobs` must be at least 1"),
        (["square", "--sense", "min"], "`sense` is for a QUBO, but a cut is always maximised"),
        (["square", "--n", "4"], "`n` is for a function of a Python file; leave it out"),
        (["formula", "--number", "1"], "`number` is for a file of several problems"),
        (["own.py"], r"`own\.py` must name a function in it, as own\.py:score, but it names none"),
        (["own.py:"], r"`own\.py:` must name a function in it, as own\.py:score"),
        (["own.py:score"], "`n` must be set, the number of signs that the function takes"),
        (["own.py:score", "--n", "3", "--kind", "cut"], "`kind` is for a problem file"),
        (["own.py:problem", "--n", "3"], "`n` is for a function, and a problem has its own"),
    ],
)
def test_a_wrong_setting_is_one_line_and_exit_2(
    argv: list[str], told: str, capsys: Capture
) -> None:
    assert re.search(f"^evobin: .*{told}", refused(capsys, 2, *argv))


def test_a_function_that_raises_is_one_line_and_keeps_the_run(capsys: Capture) -> None:
    assert main(["solve", "own.py:broken", "--n", "3", "--quiet", *BRIEF, "--out", "run"]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert re.fullmatch(r"evobin: .*ZeroDivisionError: division by zero.*\n", err)


def test_a_python_file_finds_its_neighbours_on_workers_too(
    capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "path", [*sys.path])
    Path("sub").mkdir()
    Path("sub", "evobin_neighbour.py").write_text("def count(x):\n    return float(x.sum())\n")
    Path("sub", "slow.py").write_text(
        "import time\nimport evobin_neighbour\n\n\n"
        "def score(x):\n    time.sleep(0.01)\n    return evobin_neighbour.count(x)\n"
    )
    call = ["sub/slow.py:score", "--n", "4", "--algorithm", "umda", "--max-evaluations", "200"]
    printed = answer(capsys, "solve", *call, "--n-jobs", "2", "--quiet")
    assert printed.endswith("x 1 1 1 1\nvalue 4\n")


def start(*argv: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "evobin", *argv],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=os.environ,
    )  # fmt: skip


def wait_for(path: Path, process: subprocess.Popen[str]) -> None:
    end = time.monotonic() + 60
    while not path.exists():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < end
        time.sleep(0.05)


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGKILL, -9)]
)
def test_an_interrupted_run_tells_the_best_and_ends_as_if_nothing_had_happened(
    number: signal.Signals, code: int, capsys: Capture
) -> None:
    graph_of(80, "graph")
    call = ["graph", "--algorithm", "tabu", "--max-evaluations", "150000000", "--keep", "3"]
    process = start("solve", *call, "--out", "run")
    wait_for(Path("run/solution.txt"), process)
    process.send_signal(number)
    out, err = process.communicate(timeout=60)
    assert process.returncode == code
    if code > 0:
        assert re.search(r"^ended       interrupted after [\d.]+ s, ", out)
        assert Path("run/solution.txt").read_text().splitlines()[-1] == out.splitlines()[-1]
        assert err.splitlines()[-1] == (
            "evobin: interrupted; run/solution.txt holds the best so far, and "
            "`evobin resume run` goes on."
        )
    answer(capsys, "resume", "run", "--quiet")
    answer(capsys, "solve", *call, "--out", "whole", "--quiet")
    for name in ("solution.txt", "kept.tsv"):
        assert Path("run", name).read_text() == Path("whole", name).read_text()
    assert main(["resume", "run"]) == 1
    assert capsys.readouterr().err == (
        "evobin: run: the run is finished; its result is run/solution.txt.\n"
    )


def test_a_run_goes_on_only_with_the_file_that_it_began_with(
    capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def end(*_args: Any, **_more: Any) -> Solved:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("evobin.commands.solve._Run._finish", end)
        patched.setattr("pathlib.Path.unlink", lambda *_args, **_more: None)
        assert main(["solve", "square", *BRIEF, "--out", "run", "--quiet"]) == 130
    capsys.readouterr()
    Path("square").write_text(SQUARE.replace("5", "6"))
    assert main(["resume", "run"]) == 1
    assert capsys.readouterr().err == (
        "evobin: run: square is not what it was when the run began; restore it, or start anew.\n"
    )
    Path("run/config.json").write_text('{"command": "solve"}')
    assert main(["resume", "run"]) == 1
    assert "config.json: is not as evobin writes it" in capsys.readouterr().err


def test_other_commands_say_that_a_run_is_not_theirs(capsys: Capture) -> None:
    answer(capsys, "solve", "square", *BRIEF, "--out", "run")
    assert main(["report", "run"]) == 1
    assert "run: is a run of `solve`, and a report is about networks" in capsys.readouterr().err
    from evobin import resume

    with pytest.raises(EvobinError, match="is a run of `solve`; `resume_solve` goes on with it"):
        resume("run")


def test_two_runs_at_the_same_time_have_folders_of_their_own(capsys: Capture) -> None:
    for _ in range(3):
        answer(capsys, "solve", "square", *BRIEF, "--quiet")
    assert len(list(Path("runs").iterdir())) == 3


def test_help_on_solving_imports_no_part_of_the_engine() -> None:
    code = (
        "import sys\nfrom evobin.cli import main\n"
        "try:\n    main(['solve', '--help'])\n"
        "except SystemExit:\n    sys.exit(len({'numpy', 'numba', 'pandas'} & {*sys.modules}))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0
    assert "evobin solve G22.txt --seconds 30" in done.stdout
