"""Settings of the whole suite."""

from __future__ import annotations

import os

import pytest
from hypothesis import HealthCheck, settings

JIT = os.environ.get("NUMBA_DISABLE_JIT", "0") != "1"

settings.register_profile(
    "evobin",
    derandomize=True,
    deadline=None,  # the first example compiles
    max_examples=25 if JIT else 2,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("evobin")


def pytest_configure(config: pytest.Config) -> None:
    """Without the JIT, numpy scalars warn of what is meant: popcounts multiply modulo 2^64."""
    if not JIT:
        config.addinivalue_line("filterwarnings", "ignore:overflow encountered:RuntimeWarning")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Without the JIT, leaves out what would take minutes."""
    if not JIT:
        skip = pytest.mark.skip(reason="takes minutes without the JIT")
        for item in items:
            if "needs_jit" in item.keywords:
                item.add_marker(skip)
