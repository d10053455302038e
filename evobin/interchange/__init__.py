"""Networks for other programs, and from them: PyTorch, ONNX, C."""
