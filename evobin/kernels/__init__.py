"""Numba kernels: free functions over plain arrays that trust their arguments."""
