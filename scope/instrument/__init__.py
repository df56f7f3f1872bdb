"""Tracing without a change to the code: how a program that was not prepared comes to trace itself."""
