"""The writing side of the store: only the collector loads it."""
