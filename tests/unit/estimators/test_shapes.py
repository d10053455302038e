from __future__ import annotations

from typing import Any

import pytest

from evobin.estimators.shapes import shape_of
from evobin.network.architecture import WHOLE, Architecture, ConvBlock


def test_hidden_layers_are_linear() -> None:
    shape = shape_of((8, 4), None, (5, 1), 3, binary=True)
    assert shape == Architecture(5, (ConvBlock(8, 1), ConvBlock(4, 1)), 3, 1, binary_inputs=True)


@pytest.mark.parametrize("frames", [40, None])
def test_the_last_convolution_ends_with_a_max_over_time(frames: int | None) -> None:
    conv = [(16, 5, 2), ConvBlock(8, 3, 2)]
    shape = shape_of((4,), conv, (5, frames), 2, binary=False)
    assert shape.blocks == (ConvBlock(16, 5, 2), ConvBlock(8, 3, WHOLE), ConvBlock(4, 1))
    assert shape.frames == frames
    assert shape.n_convolutions == 2 if frames else 3
    assert shape_of((), conv, (5, frames), 2, binary=False).blocks == shape.blocks[:2]


@pytest.mark.parametrize(
    ("conv", "message"),
    [
        ((), r"`conv` must be a sequence of convolutions, but it is \(\); name at least one by"),
        (5, "`conv` must be a sequence of convolutions, but it is 5"),
        ((16, 5), r"`conv\[0\]` must be filters, kernel and, if it has one, pool, .* it is 16"),
        (((16, 5), (16,)), r"`conv\[1\]` must be filters, .* but it is \(16,\)"),
        (((16, 5, 2, 1),), r"`conv\[0\]` must be filters"),
        (((16.0, 5),), r"`conv\[0\]` must be filters"),
        (((16, 0),), "`kernel` must be from 1"),
        (((16, 5, 9), (8, 3)), "`pool` must be from 1 to 4"),
    ],
)
def test_what_is_no_convolution_is_refused(conv: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        shape_of((4,), conv, (5, None), 2, binary=False)


def test_samples_that_are_too_short_for_the_convolutions_are_refused() -> None:
    with pytest.raises(ValueError, match="`frames` must be from 13 to 32767, but it is 12"):
        shape_of((4,), ((8, 5, 2), (8, 5)), (5, 12), 2, binary=False)
