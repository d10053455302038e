"""A dask cluster of real processes on loopback."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

Start = Callable[..., subprocess.Popen[str]]


@dataclass
class DaskSite:
    """A dask scheduler and its workers, each a process of its own with one thread."""

    address: str
    scheduler: subprocess.Popen[str]
    start: Start
    workers: list[subprocess.Popen[str]] = field(default_factory=list)

    def add(self, n: int) -> None:
        """Starts workers, and waits until the scheduler knows them."""
        options = ("--nthreads", "1", "--no-dashboard", "--no-nanny")
        added = [self.start("worker", self.address, *options) for _ in range(n)]
        for worker in added:
            next(line for line in worker.stderr or () if "Registered to" in line)
        self.workers += added


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
        site = DaskSite(address, scheduler, start)
        site.add(n)
        yield site
    finally:
        for process in started:
            process.kill()
            process.communicate()
