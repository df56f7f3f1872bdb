"""What tracing costs, measured against baselines in the same run: ``python -m load_tests.overhead``."""
