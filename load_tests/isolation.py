"""``python -m load_tests.isolation``: proves that concurrent requests keep their work apart.

Hundreds of requests run at the same time in one worker; they gather, spawn tasks, use threads, stream and work on in
the background, some are cancelled or left by their clients. Every piece of work is signed (see isolation_app.py). The
store is then searched for a signature in the wrong trace, and for work that hangs in the wrong place. Exit code 0 if
there is none.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import secrets
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from scope.store import Reader

from .processes import HOST, free_port, wait_until_logged
from .proof import Findings, tree_of
from .stack import STARTED, collector, isolated, serving

if TYPE_CHECKING:
    from collections.abc import Mapping

    from scope.model import Span, Trace

KINDS = ("tree", "cancelled", "stream", "left")


@dataclass(frozen=True, slots=True)
class Reply:
    """``paths`` are the pieces of work that the request reported; None where it could not know all."""

    id: str
    kind: str
    paths: frozenset[str] | None


def main(arguments: list[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    directory = options.directory or Path(tempfile.mkdtemp(prefix="scope-isolation-"))
    directory.mkdir(parents=True, exist_ok=True)
    replies = _run(directory, options.requests, options.seed)
    findings = Findings()
    with Reader(directory / "scope" / "store") as reader:
        pieces = check(reader, replies, findings)
    kinds = ", ".join(f"{sum(reply.kind == kind for reply in replies.values())} {kind}" for kind in KINDS)
    print(f"{len(replies)} requests at once ({kinds}), {pieces} signed pieces of work")
    print("\n".join(findings.lines()) or "each in its own trace, below its own parent")
    print(f"kept in {directory}", file=sys.stderr)
    return 1 if findings.counts else 0


def check(reader: Reader, replies: Mapping[str, Reply], findings: Findings) -> int:
    """Look at every stored request; how many pieces of work they hold."""
    pieces, seen = 0, set[str]()
    for row in reader.requests(limit=4 * len(replies) + 100):
        trace = reader.trace(row)
        if row.id in replies:
            seen.add(row.id)
            pieces += check_trace(trace, replies[row.id], findings)
        else:
            for span in signed(trace.root):
                findings.note("work outside its request", path_of(span))
    for missing in replies.keys() - seen:
        findings.note("not stored", missing)
    return pieces


def check_trace(trace: Trace, reply: Reply, findings: Findings) -> int:
    """Every signature in the trace is its own, and every piece of work hangs below the piece that began it."""
    if not trace.request.complete or trace.request.state != "done":
        findings.note(f"{reply.kind} request not whole", reply.id)
    for span in tree_of(trace.root):
        for name, value in span.attributes.items():
            if name.startswith("owner") and value != reply.id:
                findings.note("another request's annotation", f"{reply.id} has {name}={value!r}")
    paths = [path_of(span) for span in signed(trace.root)]
    if len(paths) != len(set(paths)):
        findings.note("a piece of work twice", reply.id)
    begun = {path for path in paths if not path.startswith("b")}
    if reply.paths is not None and begun != reply.paths:
        findings.note("other work than was reported", f"{reply.id}: {sorted(begun ^ reply.paths)[:5]}")
    if reply.kind in {"tree", "left"} and "b" not in paths:
        findings.note("no work in the background", reply.id)
    _check_parents(trace.root, None, reply.id, findings)
    return len(paths)


def signed(root: Span) -> list[Span]:
    """The pieces of work in a tree."""
    return [span for span in tree_of(root) if span.name == "work"]


def path_of(span: Span | None) -> str:
    """The path of a piece of work; empty for anything else."""
    return str(span.attributes.get("path", "")) if span is not None and span.name == "work" else ""


def _check_parents(span: Span, parent: Span | None, request_id: str, findings: Findings) -> None:
    path, above = path_of(span), path_of(parent)
    if path and (path.rpartition(".")[0] != above or parent is None or span.parent_id != parent.span_id):
        findings.note("a wrong parent", f"{request_id}: {path} below {above or 'the request'}")
    for child in span.children:
        _check_parents(child, span, request_id, findings)


def _run(directory: Path, count: int, seed: int) -> dict[str, Reply]:
    port = free_port()
    environment = isolated(directory)
    application = serving("app", "load_tests.isolation_app:app", port, directory, environment)
    with collector(directory, environment), application as child:
        wait_until_logged(child, STARTED, 1)
        return asyncio.run(_send_all(port, count, seed))


async def _send_all(port: int, count: int, seed: int) -> dict[str, Reply]:
    run = secrets.token_hex(4)
    chance = random.Random(seed)
    kinds = chance.choices(KINDS, (5, 3, 3, 1), k=count)
    requests = (_send(port, f"{run}-{number}", kind, seed + number) for number, kind in enumerate(kinds))
    replies = await asyncio.gather(*requests)
    await asyncio.sleep(0.5)  # work in the background outlives its answer
    return {reply.id: reply for reply in replies}


async def _send(port: int, request_id: str, kind: str, seed: int) -> Reply:
    reader, writer = await asyncio.open_connection(HOST, port)
    path = "tree" if kind == "left" else kind
    head = f"GET /{path}/{seed} HTTP/1.1\r\nhost: {HOST}\r\nx-request-id: {request_id}\r\nconnection: close\r\n\r\n"
    writer.write(head.encode())
    try:
        if kind == "left" or (kind == "stream" and seed % 2):
            await reader.read(1 if kind == "stream" else 0)
            await asyncio.sleep(0.005)
            return Reply(request_id, kind, None)
        body = (await reader.read()).partition(b"\r\n\r\n")[2]
        return Reply(request_id, kind, frozenset(json.loads(body)) if kind != "stream" else None)
    finally:
        writer.close()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m load_tests.isolation", description=__doc__)
    parser.add_argument("--requests", type=int, default=500, help="how many run at the same time (default %(default)s)")
    parser.add_argument("--seed", type=int, default=1, help="another seed, other work (default %(default)s)")
    parser.add_argument("--directory", type=Path, help="where everything is kept; default: a new one")
    return parser


if __name__ == "__main__":
    sys.exit(main())
