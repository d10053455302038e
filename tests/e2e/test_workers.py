"""Workers that die, hang or are far away: the answer stays the same, or one line says why not."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from evobin.config import Backend, ExecutionConfig
from evobin.core.samples import Samples
from evobin.errors import EvobinError, WorkersError
from evobin.parallel import Workers
from tests.builders import files_below
from tests.e2e.dask_site import DaskSite, dask_site
from tests.tasks import Heavy, bytes_below, die, look_at, perish, plugins, sleep, whose

TWO = ExecutionConfig(n_jobs=2)


def heavy() -> Heavy:
    return Heavy(Samples.join([np.ones((5000, 64), np.float32)]))


@pytest.mark.parametrize("backend", ["auto", "loky", "threading", "dask", "ray"])
def test_every_backend_gives_the_results_in_order_and_the_shared_value_once(
    backend: Backend, tmp_path: Path
) -> None:
    value, seen = heavy(), []
    with Workers(ExecutionConfig(n_jobs=2, backend=backend), tmp_path / "scratch") as workers:
        workers.share(value)
        for _ in range(2):
            seen += workers.map(look_at, [(value, task) for task in range(4)])
        seen += workers.map(look_at, [(value, 4)])
    assert [task for task, *_ in seen] == [0, 1, 2, 3, 0, 1, 2, 3, 4]
    assert {total for _, total, *_ in seen} == {5000 * 64.0}
    assert all(read_only for _, _, read_only, *_ in seen)
    assert {threads for *_, threads, _ in seen[:8]} == {1}
    if backend in ("threading", "dask"):  # threads of this process; processes that dask settles
        inherited = signal.getsignal(signal.SIGINT) == signal.SIG_IGN
        assert {ignores for *_, ignores in seen[:8]} == {inherited}
    else:
        assert all(ignores for *_, ignores in seen[:8])
    assert files_below(tmp_path) == []


@pytest.mark.parametrize("backend", ["loky", "dask"])
def test_subsets_of_one_data_set_are_on_disk_once_and_mapped(
    backend: Backend, tmp_path: Path
) -> None:
    scratch = tmp_path / "scratch"
    whole = Samples.join([np.full((1000, 64), i, np.float16) for i in range(40)])
    folds = [whole.subset(np.flatnonzero(np.arange(40) % 6 != fold)) for fold in range(6)]
    with Workers(ExecutionConfig(n_jobs=2, backend=backend), scratch) as workers:
        workers.share(*folds[:4])
        for fold in folds[4:]:
            workers.share(fold)
        for _ in range(2):
            seen = workers.map(bytes_below, [(fold, scratch) for fold in folds])
    assert whole.stored.nbytes <= max(size for size, *_ in seen) < 1.1 * whole.stored.nbytes
    assert len({Path(name).parent for _, name, _ in seen}) == 1
    assert [total for *_, total in seen] == [float(fold.frames.sum()) for fold in folds]
    assert files_below(tmp_path) == []


@pytest.mark.parametrize("how", ["dies", "hangs"])
def test_a_task_whose_worker_is_lost_is_done_again(how: str, tmp_path: Path) -> None:
    marker = tmp_path / "marker"
    config = ExecutionConfig(n_jobs=2, task_minutes=0.1 if how == "hangs" else None)
    with Workers(config, tmp_path / "scratch") as workers:
        squares = workers.map(perish, [(marker, task, how) for task in range(6)])
        assert squares == [0, 1, 4, 9, 16, 25]
        assert workers.map(perish, [(marker, task, how) for task in range(3)]) == [0, 1, 4]
    lost = int(marker.read_text())
    with pytest.raises(ProcessLookupError):
        os.kill(lost, 0)
    assert files_below(tmp_path) == ["marker"]


def test_workers_that_are_lost_again_and_again_end_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("evobin.parallel.workers.ATTEMPTS", 2)
    with (
        pytest.raises(WorkersError, match=r"workers were lost 2 times in a row .* fewer --n-jobs"),
        Workers(TWO, tmp_path / "scratch") as workers,
    ):
        workers.map(die, [(0,), (1,)])
    assert files_below(tmp_path) == []


OWNER = """
import sys
import threading
from pathlib import Path
from evobin.config import ExecutionConfig
from evobin.parallel import Workers
from tests.tasks import sleep
if __name__ == "__main__":
    with Workers(ExecutionConfig(n_jobs=2), Path(sys.argv[1])) as workers:
        print(*workers.map(sleep, [(0.5,), (0.5,)]), flush=True)
        workers.map(sleep, [(60.0,), (60.0,)])
"""


STARTING = """
import os, sys, threading, time
from pathlib import Path
from evobin.config import ExecutionConfig
from evobin.parallel import Workers
from tests.tasks import children, sleep
def kill_when_workers_are_there():
    while len(children()) < 2:
        time.sleep(0.001)
    print(*children(), flush=True)
    os.kill(os.getpid(), 9)
if __name__ == "__main__":
    with Workers(ExecutionConfig(n_jobs=2), Path(sys.argv[1])) as workers:
        threading.Thread(target=kill_when_workers_are_there).start()
        workers.map(sleep, [(0.5,), (0.5,)])
"""


@pytest.mark.parametrize("code", [OWNER, STARTING])
def test_workers_end_with_a_process_that_is_killed(code: str, tmp_path: Path) -> None:
    file = tmp_path / "owner.py"
    file.write_text(code)
    argv = [sys.executable, str(file), str(tmp_path / "scratch")]
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])}
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True, env=environment) as owner:
        assert owner.stdout is not None
        workers = [int(word) for word in owner.stdout.readline().split()]
        assert len(workers) == 2
        owner.kill()
    deadline = time.monotonic() + 20
    while any(map(is_running, workers)):
        assert time.monotonic() < deadline, "the workers go on"
        time.sleep(0.1)


def is_running(pid: int) -> bool:
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().split(") ")[1][0] != "Z"
    return False


@pytest.fixture
def site(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> Iterator[DaskSite]:
    monkeypatch.setattr("evobin.parallel.clusters.CONNECT_SECONDS", 3)
    monkeypatch.setenv("DASK_DISTRIBUTED__SCHEDULER__ACTIVE_MEMORY_MANAGER__INTERVAL", "200ms")
    with dask_site(3, tmp_path_factory.mktemp("dask")) as site:
        yield site


def test_a_dask_cluster_that_runs_already_is_used_and_survives_a_lost_worker(
    site: DaskSite, tmp_path: Path
) -> None:
    config = ExecutionConfig(backend="dask", scheduler=site.address)
    with Workers(config, tmp_path / "scratch") as workers:
        value = heavy()
        workers.share(value)
        tasks = [(value, task) for task in range(4)]
        assert [seen[:2] for seen in workers.map(look_at, tasks)] == [
            (task, 5000 * 64.0) for task in range(4)
        ]
        pids = {process.pid for process in site.workers}
        assert set(workers.map(sleep, [(0.2,)] * 6)) <= pids
        site.workers[0].kill()
        assert [seen[0] for seen in workers.map(look_at, tasks)] == [0, 1, 2, 3]
        assert set(workers.map(sleep, [(0.2,)] * 6)) == {w.pid for w in site.workers[1:]}
    assert files_below(tmp_path) == []


def test_all_of_dasks_workers_keep_what_is_shared_and_late_ones_get_it(
    site: DaskSite, tmp_path: Path
) -> None:
    shared = heavy()
    config = ExecutionConfig(backend="dask", scheduler=site.address)
    with Workers(config, tmp_path / "scratch") as workers:
        workers.share(shared)
        workers.map(whose, [(shared,)] * 3)
        time.sleep(1.0)  # every 0.2 s dask looks for copies that no task waits for
        assert set(workers.map(whose, [(shared,)] * 3)) == {w.pid for w in site.workers}
        site.add(1)
        assert set(workers.map(whose, [(shared,)] * 4)) == {w.pid for w in site.workers}


def test_what_a_killed_run_left_with_dasks_workers_is_taken_back(
    site: DaskSite, tmp_path: Path
) -> None:
    config = ExecutionConfig(backend="dask", scheduler=site.address)
    code = (
        "import os, signal; from pathlib import Path; from evobin.config import ExecutionConfig\n"
        "from evobin.parallel import Workers\n"
        f"config = ExecutionConfig(backend='dask', scheduler='{site.address}')\n"
        f"workers = Workers(config, Path('{tmp_path}/killed')).__enter__(); workers.share([1])\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=False)
    with Workers(config, tmp_path / "scratch") as workers:
        left = workers.map(plugins, [()] * 3)
        workers.share([2])
        assert [len(names) for names in workers.map(plugins, [()] * 3)] == [1, 1, 1]
    assert left == [[], [], []]


def test_a_scheduler_that_is_lost_ends_in_one_line(site: DaskSite, tmp_path: Path) -> None:
    config = ExecutionConfig(backend="dask", scheduler=site.address)
    with Workers(config, tmp_path / "scratch") as workers:
        workers.map(sleep, [(0.1,)] * 2)
        site.scheduler.kill()
        with pytest.raises(WorkersError, match=f"the dask scheduler at {site.address} is lost"):
            workers.map(sleep, [(0.1,)] * 2)


@pytest.mark.parametrize("address", ["tcp://127.0.0.1:9", "nonsense"])
def test_a_scheduler_that_does_not_answer_is_named(
    address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("evobin.parallel.clusters.CONNECT_SECONDS", 1)
    config = ExecutionConfig(backend="dask", scheduler=address)
    before = threading.enumerate()
    with (
        pytest.raises(EvobinError, match=rf"--scheduler {address}: does not answer"),
        Workers(config, tmp_path / "scratch"),
    ):
        pass
    # the collector would end it in any thread, the next client's too, which then never starts
    assert [thread for thread in threading.enumerate() if thread not in before] == []


def test_a_scheduler_without_workers_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("evobin.parallel.clusters.CONNECT_SECONDS", 1)
    with dask_site(0, tmp_path) as site:
        config = ExecutionConfig(backend="dask", scheduler=site.address)
        with (
            pytest.raises(EvobinError, match=rf"--scheduler {site.address}: has no workers"),
            Workers(config, tmp_path / "scratch"),
        ):
            pass


@pytest.mark.parametrize("address", ["127.0.0.1:9", "nonsense", "ray://127.0.0.1:9"])
def test_a_ray_cluster_that_does_not_answer_is_named(address: str, tmp_path: Path) -> None:
    config = ExecutionConfig(backend="ray", ray_address=address)
    with (
        pytest.raises(EvobinError, match=rf"--ray-address {address}: does not answer"),
        Workers(config, tmp_path / "scratch"),
    ):
        pass


@pytest.mark.parametrize("backend", ["dask", "ray"])
def test_a_missing_extra_is_named(
    backend: Backend, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, backend, None)
    monkeypatch.delitem(sys.modules, f"evobin.parallel.{backend}_cluster", raising=False)
    told = rf"--backend {backend}: .* pip install 'evobin\[{backend}\]'"
    with (
        pytest.raises(EvobinError, match=told),
        Workers(ExecutionConfig(backend=backend), tmp_path / "scratch"),
    ):
        pass


@pytest.mark.slow
def test_a_lost_ray_worker_is_replaced(tmp_path: Path) -> None:
    marker = tmp_path / "marker"
    config = ExecutionConfig(n_jobs=2, backend="ray")
    with Workers(config, tmp_path / "scratch") as workers:
        tasks: list[tuple[Any, ...]] = [(marker, task, "dies") for task in range(6)]
        assert workers.map(perish, tasks) == [0, 1, 4, 9, 16, 25]
