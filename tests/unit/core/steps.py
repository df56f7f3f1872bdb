"""Probed functions that leave a span and do nothing else."""

from __future__ import annotations

import asyncio

from scope import probe


@probe
def step() -> None:
    """Something that happens."""


@probe
async def stride() -> None:
    await asyncio.sleep(0)
    step()
