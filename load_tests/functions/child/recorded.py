"""Functions of a module that is planned; one of them is not."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


def call() -> None:
    return


def call_of_three(first: object, second: object, third: object) -> object:
    return first or second or third


async def coroutine() -> None:
    return


def generator() -> Iterator[None]:
    while True:
        yield


def off_plan() -> None:
    return
