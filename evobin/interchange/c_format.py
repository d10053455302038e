"""A network as one C99 file: `int predict(const float *x, int t)` and its packed weights."""

from __future__ import annotations

from functools import partial
from importlib import resources

import numpy as np
from jinja2 import Environment, StrictUndefined
from numpy.typing import NDArray

from evobin.network.architecture import WHOLE, Architecture, ConvBlock, Layer
from evobin.network.binary import BinaryNetwork, Signs
from evobin.network.packing import join_taps, pack, pack_filters

TILE = 24
"""Positions of the first layer that are summed together. With 8 features a table, 24 is as fast as
40 to 64 on an AVX-512 core (0.18 ms for 300 frames), on half their stack."""
MAX_FRAMES = 4096
"""The longest sample, where no length is fixed and no other EVOBIN_MAX_FRAMES compiled with."""
_COLUMNS = 100
_WORD = "#018x"


def encode(network: BinaryNetwork) -> bytes:
    """Writes the network as a C99 file that needs nothing else.

    It answers exactly what `BinaryNetwork.predict` answers for features in float32, whatever they
    are: the first layer decides a sign in float where rounding cannot matter, and by integers
    elsewhere. -1 stands for a sample that is too short, too long or not finite.

    Args:
        network: of any architecture.

    Returns:
        The file, ASCII. Its weights take a bit each, 16 bits more a bias of the binary layers, and
        what fills up bytes and words: 46.6 KB for the speaker-sex network.

    Example:
        >>> network = BinaryNetwork(Architecture(3, (ConvBlock(2, 1),)), np.ones(11))
        >>> encode(network).decode().splitlines()[3]
        ' *     int predict(const float *x, int t);'
    """
    architecture, signs = network.architecture, network.signs
    n_classes = architecture.n_classes
    first, *binary, head = architecture.layers
    block, weights = _first(network)
    tile = 1 if first.is_linear else TILE
    environment = Environment(
        trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True, undefined=StrictUndefined
    )
    template = resources.files(__package__).joinpath("network.c.j2").read_text("ascii")
    text = environment.from_string(template).render(
        fixed=architecture.frames is not None,
        joined=first.is_linear and architecture.min_frames > 1,
        labels="0 or 1" if n_classes == 2 else f"0 to {n_classes - 1}",
        n_logits=architecture.n_logits,
        MIN_FRAMES=architecture.min_frames,
        MAX_FRAMES=architecture.frames or MAX_FRAMES,
        STACK_KB=_stack_kb(architecture, block, tile),
        TILE=tile,
        WIDTH=architecture.n_in,
        N_IN=weights.shape[1],
        N_OUT=block.n_out,
        KERNEL=block.kernel,
        POOL=_pool(block),
        WIDEST=max(block.n_out for block in architecture.blocks),
        FIRST_WEIGHTS=_numbers(_octets(weights).transpose(1, 0, 2)),
        FIRST_BIAS=_numbers(_octets(first.bias(signs)[None])),
        layers=list(map(partial(_layer, signs), binary, architecture.blocks[1:])),
        HEAD_WEIGHTS=_numbers(pack(head.weights(signs)), _WORD),
        HEAD_FAN_IN=head.fan_in,
        HEAD_BIAS=", ".join(map(str, head.bias(signs).tolist())),
    )
    return text.encode("ascii")


def _first(network: BinaryNetwork) -> tuple[ConvBlock, Signs]:
    """The first block and its weights; a linear layer takes a sample for one frame, as it lies."""
    block, layer = network.architecture.blocks[0], network.architecture.layers[0]
    weights = layer.weights(network.signs)
    if not layer.is_linear:
        return block, weights
    return ConvBlock(block.n_out, 1), join_taps(weights)


def _pool(block: ConvBlock) -> int | str:
    """Frames of a pooling window; that of a global max is as long as any sample."""
    return "EVOBIN_MAX_FRAMES" if block.pool == WHOLE else block.pool


def _octets(signs: Signs) -> NDArray[np.uint8]:
    """Eight signs to a byte along the second axis, +1 as a set bit, the first one lowest."""
    return np.packbits(signs > 0, axis=1, bitorder="little")


def _layer(signs: Signs, layer: Layer, block: ConvBlock) -> dict[str, object]:
    """What the template says of a binary layer."""
    return {
        "name": layer.name.upper(),
        "sizes": f"{block.n_out}, {block.kernel}, {_pool(block)}",
        "weights": _numbers(pack_filters(layer.weights(signs)), _WORD),
        "limit": _numbers((layer.fan_in + layer.bias(signs).astype(np.int64) + 1) // 2),
    }


def _numbers(array: NDArray[np.integer], spec: str = "d") -> str:
    """The numbers of an array in C order, as many on a line as fit."""
    words = [f" {number:{spec}}," for number in array.ravel().tolist()]
    a_line = (_COLUMNS - 3) // max(map(len, words))
    lines = [words[first : first + a_line] for first in range(0, len(words), a_line)]
    return "\n".join("   " + "".join(line) for line in lines)


def _stack_kb(architecture: Architecture, block: ConvBlock, tile: int) -> int:
    """What the arrays of the C functions take, for the longest samples."""
    longest = architecture.frames or MAX_FRAMES
    widest = max(block.n_out for block in architecture.blocks)
    tables = (256 + 8) * (tile + block.kernel - 1) * 4
    signs = 2 * (1 if tile == 1 else block.frames_out(longest)) * -(-widest // 64) * 8
    return int(tables + block.n_out * tile * 4 + signs + widest * 8) // 1000 + 1
