"""A network as an ONNX model."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from evobin.data.encoder import TableEncoder
from evobin.extras import need
from evobin.kernels.encoding import ABOVE, EQUAL, MISSING
from evobin.network.architecture import WHOLE, Architecture, Layer
from evobin.network.binary import BinaryNetwork, Signs

OPSET = 18
"""The version of ONNX's operators that the model uses, of December 2022."""
_IR_VERSION = 8  # of the file format, from the same time


def encode(network: BinaryNetwork, encoder: TableEncoder | None = None) -> bytes:
    """Writes the network as an ONNX model.

    Its input is `features`, float32 [n, t, n_in], for any n and t (where the length is fixed, for
    that t, and [n, n_in] where it is 1); its outputs are `logit` and `label`, int64 [n]. Of more
    than two classes, the first one is `logits`, [n, n_classes]. Features must be finite.

    Binary sums are small integers, exact in float32. The first layer sums in float64, with the
    error that this brings: a sign can be wrong only where a sum is closer to 0 than 1.2e-16 times
    its fan-in times the sum of its terms' magnitudes. Features of few digits, as float16 or half
    integers, are summed without any rounding. Binary inputs are float32 all the same, -1 and +1,
    and the first layer is then as the others are, without any rounding.

    Args:
        network: of any architecture.
        encoder: of the network's inputs, for a network with binary inputs: `features` are then raw
            ones, in float32, which it makes signs of: what the encoder's `numbers` returns, with
            NaN for missing values.

    Returns:
        The file; weights take a byte each.

    Raises:
        EvobinError: if the package onnx is not installed.
        ValueError: if the encoder does not fit the network.
    """
    graph = _Graph(need("onnx", "onnx", "--format onnx"))
    architecture, signs = network.architecture, network.signs
    *layers, head = architecture.layers
    blocks = list(zip(architecture.blocks, layers, strict=True))
    if encoder is not None:
        encoder.check_fits(architecture)
        values = _channels(graph, architecture, _encoded(graph, encoder))
    elif architecture.binary_inputs:
        values = _channels(graph, architecture, "features")
    else:
        values = graph.pool(_first_signs(graph, layers[0], signs), architecture.blocks[0].pool)
        del blocks[0]
    for block, layer in blocks:
        weights, bias = graph.weights(layer.weights(signs)), graph.weights(layer.bias(signs))
        sums = graph.add("Conv", values, weights, bias)
        values = graph.pool(graph.signs(sums, np.float32), block.pool)
    hidden = graph.add("ReduceMax", values, graph.constant([2]), keepdims=0)
    matrix = head.weights(signs)[0] if architecture.n_logits == 1 else head.weights(signs).T
    products = graph.add("MatMul", hidden, graph.weights(matrix))
    logits = graph.add("Add", products, graph.weights(head.bias(signs)))
    if architecture.n_logits == 1:
        graph.cast(logits, np.int64, "logit")
        graph.cast(graph.add("Greater", "logit", graph.constant(0)), np.int64, "label")
    else:
        graph.cast(logits, np.int64, "logits")
        graph.add("ArgMax", logits, output="label", axis=1, keepdims=0, select_last_index=0)
    return graph.model(architecture, architecture.n_in if encoder is None else encoder.n_features)


def _encoded(graph: _Graph, encoder: TableEncoder) -> str:
    """[n, n_signs] or [n, t, n_signs] float32, the encoder's signs of `features`."""
    owners, kinds, _ = encoder.comparisons
    values = encoder.comparisons.narrow
    parts, places = [], []
    for kind, operator in ((ABOVE, "Greater"), (EQUAL, "Equal"), (MISSING, "IsNaN")):
        of_kind = np.flatnonzero(kinds == kind)
        if not len(of_kind):
            continue
        repeated = graph.add("Gather", "features", graph.constant(owners[of_kind]), axis=-1)
        compared = [] if kind == MISSING else [graph.constant(values[of_kind])]
        parts.append(graph.choose(graph.add(operator, repeated, *compared)))
        places.append(of_kind)
    if len(parts) == 1:
        return parts[0]
    order = graph.constant(np.argsort(np.concatenate(places)))
    return graph.add("Gather", graph.add("Concat", *parts, axis=-1), order, axis=-1)


def _channels(graph: _Graph, architecture: Architecture, inputs: str) -> str:
    """Inputs as [n, n_in, t]."""
    if architecture.frames == 1:
        return graph.add("Unsqueeze", inputs, graph.constant([2]))
    return graph.add("Transpose", inputs, perm=[0, 2, 1])


def _first_signs(graph: _Graph, layer: Layer, signs: Signs) -> str:
    """Signs of the first layer, [n, n_out, t]; few runtimes have a convolution in float64."""
    windows = graph.cast(_first_windows(graph, layer), np.float64)
    weights = layer.weights(signs).transpose(2, 1, 0).reshape(layer.fan_in, -1)
    sums = graph.add("MatMul", windows, graph.weights(weights, np.float64))
    sums = graph.add("Add", sums, graph.weights(layer.bias(signs), np.float64))
    found = graph.signs(sums, np.float64)
    if layer.is_linear:
        return graph.add("Unsqueeze", found, graph.constant([2]))
    return graph.add("Transpose", found, perm=[0, 2, 1])


def _first_windows(graph: _Graph, layer: Layer) -> str:
    """[n, t, kernel * n_in] what each position sees; [n, ...] where that is all of a sample."""
    if layer.is_linear:
        return graph.add("Flatten", "features", axis=1)
    kernel = layer.shape[2]
    axis, taps = graph.constant([1]), []
    for k in range(kernel):
        start = graph.constant([k])
        stop = graph.constant([k + 1 - kernel or np.iinfo(np.int64).max])  # from the end
        taps.append(graph.add("Slice", "features", start, stop, axis))
    return graph.add("Concat", *taps, axis=2)


class _Graph:
    """A model that is being written; nodes and constants are known by their results' names."""

    def __init__(self, onnx: Any) -> None:
        self._onnx = onnx
        self._nodes: list[Any] = []
        self._constants: list[Any] = []

    def add(self, kind: str, *inputs: str, output: str | None = None, **attributes: Any) -> str:
        """A node with one result."""
        output = output or f"{kind}_{len(self._nodes)}"
        self._nodes.append(self._onnx.helper.make_node(kind, inputs, [output], **attributes))
        return output

    def constant(self, value: ArrayLike) -> str:
        name = f"constant_{len(self._constants)}"
        self._constants.append(self._onnx.numpy_helper.from_array(np.asarray(value), name))
        return name

    def cast(self, values: str, dtype: Any, output: str | None = None) -> str:
        to = self._onnx.helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
        return self.add("Cast", values, output=output, to=to)

    def weights(self, signs: Signs, dtype: Any = np.float32) -> str:
        """Weights to calculate with, kept in the file as int8."""
        return self.cast(self.constant(np.ascontiguousarray(signs)), dtype)

    def signs(self, sums: str, dtype: Any) -> str:
        """+1 above 0, else -1, as float32."""
        return self.choose(self.add("Greater", sums, self.constant(dtype(0))))

    def choose(self, positive: str) -> str:
        """+1 where it is true, else -1, as float32."""
        plus, minus = self.constant(np.float32(1)), self.constant(np.float32(-1))
        return self.add("Where", positive, plus, minus)

    def pool(self, values: str, size: int) -> str:
        """Max-pooling over time in ceil mode."""
        if size == 1:
            return values
        if size == WHOLE:
            return self.add("ReduceMax", values, self.constant([2]), keepdims=1)
        return self.add("MaxPool", values, kernel_shape=[size], strides=[size], ceil_mode=1)

    def model(self, architecture: Architecture, n_features: int) -> bytes:
        """The file, checked."""
        onnx, helper = self._onnx, self._onnx.helper
        frames = [] if architecture.frames == 1 else [architecture.frames or "t"]
        shape = ["n", *frames, n_features]
        features = helper.make_tensor_value_info("features", onnx.TensorProto.FLOAT, shape)
        n_logits = architecture.n_logits
        outputs = {"logit": ["n"]} if n_logits == 1 else {"logits": ["n", n_logits]}
        values = [
            helper.make_tensor_value_info(name, onnx.TensorProto.INT64, sizes)
            for name, sizes in (outputs | {"label": ["n"]}).items()
        ]
        graph = helper.make_graph(self._nodes, "evobin", [features], values, self._constants)
        model = helper.make_model(
            graph,
            producer_name="evobin",
            ir_version=_IR_VERSION,
            opset_imports=[helper.make_opsetid("", OPSET)],
        )
        onnx.checker.check_model(model, full_check=True)
        data: bytes = model.SerializeToString(deterministic=True)
        return data
