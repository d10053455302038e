"""Speed and size of the exported C file, on one core.

python -m pytest -m benchmark -s tests/benchmarks/test_interchange_speed.py
"""

from __future__ import annotations

import ctypes
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from evobin.core.samples import Samples
from evobin.interchange import c_format
from evobin.network.binary import BinaryNetwork
from tests.builders import GOLDEN_RESULT
from tests.exported import CompiledC, gcc

pytestmark = pytest.mark.benchmark
FAST = ("-O3", "-march=native")
SAMPLES, FRAMES = 64, 300


def test_the_c_file_takes_at_most_one_and_a_half_times_as_long_as_the_kernels(
    tmp_path: Path,
) -> None:
    network = BinaryNetwork.load(GOLDEN_RESULT)
    rng = np.random.default_rng(0)
    samples = Samples.join(
        [rng.normal(-5, 3, (FRAMES, 64)).astype(np.float32) for _ in range(SAMPLES)]
    )
    predict = CompiledC(network, tmp_path, *FAST).predict
    calls: dict[str, Callable[[], list[int]]] = {
        "C": lambda: [predict(samples[i]) for i in range(SAMPLES)],
        "evobin": lambda: network.predict(samples).tolist(),
    }
    assert calls["C"]() == calls["evobin"]()
    took: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(31):
        for name, call in calls.items():
            start = time.perf_counter()
            call()
            took[name].append((time.perf_counter() - start) / SAMPLES)
    c, evobin = (np.array(took[name]) * 1e3 for name in ("C", "evobin"))
    ratio = float(np.median(c / evobin))
    print(
        f"\na clip of {FRAMES} frames, median: C {np.median(c):.2f} ms, evobin "
        f"{np.median(evobin):.2f} ms, ratio {ratio:.2f}"
    )
    assert ratio <= 1.5


def test_the_weights_take_at_most_60_kb(tmp_path: Path) -> None:
    (tmp_path / "network.c").write_bytes(c_format.encode(BinaryNetwork.load(GOLDEN_RESULT)))
    code = (tmp_path / "network.c").read_text()
    names = [line.split("[")[0].split()[-1] for line in code.splitlines() if "[] = {" in line]
    sizes = ", ".join(f"sizeof {name}" for name in names)
    ask = f"const int sizes[] = {{{sizes}}}; const int count = {len(names)};"
    (tmp_path / "sizes.c").write_text(f'#include "network.c"\n{ask}\n')
    library = tmp_path / "sizes.so"
    assert gcc(*FAST, "-shared", "-fPIC", tmp_path / "sizes.c", "-o", library).returncode == 0
    loaded = ctypes.CDLL(str(library))
    count = ctypes.c_int.in_dll(loaded, "count").value
    each = list((ctypes.c_int * count).in_dll(loaded, "sizes"))
    print(f"\nconstants: {dict(zip(names, each, strict=True))}, {sum(each):,} bytes")
    assert sum(each) <= 60_000
