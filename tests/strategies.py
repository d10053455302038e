"""Random architectures, solutions and samples for property tests."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from hypothesis import strategies as st
from numpy.typing import NDArray

from evobin.network.architecture import WHOLE, Architecture, ConvBlock

WIDTHS = (1, 3, 63, 64, 65, 200)

seeds = st.integers(0, 2**32 - 1)


@st.composite
def architectures(
    draw: st.DrawFn,
    widths: tuple[int, ...] = (1, 2, 5, 63, 64, 65),
    max_kernel: int = 15,
    *,
    plain: bool = False,
) -> Architecture:
    """One to three blocks; widths around the word size, every kernel and pool allowed.

    Some have linear layers after a global max or after a fixed number of frames, some have more
    than two classes, and some have binary inputs; `plain` ones have none of these.
    """
    width, pool = st.sampled_from(widths), st.integers(1, 4)
    n_in, n_classes = draw(st.integers(1, 9)), draw(st.sampled_from((2,) if plain else (2, 3, 10)))
    kind = draw(st.sampled_from(("slides",) if plain else ("slides", "max", "fixed")))
    binary_inputs = not plain and draw(st.booleans())
    n_sliding = draw(st.integers(0, 3))
    sliding = [
        ConvBlock(draw(width), draw(st.integers(1, max_kernel)), draw(pool))
        for _ in range(n_sliding or (kind != "fixed"))
    ]
    n_linear = 0 if kind == "slides" else draw(st.integers(not sliding, 2))
    if kind == "max" and n_linear:
        sliding[-1] = replace(sliding[-1], pool=WHOLE)
    if kind != "fixed":
        linear = [ConvBlock(draw(width), 1) for _ in range(n_linear)]
        return Architecture(n_in, (*sliding, *linear), n_classes, None, binary_inputs)
    frames = draw(st.integers(1, max_kernel))
    linear = [ConvBlock(draw(width), 1 if place else frames) for place in range(n_linear)]
    for block in reversed(sliding):
        frames = frames * block.pool + block.kernel - 1
    return Architecture(n_in, (*sliding, *linear), n_classes, frames, binary_inputs)


def random_solution(architecture: Architecture, rng: np.random.Generator) -> NDArray[np.int8]:
    """Uniform signs."""
    return rng.choice(np.array([-1, 1], np.int8), architecture.n_weights)


def random_signs(rng: np.random.Generator, shape: tuple[int, ...]) -> NDArray[np.float32]:
    """Uniform signs as features."""
    return rng.choice(np.array([-1, 1], np.float32), shape)


def random_samples(
    architecture: Architecture, count: int, rng: np.random.Generator, *, halves: bool = True
) -> list[NDArray[Any]]:
    """Samples of different lengths, if they may; multiples of 1/2 plant zeros before a sign.

    Signs, where the inputs are binary.
    """
    samples = []
    for _ in range(count):
        t = architecture.frames or architecture.min_frames + int(rng.integers(0, 12))
        if architecture.binary_inputs:
            samples.append(random_signs(rng, (t, architecture.n_in)))
            continue
        sample = rng.normal(0.0, 1.5, (t, architecture.n_in))
        samples.append((np.round(2 * sample) / 2 if halves else sample).astype(np.float32))
    return samples


Table = list[tuple[str, list[Any]]]
"""Columns by name: of floats or of text, None for a missing one."""
_NUMBERS = st.one_of(
    st.integers(-8, 8).map(lambda number: number / 4),  # few: many samples share a value
    st.floats(-1e9, 1e9, width=32),
)
_TEXTS = st.sampled_from(["b", "a", "", "10", "9", "\u00e4 b"])


@st.composite
def tables(draw: st.DrawFn, most: int = 40) -> Table:
    """Up to five columns of up to `most` rows, some with missing cells."""
    n = draw(st.integers(2, most))
    names = draw(st.lists(st.text(max_size=3), min_size=1, max_size=5, unique=True))
    columns = []
    for name in names:
        cells = draw(st.sampled_from((_NUMBERS, _TEXTS)))
        cells = st.one_of(st.none(), cells) if draw(st.booleans()) else cells
        columns.append((name, draw(st.lists(cells, min_size=n, max_size=n))))
    return columns


def frame_of(table: Table) -> pd.DataFrame:
    """The same for pandas: floats in float64, and text in objects."""
    return pd.DataFrame(
        {
            name: pd.Series(cells, dtype=object if set(map(type, cells)) & {str} else np.float64)
            for name, cells in table
        }
    )
