"""What one write costs: ``python -m load_tests.writes``."""
