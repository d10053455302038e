from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from evobin.config import ExecutionConfig
from evobin.core.samples import Samples
from evobin.parallel import Workers, one_blas_thread, worker_count
from tests.tasks import blas_threads, describe, describe_samples, fail, process, square

LARGE = 300_000  # float64: 2.4 MB, more than joblib sends by pickling


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_results_come_in_the_order_of_the_tasks(n_jobs: int, tmp_path: Path) -> None:
    with Workers(ExecutionConfig(n_jobs=n_jobs), tmp_path / "scratch") as workers:
        for _ in range(2):  # workers are kept for several rounds
            assert workers.map(square, [(i,) for i in range(20)]) == [i * i for i in range(20)]
        assert workers.map(square, [(3,)]) == [9]
        assert workers.map(square, []) == []


def test_one_worker_is_this_process_and_two_are_others(tmp_path: Path) -> None:
    tasks = [(i,) for i in range(4)]
    with Workers(ExecutionConfig(n_jobs=1), tmp_path / "scratch") as workers:
        assert set(workers.map(process, tasks)) == {os.getpid()}
    with Workers(ExecutionConfig(n_jobs=2), tmp_path / "scratch") as workers:
        assert os.getpid() not in workers.map(process, tasks)


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_a_task_has_one_blas_thread(n_jobs: int, tmp_path: Path) -> None:
    with Workers(ExecutionConfig(n_jobs=n_jobs), tmp_path / "scratch") as workers:
        for threads in workers.map(blas_threads, [(0,), (1,)]):
            assert threads
            assert set(threads) == {1}


def test_the_number_of_blas_threads_is_restored() -> None:
    before = blas_threads(0)
    with one_blas_thread():
        assert set(blas_threads(0)) == {1}
    assert blas_threads(0) == before


def test_large_arrays_reach_workers_read_only(tmp_path: Path) -> None:
    array = np.ones(LARGE)
    with Workers(ExecutionConfig(n_jobs=2), tmp_path / "scratch") as workers:
        told = workers.map(describe, [(array, i) for i in range(3)])
    assert [(writeable, total) for writeable, _, total in told] == [(False, float(LARGE))] * 3
    assert list(tmp_path.iterdir()) == []


SHARED = """
import sys
from pathlib import Path
import numpy as np
from evobin.config import ExecutionConfig
from evobin.parallel import Workers
from tests.tasks import describe

if __name__ == "__main__":
    with Workers(ExecutionConfig(n_jobs=2), Path(sys.argv[1])) as workers:
        for _ in range(3):
            workers.map(describe, [(np.ones(300_000), i) for i in range(4)])
"""


def test_files_of_large_arrays_are_not_left_to_the_end_of_the_program(tmp_path: Path) -> None:
    """They were: joblib then warns of leaked files."""
    (tmp_path / "script.py").write_text(SHARED)
    command = [sys.executable, str(tmp_path / "script.py"), str(tmp_path / "scratch")]
    path = os.pathsep.join([str(Path(__file__).parents[3]), os.environ.get("PYTHONPATH", "")])
    done = subprocess.run(
        command, capture_output=True, text=True, check=True, env=os.environ | {"PYTHONPATH": path}
    )
    assert done.stderr == ""


def test_workers_exchange_arrays_in_their_own_folder_not_in_that_of_earlier_workers(
    tmp_path: Path,
) -> None:
    for name in ("first", "second"):
        with Workers(ExecutionConfig(n_jobs=2), tmp_path / name) as workers:
            told = workers.map(describe, [(np.ones(LARGE), i) for i in range(2)])
        for _, file, _ in told:
            assert Path(file).is_relative_to(tmp_path / name)
        assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_samples_are_read_only_for_every_worker(n_jobs: int, tmp_path: Path) -> None:
    samples = Samples.join([np.ones((LARGE // 64, 64))])
    with Workers(ExecutionConfig(n_jobs=n_jobs), tmp_path / "scratch") as workers:
        told = workers.map(describe_samples, [(samples, i) for i in range(3)])
    assert told == [(False, False)] * 3
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_an_exception_of_a_task_reaches_the_caller_and_the_scratch_folder_goes(
    n_jobs: int, tmp_path: Path
) -> None:
    array = np.ones(LARGE)
    with Workers(ExecutionConfig(n_jobs=n_jobs), tmp_path / "scratch") as workers:
        workers.map(describe, [(array, i) for i in range(2)])
        with pytest.raises(RuntimeError, match="task 2 went wrong"):
            workers.map(fail, [(i,) for i in range(4)])
    assert list(tmp_path.iterdir()) == []


def test_workers_without_tasks_leave_nothing_behind(tmp_path: Path) -> None:
    with Workers(ExecutionConfig(n_jobs=2), tmp_path / "run" / "scratch"):
        pass
    assert list(tmp_path.iterdir()) == []


def test_minus_one_stands_for_all_cores() -> None:
    assert worker_count(1) == 1
    assert worker_count(3) == 3
    assert 1 <= worker_count(-1) <= (os.cpu_count() or 1)
    assert worker_count(-1000) == 1
