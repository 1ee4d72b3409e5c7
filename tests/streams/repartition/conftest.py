"""One event loop a test, and the catalogue of the simulations."""

from tests.simulation.conftest import catalog
from tests.streams.tables.conftest import pytest_pyfunc_call, runner

__all__ = ["catalog", "pytest_pyfunc_call", "runner"]
