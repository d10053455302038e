"""The PyTorch twin has no doctests and cannot be imported without PyTorch."""

collect_ignore = ["torch_twin.py"]
