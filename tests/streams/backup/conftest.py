"""The backends of the tables' laws, coroutines included."""

from tests.streams.tables.conftest import cluster, pytest_pyfunc_call, runner

__all__ = ["cluster", "pytest_pyfunc_call", "runner"]
