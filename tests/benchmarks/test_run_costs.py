"""What keeping, workers and starting cost, on the real voices.

python -m pytest -m benchmark -s tests/benchmarks/test_run_costs.py
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from evobin.config import Backend, DataConfig, ExecutionConfig, SearchConfig
from evobin.core.stage import Stage, in_order
from evobin.data.splits import load_splits
from evobin.drive.recorder import stage_state
from evobin.network.presets import SPEAKER_SEX
from evobin.parallel import Workers, one_blas_thread
from evobin.problems.sampled_network import SampledNetworkProblem
from evobin.results.search import SearchResult
from evobin.runs import RunFolder
from evobin.training.flip_search import FlipSearch
from evobin.training.population import Refinement
from evobin.training.ste import Pretraining
from tests.builders import sides_of

pytestmark = pytest.mark.benchmark
ROOT = Path(__file__).parents[2]
VOICES = ROOT.parent / "shared" / "data" / "voices"
needs_voices = pytest.mark.skipif(not VOICES.exists(), reason="the real voices are not here")
STANDARD = SearchConfig()


@pytest.fixture(scope="module")
def problem() -> SampledNetworkProblem:
    where = DataConfig(VOICES / "train.tsv", VOICES / "features", VOICES / "speakers.tsv", folds=1)
    sides = sides_of(load_splits(where, 0))
    train, valid = sides["train"], sides["valid"]
    return SampledNetworkProblem(SPEAKER_SEX, train, valid, STANDARD.augment, 200, 256)


@pytest.fixture(scope="module")
def begun(problem: SampledNetworkProblem) -> SearchResult:
    """A start of one epoch, as a stage after it gets it; compiles everything too."""
    stage = Pretraining(problem, replace(STANDARD.ste, starts=1, epochs=1), 0)
    with one_blas_thread():
        stage.step(in_order)
    assert stage.best is not None
    return SearchResult(stage.best, stage.score, latents=stage.latents())


@needs_voices
def test_a_checkpoint_is_below_50_mb_and_costs_less_than_2_percent(
    problem: SampledNetworkProblem, tmp_path: Path
) -> None:
    stage = Pretraining(problem, replace(STANDARD.ste, starts=6), 0)
    rows = [{"stage": "ste", "step": i, "score": 0.9, "loss": 0.1} for i in range(400)]
    took = []
    with RunFolder.create(tmp_path / "run") as folder:
        for _ in range(9):
            began = time.perf_counter()
            folder.write_checkpoint(stage_state(stage) | {"history": rows})
            took.append(time.perf_counter() - began)
        size = (folder.path / "checkpoint").stat().st_size / 1e6
    seconds, every = float(np.median(took)), STANDARD.checkpoint_seconds
    share = seconds / every
    print(f"\n6 trainings: {size:.1f} MB, {seconds:.2f} s, {share:.2%} of {every:.0f} s")
    assert size < 50
    assert share < 0.02


def rounds_a_minute(stage: Stage, map_tasks: Any, n: int) -> float:
    if n > 1:
        stage.step(map_tasks)  # workers read the clips for the first time
    first, began = stage.done, time.perf_counter()
    for _ in range(n):
        stage.step(map_tasks)
    return 60 * (stage.done - first) / (time.perf_counter() - began)


@needs_voices
@pytest.mark.parametrize(("backend", "bar"), [("loky", 1.8), ("dask", 1.7)])
@pytest.mark.parametrize("kind", ["ste", "population", "flips"])
def test_two_workers_do_almost_twice_the_rounds_of_one(
    kind: str,
    backend: Backend,
    bar: float,
    problem: SampledNetworkProblem,
    begun: SearchResult,
    tmp_path: Path,
) -> None:
    makers: dict[str, Callable[[SampledNetworkProblem], Stage]] = {
        "ste": lambda problem: Pretraining(problem, replace(STANDARD.ste, starts=2), 0),
        "population": lambda problem: Refinement(problem, begun, STANDARD.population, 0),
        "flips": lambda problem: FlipSearch(
            problem, begun.solution, replace(STANDARD.flips, rounds=1000), 0
        ),
    }
    n, turns = {"ste": (3, 3), "population": (1, 1), "flips": (4, 3)}[kind]
    ratios, peaks = [], []
    with one_blas_thread():
        for _ in range(turns):  # one worker, two workers
            one = rounds_a_minute(makers[kind](problem), in_order, n)
            shared = replace(problem, n_threads=2)
            config = ExecutionConfig(n_jobs=2, backend=backend)
            with Workers(config, tmp_path / "scratch") as workers:
                workers.share(shared)
                workers.map(peak_memory, [(i,) for i in range(4)])  # they start
                two = rounds_a_minute(makers[kind](shared), workers.map, n)
                peaks += workers.map(peak_memory, [(i,) for i in range(4)])
            ratios.append(two / one)
    mine, ratio = peak_memory(0), float(np.median(ratios))
    print(
        f"\n{kind}, {backend}: {one:.1f} and {two:.1f} rounds a minute in the last turn; ratios "
        f"{', '.join(f'{r:.2f}' for r in ratios)}; peak memory of a worker {max(peaks):.0f} MB, of "
        f"this process {mine:.0f} MB"
    )
    assert max(peaks) < 2048
    assert ratio >= bar


def peak_memory(_task: int) -> float:
    """MB of this process, at its worst."""
    # not getrusage: a process that was forked begins with its parent's
    (line,) = (x for x in Path("/proc/self/status").read_text().splitlines() if "VmHWM" in x)
    return int(line.split()[1]) / 1024


WATCH = """
import os, time
from evobin.training.ste import Training
main = os.environ.setdefault("EVOBIN_MAIN", str(os.getpid()))
original = Training.step
def step(*given):
    original(*given)
    if str(os.getpid()) != main:
        with open(os.environ["EVOBIN_FIRST"], "a") as file:
            file.write(f"{time.time()}\\n")
Training.step = step
"""


@needs_voices
@pytest.mark.parametrize("cache", ["compiled", "empty"])
def test_a_search_has_done_its_first_training_step_within_15_seconds(
    cache: str, tmp_path: Path
) -> None:
    # In a worker: this process steps once on two clips before, to compile.
    (tmp_path / "sitecustomize.py").write_text(WATCH)
    first = tmp_path / "first"
    environment = {"PYTHONPATH": f"{tmp_path}:{ROOT}", "EVOBIN_FIRST": str(first)}
    if cache == "empty":
        environment["NUMBA_CACHE_DIR"] = str(tmp_path / "cache")
    argv = ["search", "--data", str(VOICES / "train.tsv"), "--features", str(VOICES / "features")]
    argv += ["--groups", str(VOICES / "speakers.tsv"), "--out", str(tmp_path / "run"), "--quiet"]
    began = time.time()
    with subprocess.Popen(
        [sys.executable, "-m", "evobin", *argv],
        env=os.environ | environment,
        stderr=subprocess.DEVNULL,  # joblib misses what was killed
    ) as process:
        while not first.exists():
            assert process.poll() is None
            time.sleep(0.05)
        process.kill()
    seconds = float(first.read_text().split()[0]) - began
    print(f"\nfirst training step done after {seconds:.1f} s, numba's cache {cache}")
    assert seconds <= 15
