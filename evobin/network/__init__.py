"""Binary networks: their architecture as data, and the exact answer of one network."""

from evobin.architecture import (
    MAX_CLASSES,
    MAX_FAN_IN,
    MAX_FRAMES,
    SPEAKER_SEX,
    WHOLE,
    Architecture,
    ConvBlock,
    Layer,
)
from evobin.network.binary import Activations, BinaryNetwork, Signs
from evobin.network.packing import Bits, join_taps, pack, pack_filters, table_entries, unpack

__all__ = [
    "MAX_CLASSES",
    "MAX_FAN_IN",
    "MAX_FRAMES",
    "SPEAKER_SEX",
    "WHOLE",
    "Activations",
    "Architecture",
    "BinaryNetwork",
    "Bits",
    "ConvBlock",
    "Layer",
    "Signs",
    "join_taps",
    "pack",
    "pack_filters",
    "table_entries",
    "unpack",
]
