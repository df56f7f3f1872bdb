"""Each test is run with each engine, but for those of how code is transformed."""

from tests.unit.instrument.engines import engine, pytest_generate_tests

__all__ = ["engine", "pytest_generate_tests"]
