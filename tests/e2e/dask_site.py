"""A dask cluster of real processes on loopback."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path


@dataclass
class DaskSite:
    """A dask scheduler and its workers, each a process of its own with one thread."""

    address: str
    scheduler: subprocess.Popen[str]
    workers: list[subprocess.Popen[str]]


@contextmanager
def dask_site(n: int, folder: Path) -> Iterator[DaskSite]:
    """A site of n workers that have reached the scheduler; ended behind the `with`."""
    dask = [sys.executable, "-m", "dask"]
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])}
    started: list[subprocess.Popen[str]] = []

    def start(*argv: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [*dask, *argv],
            cwd=folder,
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        return process

    try:
        scheduler = start("scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard")
        address = next(x.split()[-1] for x in scheduler.stderr or () if "Scheduler at:" in x)
        options = ("--nthreads", "1", "--no-dashboard", "--no-nanny")
        workers = [start("worker", address, *options) for _ in range(n)]
        for worker in workers:
            next(line for line in worker.stderr or () if "Registered to" in line)
        yield DaskSite(address, scheduler, workers)
    finally:
        for process in started:
            process.kill()
            process.communicate()
