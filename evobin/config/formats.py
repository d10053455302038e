"""What a network can be exported as."""

from __future__ import annotations

from typing import Literal

Format = Literal["torch", "onnx", "c"]
"""A PyTorch state dict, an ONNX model, a C file."""
