"""The encoders that may stand in front of a model's network; a new kind is added here alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from evobin.checks import check_choice
from evobin.core.samples import Dataset, Samples
from evobin.data.encoder import TableEncoder
from evobin.data.splits import Splits
from evobin.errors import EvobinError
from evobin.network.architecture import MAX_FAN_IN, Architecture, ConvBlock

Encoder = TableEncoder
"""Any of them. It has `feature_names`, `n_features`, `n_signs`, `numbers`, `signs`, `check_fits`,
and `to_plain`, whose "kind" says which it is."""

_KINDS: Mapping[str, type[Encoder]] = {"table": TableEncoder}


def encoder_of(plain: Mapping[str, Any]) -> Encoder:
    """The encoder that `to_plain` took apart.

    Raises:
        ValueError: if its kind is not known, or a value is out of range.
        EvobinError: if it is not whole.
    """
    kind = plain.get("kind")
    check_choice("kind", kind if isinstance(kind, str) else repr(kind), _KINDS)
    return _KINDS[str(kind)].from_plain(plain)


def inputs_of(architecture: Architecture, encoder: Encoder | None) -> Architecture:
    """A shape whose samples look as raw ones do; its layers mean nothing.

    Args:
        architecture: of the network.
        encoder: in front of it; without one, the network's own shape is that.

    Raises:
        EvobinError: if there are more than `MAX_FAN_IN` raw features.
        SettingError: if they are too many for a convolution over them.
    """
    if encoder is None:
        return architecture
    if architecture.frames != 1:  # each frame is encoded for itself
        return replace(architecture, n_in=encoder.n_features, binary_inputs=False)
    if encoder.n_features > MAX_FAN_IN:
        raise EvobinError(
            f"files must hold at most {MAX_FAN_IN:,} features a sample, but the model takes "
            f"{encoder.n_features:,}; use it in Python, with `evobin.load`."
        )
    block = (ConvBlock(1, 1),)
    return Architecture(encoder.n_features, block, architecture.n_classes, frames=1)


def encoded(samples: Samples, encoder: Encoder | None) -> Samples:
    """Raw samples as the network takes them; the same ones without an encoder.

    Args:
        samples: of frames that the encoder's `numbers` returns.
        encoder: in front of the network.
    """
    if encoder is None:
        return samples
    return Samples(encoder.signs(samples.frames), samples.starts)


def encoded_dataset(dataset: Dataset, encoder: Encoder | None) -> Dataset:
    """A labelled data set of raw samples, as the network takes it."""
    return replace(dataset, samples=encoded(dataset.samples, encoder))


def encoded_splits(splits: Splits, encoder: Encoder | None) -> Splits:
    """Splits of raw samples, as the network takes them."""
    return replace(
        splits,
        labelled=encoded_dataset(splits.labelled, encoder),
        test=None if splits.test is None else encoded_dataset(splits.test, encoder),
    )
