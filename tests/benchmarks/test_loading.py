"""Loading of many feature files, and the memory that they take from then on.

python -m pytest -m benchmark -s tests/benchmarks/test_loading.py
"""

from __future__ import annotations

import resource
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from evobin.config import EvaluateConfig
from evobin.data.dataset import hold_out, load_dataset
from evobin.network.analysis.firing import firing_rates
from evobin.network.binary import BinaryNetwork
from evobin.network.presets import SPEAKER_SEX

pytestmark = pytest.mark.benchmark
CLIPS, FRAMES = 20_000, 300
MOST = 1.6
"""Bytes of the whole process for a byte of features, as stored."""


def write(root: Path) -> None:
    """Clips of random numbers in float16, as many of each label, 20 of a speaker."""
    rng = np.random.default_rng(0)
    noise = rng.normal(-5.0, 3.0, (2 * FRAMES, SPEAKER_SEX.n_in)).astype(np.float16)
    (root / "features").mkdir()
    labels, speakers = [], []
    for clip in range(CLIPS):
        first = int(rng.integers(0, FRAMES))
        np.save(root / "features" / f"{clip}.npy", noise[first : first + FRAMES])
        labels.append(f"{clip}.npy\t{clip // 20 % 2}\n")
        speakers.append(f"{clip}.npy\t{clip // 20}\n")
    (root / "train.tsv").write_text("".join(labels))
    (root / "speakers.tsv").write_text("".join(speakers))


def peak() -> float:
    """GB that this process had at most."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6


def use(root: Path) -> None:
    """Loads and splits the clips, and looks at all of them; prints what that takes."""

    def told(what: str, call: Callable[[], object]) -> None:
        wall, own = time.perf_counter(), time.process_time()
        call()
        wall, own = time.perf_counter() - wall, time.process_time() - own
        print(f"{what}: {wall:.1f} s, {own:.1f} s of processors, at most {peak():.2f} GB")

    where = EvaluateConfig(root / "train.tsv", root / "features", root / "speakers.tsv")
    print(f"imported: {peak():.2f} GB")
    found = []
    told("loaded", lambda: found.append(load_dataset(where)))
    (dataset,) = found
    size = dataset.samples.stored.nbytes / 1e9
    print(f"features: {size:.2f} GB in {dataset.samples.stored.dtype}")
    parts = [dataset.subset(rows) for rows in hold_out(dataset, 0.2, seed=0)]
    signs = np.random.default_rng(0).choice(np.array([-1, 1], np.int8), SPEAKER_SEX.n_weights)
    network = BinaryNetwork(SPEAKER_SEX, signs)
    told("predicted", lambda: [network.logits(part.samples, 2) for part in parts])
    told("looked at", lambda: [firing_rates(network, part, 2) for part in parts])
    print(f"at most {peak() / size:.2f} bytes for a byte of features")
    assert peak() < MOST * size


def test_many_clips_take_little_more_memory_than_their_features(tmp_path: Path) -> None:
    write(tmp_path)
    command = [sys.executable, "-m", "tests.benchmarks.test_loading", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    print("\n" + done.stdout)
    assert done.returncode == 0, done.stderr


if __name__ == "__main__":
    use(Path(sys.argv[1]))
