"""Random architectures, solutions and clips for property tests."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray

from evobin.network import Architecture, ConvBlock

WIDTHS = (1, 3, 63, 64, 65, 200)

seeds = st.integers(0, 2**32 - 1)


@st.composite
def architectures(
    draw: st.DrawFn, widths: tuple[int, ...] = (1, 2, 5, 63, 64, 65), max_kernel: int = 15
) -> Architecture:
    """One to three blocks; widths around the word size, every kernel and pool allowed."""
    blocks = [
        ConvBlock(
            draw(st.sampled_from(widths)), draw(st.integers(1, max_kernel)), draw(st.integers(1, 4))
        )
        for _ in range(draw(st.integers(1, 3)))
    ]
    return Architecture(draw(st.integers(1, 9)), tuple(blocks))


def random_solution(architecture: Architecture, rng: np.random.Generator) -> NDArray[np.int8]:
    """Uniform signs."""
    return rng.choice(np.array([-1, 1], np.int8), architecture.n_weights)


def random_clips(
    architecture: Architecture, count: int, rng: np.random.Generator, *, halves: bool = True
) -> list[NDArray[Any]]:
    """Clips of different lengths; multiples of 1/2 plant exact zeros before a sign."""
    clips = []
    for _ in range(count):
        t = architecture.min_frames + int(rng.integers(0, 12))
        clip = rng.normal(0.0, 1.5, (t, architecture.n_in))
        clips.append((np.round(2 * clip) / 2 if halves else clip).astype(np.float32))
    return clips
