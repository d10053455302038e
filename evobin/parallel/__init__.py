"""Workers on one machine or many; the only package that knows joblib, dask and ray."""

from evobin.parallel.on_demand import WorkersOnDemand
from evobin.parallel.workers import Workers, one_blas_thread, worker_count

__all__ = ["Workers", "WorkersOnDemand", "one_blas_thread", "worker_count"]
