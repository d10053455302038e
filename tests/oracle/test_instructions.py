"""The same bytes, whatever instructions the processor has."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys

import numpy as np
import pytest

from evobin.core.samples import Samples
from evobin.network.architecture import Architecture, ConvBlock
from evobin.network.binary import BinaryNetwork
from evobin.network.flips.batch import Batch
from evobin.network.flips.state import NetworkFlipState
from tests.conftest import JIT


def answers() -> str:
    """A digest of logits, scores after flips, and gains of a network with 70 and 130 channels."""
    rng = np.random.default_rng(0)
    architecture = Architecture(7, (ConvBlock(70, 3, 2), ConvBlock(130, 3, 2), ConvBlock(64, 2)))
    signs = rng.choice(np.array([-1, 1], np.int8), architecture.n_weights)
    clips = [rng.normal(0, 3, (t, 7)).astype(np.float32) for t in (20, 33, 50, 21)]
    samples, labels = Samples.join(clips), np.array([0, 1, 1, 0], np.int8)
    state = NetworkFlipState(architecture, signs, Batch(samples, labels))
    scores = []
    for index in rng.integers(0, architecture.n_weights, 300).tolist():
        state.flip(index)
        scores.append(state.score)
    digest = hashlib.sha256(BinaryNetwork(architecture, signs).logits(samples).tobytes())
    digest.update(np.array(scores).tobytes())
    digest.update(state.gains().tobytes())
    return digest.hexdigest()


@pytest.mark.skipif(not JIT, reason="nothing is compiled")
@pytest.mark.parametrize(
    "setting",
    [
        {"NUMBA_CPU_NAME": "generic", "NUMBA_CPU_FEATURES": ""},
        pytest.param(
            {"NUMBA_CPU_NAME": "haswell", "NUMBA_CPU_FEATURES": ""}, marks=pytest.mark.slow
        ),
        {"NUMBA_DISABLE_JIT": "1"},
    ],
    ids=["generic", "AVX2", "no JIT"],
)
def test_any_processor_gives_the_same_bytes(setting: dict[str, str]) -> None:
    code = "from tests.oracle.test_instructions import answers; print(answers())"
    command = [sys.executable, "-c", code]
    done = subprocess.run(
        command, env={**os.environ, **setting}, check=True, capture_output=True, text=True
    )
    assert done.stdout.strip() == answers()
