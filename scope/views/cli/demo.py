"""``scope demo``."""

from __future__ import annotations

import sys
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ...errors import ScopeError
from ..collector_status import is_running
from ..header import header_lines
from ..lines import Piece, line
from ..requests_table import short_id
from ..waterfall import waterfall_lines
from .hints import scope_command
from .invocation import Invocation, pass_invocation
from .routes import route_lines

if TYPE_CHECKING:
    from collections.abc import Iterator

    from load_tests.report import Report

    from ...config import Config
    from ...model import RequestSummary
    from ..lines import Line

_CHECKOUT = Path(__file__).resolve().parents[3]
_LIBRARIES = ("aiosqlite", "fastapi", "httpx", "sqlalchemy", "uvicorn")
_ALL = 1_000_000
_ROUTES = 12


@click.command()
@click.option("--seconds", type=click.FloatRange(0.1, 600), default=5.0, show_default=True, help="How long to use it.")
@pass_invocation
def command(invocation: Invocation, *, seconds: float) -> None:
    """Run the example shop traced, and look at it.

    Starts the shop with two workers and its payments service, lets visitors use it for a while, and shows the slowest
    request. It needs the source checkout, and the libraries of the shop.
    """
    _check_shop()
    config = invocation.config
    started_ns = invocation.now_ns()
    click.echo(f"Visitors use the example shop for {seconds:g} s: two workers, every request traced.", err=True)
    report = _use_shop(config, seconds)
    invocation.output.lines(_seen(invocation, report, started_ns))


def _check_shop() -> None:
    if not (_CHECKOUT / "example_app" / "main.py").is_file():
        raise ScopeError(
            "the example shop is in the source checkout only, not in the installed package: clone it and run make demo"
        )
    missing = [name for name in _LIBRARIES if find_spec(name) is None]
    if missing:
        raise ScopeError(f"the example shop needs {', '.join(missing)}: pip install -e '.[example]'")


def _use_shop(config: Config, seconds: float) -> Report:
    """Run the shop, let visitors in, and wait until all is stored."""
    if str(_CHECKOUT) not in sys.path:
        sys.path.insert(0, str(_CHECKOUT))
    from load_tests.processes import ChildError
    from load_tests.shop import run_mix
    from load_tests.stack import ADMIN_KEY, shop

    from ...config import prepare_dir

    directory = Path(config.dir, "demo")
    prepare_dir(config.dir)
    prepare_dir(directory)
    settings = {**config.environment(), "SCOPE_SERVICE": "shop", "SCOPE_COLLECTOR_AUTOSTART": "false"}
    try:
        with shop(directory, collect=not is_running(config), settings=settings) as stack:
            return run_mix(stack.base_url, seconds=seconds, admin_key=ADMIN_KEY)
    except ChildError as error:
        raise ScopeError(str(error)) from error


def _seen(invocation: Invocation, report: Report, started_ns: int) -> Iterator[Line]:
    """What became of the requests that were sent: the routes, the count, the slowest, and where to look further."""
    width, config = invocation.output.width, invocation.config
    sent = {sample.id for sample in report.samples}
    with invocation.open_store() as store:
        stored = [request for request in store.requests(since_ns=started_ns, limit=_ALL) if request.id in sent]
        if not stored:
            raise ScopeError(f"{len(sent)} requests were sent and none is stored; scope doctor may tell why")
        slowest = store.trace(max((request for request in stored if request.kind == "http"), key=_duration_ns))
        routes = store.routes(started_ns)
    yield from route_lines(routes[:_ROUTES], width)
    if len(routes) > _ROUTES:
        yield line(Piece(f"and {len(routes) - _ROUTES} more, which {scope_command(config)} routes shows", "dim"))
    complete = {request.id for request in stored if request.complete}
    yield ()
    yield line(
        Piece(f"{len(sent)} requests sent, {len({request.id for request in stored})} stored, "),
        f"{len(complete)} complete. The slowest:",
    )
    yield ()
    yield from header_lines(slowest, invocation.now_ns())
    yield ()
    yield from waterfall_lines(slowest, width=width)
    yield ()
    yield line(Piece("Look further:", "strong"))
    yield from _hints(scope_command(config), short_id(slowest.request))


def _hints(scope: str, reference: str) -> Iterator[Line]:
    commands = {
        f"{scope} show {reference}": "the same request as a tree, with what failed",
        f"{scope} ls --sort dur": "the slowest requests",
        f"{scope} ls -f 'status>=500 since:10m'": "those that failed",
        f"{scope} ls -f 'span:\"load reviews\" span.dur>5ms'": "product pages with a slow query",
        f"{scope} errors": "exceptions, by where they came from",
        f"{scope} doctor": "the health of it all",
    }
    width = max(map(len, commands))
    for command, purpose in commands.items():
        yield line(f"  {command:<{width}}  ", Piece(purpose, "dim"))


def _duration_ns(request: RequestSummary) -> int:
    return request.duration_ns
