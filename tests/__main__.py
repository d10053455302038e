"""All checks, in order: `python -m tests`. Exits with 1 if any of them fails."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).parents[1]
CHECKS = {
    "format": ["ruff", "format", "--check"],
    "lint": ["ruff", "check"],
    "types": ["mypy"],
    "floor plan": ["lint-imports"],
    "tests": ["pytest", "-q", "-n", "2", "--dist", "loadfile"],  # a file is done by one process
    "kernels without the JIT": ["pytest", "-q", "tests", "-m", "kernels and not slow"],
}


def main() -> int:
    """Runs every check, even behind one that fails."""
    tools = Path(sys.executable).parent
    outcomes = {}
    for name, command in CHECKS.items():
        print(f"\n== {name}: {' '.join(command)}", flush=True)
        switch = {"NUMBA_DISABLE_JIT": "1"} if "JIT" in name else {}
        start = time.monotonic()
        done = subprocess.run(
            [str(tools / command[0]), *command[1:]],
            cwd=ROOT,
            env={**os.environ, **switch},
            check=False,
        )
        outcomes[name] = done.returncode, time.monotonic() - start
    print()
    for name, (code, took) in outcomes.items():
        print(f"{'passed' if code == 0 else 'FAILED':7} {name} ({took:.0f} s)")
    return int(any(code for code, _ in outcomes.values()))


if __name__ == "__main__":
    sys.exit(main())
