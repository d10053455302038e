"""How near the kernels are to the limits of the machine, on one core.

python -m tests.benchmarks.roofline

Prints a table: what was measured, the limit counted from instructions or bytes at speeds that
loops in the same process reach, and the share of it. Times are of the thread, the best of several
runs, in which other work on the machine shows least. With the real voices, clips are of those and
the network is trained on them for a few epochs; else both are random.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import tracemalloc
from collections.abc import Callable
from typing import Any

import numpy as np
from numba import njit
from threadpoolctl import threadpool_limits

from evobin.config import AugmentConfig, SteConfig
from evobin.core.samples import Samples
from evobin.kernels import flips, forward, machine
from evobin.kernels.first_layer import first_block
from evobin.kernels.forward import popcount
from evobin.kernels.lanes import LANES
from evobin.network.binary import BinaryNetwork
from evobin.network.flips.batch import Batch
from evobin.network.flips.state import NetworkFlipState
from evobin.network.packing import pack, pack_filters
from evobin.network.presets import SPEAKER_SEX
from evobin.problems.sampled_network import SampledNetworkProblem
from evobin.training.ste import Pretraining
from tests.benchmarks import test_flip_speed as speed
from tests.builders import run

FRAMES, SAMPLES, EPOCHS = 300, 1000, 6
CHILD = "--convolution"


@njit
def xor_count_add(words: Any, key: int, rounds: int) -> Any:
    """Population counts of words XOR a key, as fast as the processor does it."""
    machine.widen()
    total = np.uint64(0)
    for j in range(rounds):
        other = np.uint64(key + j)
        for i in range(len(words)):
            total += popcount(words[i] ^ other)
    return total


@njit
def read(words: Any) -> Any:
    """The sum of an array."""
    machine.widen()
    total = np.uint64(0)
    for i in range(len(words)):
        total += words[i]
    return total


def seconds(work: Callable[[], object], runs: int = 15) -> float:
    """The least time of the thread that some work takes, after a first run."""
    work()
    took = []
    for _ in range(runs):
        start = time.thread_time()
        work()
        took.append(time.thread_time() - start)
    return min(took)


def convolution() -> tuple[float, float]:
    """GMAC/s of the reference loop, and of a binary convolution 128 -> 128, kernel 9."""
    rng = np.random.default_rng(0)
    bits = pack(rng.choice(np.array([-1, 1], np.int8), (64 * 146, 128)))
    filters = pack_filters(rng.choice(np.array([-1, 1], np.int8), (128, 128, 9)))
    starts, to = np.arange(65) * 146, np.arange(65) * 69
    out, limit = np.empty((64 * 69, 2), np.uint64), np.full(128, 577, np.uint64)
    words = rng.integers(0, 2**62, 2048).astype(np.uint64)  # 16 KB, in the first cache

    def block() -> None:
        forward.binary_block(bits, starts, filters, limit, 2, out, to)

    best = [0.0, 0.0]
    for _ in range(3):  # in turn: the clock changes
        loop = 2048 * 64 * 3000 / seconds(lambda: xor_count_add(words, 5, 3000), 5) / 1e9
        best = [max(best[0], loop), max(best[1], 64 * 138 * 128 * 1152 / seconds(block, 5) / 1e9)]
    return best[0], best[1]


def convolution_on(name: str) -> tuple[float, float]:
    """The same in a process whose compiler takes the processor for another one."""
    environment = {**os.environ, "NUMBA_CPU_NAME": name, "NUMBA_CPU_FEATURES": ""}
    command = [sys.executable, "-m", "tests.benchmarks.roofline", CHILD]
    done = subprocess.run(command, env=environment, check=True, capture_output=True, text=True)
    loop, block = json.loads(done.stdout)
    return loop, block


def network_and_batch() -> tuple[str, Any, Batch]:
    """What they are, the signs of a network, and samples with labels."""
    rng = np.random.default_rng(0)
    if not speed.VOICES.exists():
        clips = [rng.normal(-5, 3, (FRAMES, 64)).astype(np.float32) for _ in range(SAMPLES)]
        labels = rng.integers(0, 2, SAMPLES).astype(np.int8)
        signs = rng.choice(np.array([-1, 1], np.int8), SPEAKER_SEX.n_weights)
        return "random clips and signs", signs, Batch(Samples.join(clips), labels)
    data = speed.voices()
    problem = SampledNetworkProblem(SPEAKER_SEX, data, data, AugmentConfig(), 200, 256, 2)
    trained = run(Pretraining(problem, SteConfig(starts=1, smooth=0, epochs=EPOCHS), 0))
    title = f"real voices, trained for {EPOCHS} epochs to {trained.score:.3f}"
    return title, trained.solution, speed.batch(SAMPLES)


def pytorch(signs: Any, samples: Samples) -> Callable[[], Any] | None:
    """The forward pass in PyTorch, where it is installed."""
    try:
        import torch
    except ImportError:
        return None
    from tests.benchmarks.torch_twin import binary_logits, parameters

    torch.set_num_threads(1)
    x = torch.tensor(samples.frames.reshape(len(samples), FRAMES, -1))
    weights = parameters(SPEAKER_SEX, signs.astype(np.float32), torch.float32)

    def logits() -> Any:
        with torch.no_grad():
            return binary_logits(SPEAKER_SEX, weights, x)

    return logits


class Table:
    """Rows that are printed as they come."""

    def __init__(self) -> None:
        print("| what | measured | limit | share | what bounds it |")
        print("| --- | --- | --- | --- | --- |")

    def row(
        self, what: str, measured: str, limit: str = "", share: float = 0, why: str = ""
    ) -> None:
        """Prints one."""
        of_it = f"{share:.0%}" if share else ""
        print(f"| {what} | {measured} | {limit} | {of_it} | {why} |", flush=True)


def forward_rows(table: Table, signs: Any, batch: Batch, steps: float) -> None:
    """The forward pass; `steps` a second is what the core does one a cycle."""
    network = BinaryNetwork(SPEAKER_SEX, signs)
    samples = Samples.join([batch.samples[i] for i in range(64)])
    whole = seconds(lambda: network.logits(samples)) / 64
    twin = pytorch(signs, samples)
    if twin is not None:
        ratio = seconds(twin, 5) / 64 / whole
        table.row("forward against PyTorch float32, one thread", f"{ratio:.1f} times")
    table.row("forward, t = 300", f"{1 / whole:,.0f} clips/s")
    first = SPEAKER_SEX.layers[0]
    out, to = np.empty((64 * 146, 2), np.uint64), np.arange(65) * 146
    taken = *network._windows, first.bias(network.signs), 2, out, to
    took = seconds(lambda: first_block(samples.frames, samples.starts, *taken)) / 64
    n_out, kernel, groups = network._windows[0].shape
    tiles = -(-(FRAMES - kernel + 1) // (LANES + 1 - kernel))
    rows = tiles * n_out * kernel * groups
    table.row(
        "first layer, a clip",
        f"{1e3 * took:.3f} ms",
        f"{1e3 * rows / 2 / steps:.3f} ms",
        rows / 2 / steps / took,
        f"instructions: {rows:,.0f} additions of 64 bytes, two a cycle, and an address for each",
    )


def flip_rows(table: Table, present: NetworkFlipState, bandwidth: float) -> None:
    """A flip, its score, and taking it back, by layer."""
    kernels: Any = flips
    inputs, follow = [0], kernels.follow

    def counted(*arguments: Any) -> int:
        inputs[0] += len(arguments[0])
        found: int = follow(*arguments)
        return found

    positions = sum(block.sums.shape[1] for block in present._blocks[:1])
    for layer, n in ((0, 60), (1, 200), (2, 1000)):
        indices = speed.some_flips(layer, n)

        def work(indices: list[int] = indices) -> None:
            for index in indices:
                present.flip(index)
                _ = present.score
                present.flip(index)

        inputs[0], kernels.follow = 0, counted
        work()
        kernels.follow, touched = follow, inputs[0] / n
        took = seconds(work, 5) / n
        size = touched * 9 * 128 + (8 * positions if layer == 0 else 0)
        share = size / bandwidth / took if layer < 2 else 0.0
        why = f"{size / 1e6:.1f} MB, {touched:,.0f} of its pieces scattered" if layer < 2 else ""
        limit = f"{bandwidth / size:,.0f}/s" if layer < 2 else ""
        table.row(f"conv{layer + 1} flip, {SAMPLES} clips", f"{1 / took:,.0f}/s", limit, share, why)


def training_row(table: Table) -> None:
    """A step of training, against PyTorch where it is installed."""
    from tests.benchmarks.test_training_speed import evobin_step, torch_step

    def wall(step: Callable[[], None]) -> float:
        step()
        took = []
        for _ in range(7):
            start = time.process_time()
            step()
            took.append(time.process_time() - start)
        return min(took)

    took = wall(evobin_step(1, smooth=False))
    try:
        ratio = f", {wall(torch_step(1, smooth=False)) / took:.1f} times PyTorch's"
    except ImportError:
        ratio = ""
    table.row("training, one thread", f"{32 / took:,.0f} clips/s{ratio}")


def main() -> None:
    """Prints the table."""
    print(f"{speed.processor()}, one core")
    signs: Any
    with threadpool_limits(1, user_api="blas"):
        what, signs, batch = network_and_batch()
        print(f"{what}\n")
        loop, block = convolution()
        words = np.ones(2**22, np.uint64)  # 32 MB
        bandwidth = words.nbytes / seconds(lambda: read(words))
        table = Table()
        table.row("XOR, population count, addition", f"{loop:,.0f} GMAC/s")
        table.row("reading 32 MB", f"{bandwidth / 1e9:.0f} GB/s")
        name, why = "binary convolution 128 -> 128, kernel 9", "instructions: the loop above"
        table.row(name, f"{block:,.0f} GMAC/s", f"{loop:,.0f} GMAC/s", block / loop, why)
        loop_2, block_2 = convolution_on("haswell")
        why = f"the same loop there; {block_2 / block:.2f} of the speed with AVX-512"
        limit = f"{loop_2:,.0f} GMAC/s"
        table.row("the same, AVX2 alone", f"{block_2:,.0f} GMAC/s", limit, block_2 / loop_2, why)
        forward_rows(table, signs, batch, loop * 1e9 * 1.5 / 512)
        build = seconds(lambda: NetworkFlipState(SPEAKER_SEX, signs, batch), 4)
        tracemalloc.start()
        present = NetworkFlipState(SPEAKER_SEX, signs, batch)
        held = tracemalloc.get_traced_memory()[0] / SAMPLES / 1e3
        tracemalloc.stop()
        table.row("building a state of 1,000 clips", f"{build:.2f} s; {held:.0f} KB a clip")
        present.warm_up()
        flip_rows(table, present, bandwidth)
        table.row("all 369,153 gains", f"{seconds(present.gains, 5):.2f} s")
        training_row(table)


if __name__ == "__main__":
    if CHILD in sys.argv:
        print(json.dumps(convolution()))
    else:
        main()
