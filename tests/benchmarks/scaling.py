"""What many workers cost the coordinator: python -m tests.benchmarks.scaling [WORKERS ...].

A real dask scheduler and as many worker processes as are asked for, on this machine. Their tasks
sleep for as long as a real one takes, and carry as many bytes to and fro; the time that coordinator
and scheduler spend on a task says how many workers they can keep busy.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd

from evobin.config import ExecutionConfig
from evobin.parallel import Workers
from tests.e2e.dask_site import DaskSite, dask_site

ROUNDS = 3
KINDS = {
    "flips": (3.2, 46_145, 4 * 46_145),
    "population": (21.0, 3 * 1_476_612, 1_476_612),
    "straight-through epoch": (2.8, 4 * 1_476_612, 4 * 1_476_612 + 369_153),
}
"""Seconds a task, measured on the real voices with default settings; bytes to the worker, back."""


def work(sent: bytes, seconds: float, back: int) -> bytes:
    """Sleeps, and returns as many bytes."""
    time.sleep(seconds)
    return bytes(back)


def cpu_seconds(pid: int) -> float:
    """Time that cores have spent on a process."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(") ", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def measure(kind: str, site: DaskSite, folder: Path) -> dict[str, object]:
    """One row of the table."""
    n, scheduler = len(site.workers), site.scheduler.pid
    seconds, there, back = KINDS[kind]
    seconds = min(seconds, 5.0)  # nothing is learnt from sleeping longer
    sent = np.random.default_rng(0).bytes(there)
    walls = []
    with Workers(ExecutionConfig(backend="dask", scheduler=site.address), folder) as workers:
        workers.map(work, [(b"", 0.1, 0)] * n)
        mine, theirs = cpu_seconds(os.getpid()), cpu_seconds(scheduler)
        for _ in range(ROUNDS):
            began = time.perf_counter()
            workers.map(work, [(sent + bytes([i % 256]), seconds, back) for i in range(n)])
            walls.append(time.perf_counter() - began)
        mine, theirs = cpu_seconds(os.getpid()) - mine, cpu_seconds(scheduler) - theirs
    spent = max(mine, theirs) / (ROUNDS * n)
    return {
        "tasks": kind,
        "workers": n,
        "MB a task": f"{(there + back) / 1e6:.2f}",
        "round, s": f"{np.median(walls):.2f}",
        "of it sleep": f"{seconds / np.median(walls):.0%}",
        "coordinator, ms a task": f"{1000 * mine / (ROUNDS * n):.1f}",
        "scheduler, ms a task": f"{1000 * theirs / (ROUNDS * n):.1f}",
        "saturates at": f"{KINDS[kind][0] / spent:,.0f} workers",
    }


def main() -> None:
    """Prints the table."""
    rows = []
    for n in [int(word) for word in sys.argv[1:]] or [4, 16, 32]:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            with dask_site(n, folder) as site:
                rows += [measure(kind, site, folder / "w") for kind in KINDS]
    print(pd.DataFrame(rows).sort_values("tasks", kind="stable").to_markdown(index=False))


if __name__ == "__main__":
    main()
