"""``python -m load_tests.million_client PORT FIRST COUNT FATES``: sends numbered requests, and notes the fate of each.

Servers die meanwhile, and connections with them; what was in flight there has no answer and is not sent again.
``FATES`` is a file of one byte per request of the whole run, shared by all clients and read while they run.
"""

from __future__ import annotations

import mmap
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

import uvloop

from .generator import AnswerError, generate, get
from .prices import path_of
from .processes import HOST

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .generator import Answer, Request

UNSENT: Final = 0
SENT: Final = 1
ANSWERED: Final = 2
"""With status 200 and the request's own id."""
WRONG: Final = 3

CONNECTIONS: Final = 24
DEPTH: Final = 2


def id_of(number: int) -> str:
    """The correlation id of a request."""
    return f"million-{number:07d}"


def main(arguments: list[str]) -> None:
    port, first, count = map(int, arguments[:3])
    with Path(arguments[3]).open("r+b") as file, mmap.mmap(file.fileno(), 0) as fates:
        waiting = requests(first, count, fates)
        while fates[first + count - 1] == UNSENT:
            uvloop.run(send(port, waiting, fates))


async def send(port: int, waiting: Iterator[Request], fates: mmap.mmap) -> None:
    """Send until all is sent; returns early where a connection could not be made or used."""

    def keep(answer: Answer) -> None:
        good = answer.status == 200 and answer.request_id == id_of(answer.number)
        fates[answer.number] = ANSWERED if good else WRONG

    try:
        await generate(HOST, port, waiting, connections=CONNECTIONS, depth=DEPTH, keep=keep)
    except (OSError, AnswerError) as error:
        print(f"again: {error}", file=sys.stderr)


def requests(first: int, count: int, fates: mmap.mmap) -> Iterator[Request]:
    for number in range(first, first + count):
        fates[number] = SENT
        yield get(number, path_of(number), id_of(number), HOST)


if __name__ == "__main__":
    main(sys.argv[1:])
