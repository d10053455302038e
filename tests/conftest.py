"""Settings of the whole suite."""

from __future__ import annotations

import os
import warnings

from hypothesis import HealthCheck, settings

JIT = os.environ.get("NUMBA_DISABLE_JIT", "0") != "1"

settings.register_profile(
    "evobin",
    derandomize=True,
    deadline=None,  # the first example compiles
    max_examples=25 if JIT else 3,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("evobin")

if not JIT:
    # a popcount multiplies modulo 2^64, as it should; numpy scalars warn of it, machine code not
    warnings.filterwarnings("ignore", "overflow encountered", RuntimeWarning)
