"""What recording functions costs, beside other tracers and profilers: ``python -m load_tests.functions``."""
