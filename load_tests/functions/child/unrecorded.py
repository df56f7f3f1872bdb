"""A function of a module that no Plan is about."""

from __future__ import annotations


def call() -> None:
    return
