from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from evobin.config import ExecutionConfig
from evobin.parallel import WorkersOnDemand
from tests.builders import files_below


def where(number: int) -> tuple[int, int]:
    return number, os.getpid()


def slow(number: int) -> tuple[int, int]:
    time.sleep(0.05)
    return where(number)


def test_quick_tasks_stay_in_this_process() -> None:
    with WorkersOnDemand(ExecutionConfig(n_jobs=2)) as workers:
        for _ in range(3):
            assert workers.map(where, [(0,), (1,)]) == [(0, os.getpid()), (1, os.getpid())]


def test_long_tasks_go_to_workers_and_leave_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setattr("evobin.parallel.on_demand.PRICE", 0.06)
    with WorkersOnDemand(ExecutionConfig(n_jobs=2)) as workers:
        numbers, pids = zip(*workers.map(slow, [(number,) for number in range(6)]), strict=True)
        assert numbers == tuple(range(6))
        assert pids[:2] == (os.getpid(), os.getpid())
        assert os.getpid() not in pids[2:]
        assert os.getpid() not in dict(workers.map(where, [(0,), (1,)])).values()
    assert not files_below(tmp_path)


def test_one_worker_is_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("evobin.parallel.on_demand.PRICE", 0.0)
    with WorkersOnDemand(ExecutionConfig(n_jobs=1)) as workers:
        assert {pid for _, pid in workers.map(slow, [(0,), (1,)])} == {os.getpid()}
