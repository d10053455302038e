"""A network as one C99 file: `int predict(const float *x, int t)` and its packed weights.

It is C++11 as well, and has a header for those who call it.

Where inputs are binary, x is `const int8_t *`, and nothing in the file is a floating-point number.
With an encoder in front of them, x is float again, and only compared.
"""

from __future__ import annotations

import json
import re
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from importlib import resources
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evobin.data.columns import Column
from evobin.data.encoder import TableEncoder
from evobin.kernels.encoding import ABOVE
from evobin.lazy import jinja2
from evobin.network.architecture import WHOLE, Architecture, ConvBlock, Layer
from evobin.network.binary import BinaryNetwork, Signs
from evobin.network.packing import join_taps, pack, pack_filters

TILE = 24
"""Positions of the first layer that are summed together. With 8 features a table, 24 is as fast as
40 to 64 on an AVX-512 core (0.18 ms for 300 frames), on half their stack."""
MAX_FRAMES = 4096
"""The longest sample, where no length is fixed and no other EVOBIN_MAX_FRAMES compiled with."""
_COLUMNS = 100
_UNROLLED = 6  # words of a window that are counted together
_FRAMES = 300  # bytes of stack for all that is no array
_CODE_BINARY, _CODE_DENSE, _CODE_REAL = 1000, 1700, 2500  # bytes, measured on Cortex-M0 and -M4


def encode(network: BinaryNetwork, encoder: TableEncoder | None = None) -> bytes:
    """Writes the network as a C99 file that needs nothing else.

    It answers exactly what `BinaryNetwork.predict` answers for features in float32, whatever they
    are: the first layer decides a sign in float where rounding cannot matter, and by integers
    elsewhere. -1 stands for a sample that is too short, too long or not finite. Binary inputs are
    signs in int8, which the file packs; -1 then stands for another number, too.

    Args:
        network: of any architecture.
        encoder: of the network's inputs, frame by frame, for a network with binary inputs:
            `predict` then takes raw features, in float32, as the encoder's `numbers` returns them:
            a category is its place, NaN a missing value.

    Returns:
        The file, ASCII. Its weights take a bit each, 16 bits more a bias of the binary layers, and
        what fills up bytes and words: 46.6 KB for the speaker-sex network.

    Raises:
        ValueError: if the encoder does not fit the network.

    Example:
        >>> network = BinaryNetwork(Architecture(3, (ConvBlock(2, 1),)), np.ones(11))
        >>> encode(network).decode().splitlines()[3]
        ' *     int predict(const float *x, int t);'
    """
    return _render("network.c.j2", _context(network, encoder))


def encode_header(name: str, network: BinaryNetwork, encoder: TableEncoder | None = None) -> bytes:
    """Writes the header for the C file, for C99 and C++; the C file itself does without it.

    Args:
        name: what the file is called, without its ending; its constants are called after it.
        network: of any architecture.
        encoder: as for `encode`.

    Returns:
        The file, ASCII.

    Example:
        >>> network = BinaryNetwork(Architecture(3, (ConvBlock(2, 1),)), np.ones(11))
        >>> "#define EAR_FEATURES 3" in encode_header("ear", network).decode().splitlines()
        True
    """
    word = re.sub(r"[^A-Z0-9]+", "_", name.upper()).strip("_")
    word = word if word[:1].isalpha() else f"NETWORK_{word}"
    return _render("network.h.j2", _context(network, encoder) | {"NAME": word})


@dataclass(frozen=True)
class Sizes:
    """Bytes that a network takes on a device.

    Attributes:
        weights: weights, biases and thresholds, constant.
        code: about what the functions take, compiled by gcc 12 with -Os for ARM Cortex-M.
        stack: about what the arrays of the functions take, for the longest samples. There is no
            other memory.
    """

    weights: int
    code: int
    stack: int


def sizes(network: BinaryNetwork, encoder: TableEncoder | None = None) -> Sizes:
    """What the C file of a network takes.

    Raises:
        ValueError: if the encoder does not fit the network.
    """
    found: Sizes = _context(network, encoder)["size"]
    return found


def _context(network: BinaryNetwork, encoder: TableEncoder | None) -> dict[str, Any]:
    """What the templates are filled with; what is an array there is one in the file."""
    architecture, signs = network.architecture, network.signs
    n_classes, head = architecture.n_classes, architecture.layers[-1]
    context = (_sign_inputs if architecture.binary_inputs else _real_inputs)(network)
    context |= (
        {"encoder": False, "infinite": False, "columns": []}
        if encoder is None
        else _encoder(encoder, network)
    )
    context |= {
        "fixed": architecture.frames is not None,
        "joined": architecture.layers[0].is_linear and architecture.min_frames > 1,
        "labels": "0 or 1" if n_classes == 2 else f"0 to {n_classes - 1}",
        "n_labels": n_classes,
        "n_logits": architecture.n_logits,
        "unrolled": any(len(layer["weights"]) >= _UNROLLED for layer in context["layers"]),
        "MIN_FRAMES": architecture.min_frames,
        "MAX_FRAMES": _longest(architecture),
        "WIDEST": max(block.n_out for block in architecture.blocks),
        "HEAD_WEIGHTS": pack(head.weights(signs)),
        "HEAD_FAN_IN": head.fan_in,
        "HEAD_BIAS": head.bias(signs).astype(np.int32),
    }
    held = sum(map(_held, [context, *context["layers"]]))
    stack = -(-context["STACK"] // 100) * 100
    return context | {"size": Sizes(held, context["CODE"], stack)}


def _held(part: dict[str, Any]) -> int:
    return sum(value.nbytes for value in part.values() if isinstance(value, np.ndarray))


def _render(template: str, context: dict[str, Any]) -> bytes:
    environment = jinja2.Environment(
        loader=jinja2.FunctionLoader(_template),
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        undefined=jinja2.StrictUndefined,
    )
    environment.filters["numbers"] = _numbers
    return environment.get_template(template).render(context).encode("ascii")


def _template(name: str) -> str:
    return resources.files(__package__).joinpath(name).read_text("ascii")


def _real_inputs(network: BinaryNetwork) -> dict[str, Any]:
    """What the template says where the first layer is on real features."""
    architecture, signs = network.architecture, network.signs
    first, *binary, _ = architecture.layers
    block, weights = _first(network)
    tile = 1 if first.is_linear else TILE
    return {
        "binary": False,
        "INPUT": "float",
        "WIDTH": architecture.n_in,
        "UNFIT": "not finite",
        "STACK": _stack(architecture, block, tile),
        "CODE": _CODE_DENSE if tile == 1 else _CODE_REAL,
        "TILE": tile,
        "N_IN": weights.shape[1],
        "N_OUT": block.n_out,
        "KERNEL": block.kernel,
        "POOL": _pool(block),
        "FIRST_WEIGHTS": _octets(weights).transpose(1, 0, 2),
        "FIRST_BIAS": _octets(first.bias(signs)[None]),
        "layers": list(map(partial(_layer, signs), binary, architecture.blocks[1:])),
    }


def _sign_inputs(network: BinaryNetwork) -> dict[str, Any]:
    """What the template says where it is on signs, as the other layers are."""
    architecture, signs = network.architecture, network.signs
    first, *others, _ = architecture.layers
    block, weights = _first(network)
    n_in = weights.shape[1]
    layer = _layer(signs, first, block) | {"weights": pack_filters(weights)}
    return {
        "binary": True,
        "INPUT": "int8_t",
        "WIDTH": architecture.n_in,
        "UNFIT": "neither -1 nor +1",
        "STACK": _stack_of_signs(architecture, n_in),
        "CODE": _CODE_BINARY,
        "N_IN": n_in,
        "layers": [layer, *map(partial(_layer, signs), others, architecture.blocks[1:])],
    }


def _encoder(encoder: TableEncoder, network: BinaryNetwork) -> dict[str, Any]:
    """The same where the signs are those of an encoder."""
    architecture = network.architecture
    encoder.check_fits(architecture)
    comparisons = encoder.comparisons
    values, mixed = comparisons.narrow, bool((comparisons.kinds != ABOVE).any())
    return {
        "encoder": True,
        "WIDTH": encoder.n_features,
        "UNFIT": "infinite, or missing\n * where that is not said" if mixed else "not finite",
        "over_time": architecture.frames != 1,
        "N_SIGNS": encoder.n_signs,
        "STACK": _stack_of_signs(
            architecture, _first(network)[1].shape[1], encoder.n_signs * _longest(architecture)
        ),
        "columns": _listed(encoder.columns_),
        "mixed": mixed,
        "KINDS": comparisons.kinds if mixed else None,
        "VALUES": values,
        "infinite": bool(np.isinf(values).any()),
        "SIGNS_OF": encoder.starts.astype(np.uint32),
    }


def _listed(columns: Sequence[Column]) -> list[str]:
    """Lines of a comment that says what each column holds, where there is more to say than that."""
    if all((one.name, one.categories, one.has_missing) == (None, None, False) for one in columns):
        return []
    lines = []
    for place, column in enumerate(columns):
        name = "" if column.name is None else f" {_quoted(column.name)}"
        lines += textwrap.wrap(
            f"x[{place}]{name}: {_described(column)}",
            _COLUMNS - 8,
            subsequent_indent="    ",
            break_long_words=False,
            break_on_hyphens=False,
        )
    return lines


def _described(column: Column) -> str:
    """What a column holds, in words."""
    if not column.n_signs:
        return "is not looked at"
    missing = "; NaN if it is missing" if column.has_missing else ""
    if column.categories is None:
        return f"a number{missing}"
    named = (f"{place} {_quoted(text)}" for place, text in enumerate(column.categories))
    return f"{', '.join(named)}, -1 any other{missing}"


def _quoted(text: str) -> str:
    """A text in ASCII that neither ends a comment nor begins one."""
    return json.dumps(text).replace("*/", r"*\/").replace("/*", r"/\u002a")


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


def _layer(signs: Signs, layer: Layer, block: ConvBlock) -> dict[str, Any]:
    """What the template says of a binary layer."""
    return {
        "name": layer.name.upper(),
        "sizes": f"{block.n_out}, {block.kernel}, {_pool(block)}",
        "weights": pack_filters(layer.weights(signs)),
        "limit": ((layer.fan_in + layer.bias(signs).astype(np.int64) + 1) // 2).astype(np.uint16),
    }


def _numbers(array: NDArray[Any]) -> str:
    """The numbers of an array in C order, as many on a line as fit."""
    words = [f" {_constant(number)}," for number in array.ravel()]
    a_line = (_COLUMNS - 3) // max(map(len, words))
    lines = [words[first : first + a_line] for first in range(0, len(words), a_line)]
    return "\n".join("   " + "".join(line) for line in lines)


def _constant(number: Any) -> str:
    """A number as C and C++ read it, exactly: nine digits tell all of float32 apart."""
    if isinstance(number, np.uint64):
        return f"{number:#018x}"
    if not isinstance(number, np.float32):
        return str(number)
    if np.isinf(number):
        return "-INFINITY"
    text = f"{number:.9g}"
    return text + ("f" if set(".e") & set(text) else ".0f")


def _longest(architecture: Architecture) -> int:
    """Frames of the longest samples."""
    return architecture.frames or MAX_FRAMES


def _stack(architecture: Architecture, block: ConvBlock, tile: int) -> int:
    """What the arrays of the C functions take, for the longest samples."""
    widest = max(block.n_out for block in architecture.blocks)
    tables = (256 + 8) * (tile + block.kernel - 1) * 4
    signs = (
        2 * (1 if tile == 1 else block.frames_out(_longest(architecture))) * -(-widest // 64) * 8
    )
    return _FRAMES + int(tables + block.n_out * tile * 4 + signs + widest * 8)


def _stack_of_signs(architecture: Architecture, n_in: int, n_encoded: int = 0) -> int:
    """The same where inputs are binary; `n_in` features, of all frames where these are joined."""
    rows = 1 if architecture.layers[0].is_linear else _longest(architecture)
    widest = max(block.n_out for block in architecture.blocks)
    return _FRAMES + 2 * rows * -(-max(n_in, widest) // 64) * 8 + widest * 8 + n_encoded
