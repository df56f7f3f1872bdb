"""A process that `scope run` started records the functions of its application."""

from __future__ import annotations

import asyncio
import importlib
import json
import logging
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from scope._core import set_steered
from scope.capture.process import process
from scope.config.probe_wishes import ProbeWish, write_probe_wishes
from scope.instrument.probing import Probing
from scope.instrument.transform.finder import ProbedLoader, ProbingFinder
from scope.testing import captured
from tests.support.waiting import PATIENCE_S, eventually
from tests.unit.core.inside import http, inside, outline, serve
from tests.unit.instrument.engines import ENGINES
from tests.unit.views.cli.conftest import clean_environment, run_scope

MAIN = """
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from shop.pricing import price, leaf

async def show(request):
    for _ in range(5000): leaf(1)
    return PlainTextResponse(str(price([1, 2])))

app = Starlette(routes=[Route("/price", show)])
"""
PRICING = """
def price(items):
    return sum(tax(item) for item in items)

def tax(item):
    return item * 2

def leaf(item):
    return len([item])
"""
ENTRY = """
import threading, time, urllib.request, uvicorn
{load}
server = uvicorn.Server(uvicorn.Config({app}, port=0, log_level="critical"))
thread = threading.Thread(target=server.run)
thread.start()
while not server.started:
    time.sleep(0.01)
port = server.servers[0].sockets[0].getsockname()[1]
print(urllib.request.urlopen(f"http://127.0.0.1:{{port}}/price").read().decode())
server.should_exit = True
thread.join()
"""


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """An application that nobody prepared."""
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop" / "__init__.py").write_text("")
    (tmp_path / "shop" / "main.py").write_text(MAIN)
    (tmp_path / "shop" / "pricing.py").write_text(PRICING)
    (tmp_path / "serve.py").write_text(ENTRY.format(load="", app='"shop.main:app"'))
    (tmp_path / "early.py").write_text(ENTRY.format(load="from shop.main import app", app="app"))
    return tmp_path


def names(shop: Path, entry: str, *options: str) -> dict[str, int]:
    """The functions that its one request called, with the number of recorded calls."""
    directory = shop / "session"
    command = [sys.executable, "-m", "scope", "--dir", str(directory), "run", *options, sys.executable, entry]
    ran = subprocess.run(command, env=clean_environment(), cwd=shop, capture_output=True, text=True, check=False)
    assert (ran.stdout, ran.returncode) == ("6\n", 0), ran.stderr
    (request,) = json.loads(run_scope(directory, "ls", "--json=id", "-f", "kind:http").stdout)
    spans = json.loads(run_scope(directory, "show", request["id"], "--json").stdout)["spans"]
    found = Counter(span["name"] for span in spans if span["kind"] == "function")
    return {**found, "held back": spans[0]["attributes"].get("scope.held_back_calls", 0)}


def test_the_functions_of_an_unprepared_application_are_recorded_within_bounds(shop: Path) -> None:
    """Its small function that calls nothing is left out, its hot one is held back, and the trace says so."""
    assert names(shop, "serve.py") == {"show": 1, "price": 1, "leaf": 1000, "held back": 4000}


def test_so_are_those_that_were_imported_before_the_server_was_there(shop: Path) -> None:
    assert names(shop, "early.py") == {"show": 1, "price": 1, "leaf": 1000, "held back": 4000}


def test_arguments_say_what_else_is_recorded_and_what_is_not(shop: Path) -> None:
    (shop / "plan").write_text("shop.pricing:tax\nshop.pricing:leaf=off\n")
    found = names(
        shop,
        "serve.py",
        "--plan",
        "plan",
        "--no-probe",
        "shop.pricing:price",
        "--probe",
        "starlette.responses:Response.render",
    )
    assert found == {"show": 1, "tax": 2, "Response.render": 1, "held back": 0}


def test_a_rule_that_is_none_is_an_error_before_anything_starts(shop: Path) -> None:
    ran = run_scope(shop / "session", "run", "--probe", "shop pricing", sys.executable, "serve.py")
    assert ran.returncode == 1
    assert b"'shop pricing' is no pattern of functions" in ran.stderr


def test_rules_that_cannot_be_read_leave_everything_as_it_is(caplog: pytest.LogCaptureFixture) -> None:
    before = sys.meta_path[:]
    process.configure({"probes": {"rules": ["shop=deep"]}})
    probing = Probing()
    probing.install()
    probing.found_application("shop.main:app")
    probing.catch_up()
    assert sys.meta_path == before
    assert "functions are not recorded: 'shop=deep': there is no level 'deep'" in caplog.text


def test_nothing_is_hooked_where_nothing_is_to_be_recorded() -> None:
    before = sys.meta_path[:]
    process.configure({"probes": {"own": False}})
    Probing().install()
    assert sys.meta_path == before


def test_catching_up_goes_on_without_modules_that_it_cannot_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "gone_module.py"
    path.write_text("def work(): return [print()]\n")
    monkeypatch.syspath_prepend(tmp_path)
    import gone_module  # type: ignore[import-not-found]

    assert not isinstance(gone_module.__loader__, ProbedLoader)
    path.unlink()
    process.configure({"probes": {"own": False, "rules": ["gone_module"]}})
    probing = Probing()
    before = sys.meta_path[:]
    try:
        probing.install()
        assert [type(finder) for finder in sys.meta_path if finder not in before] == [ProbingFinder]
        with caplog.at_level(logging.WARNING, "scope"):
            probing.catch_up()
            probing.catch_up()
    finally:
        probing.uninstall()
        sys.meta_path[:] = before
        del sys.modules["gone_module"]
    assert caplog.text.count("functions of gone_module are not recorded") == 1


@pytest.fixture(params=ENGINES)
def wished(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[tuple[Probing, Any, Any]]:
    """A process with a module that was imported as it is and one that was imported recorded, in part."""
    for name in ("plain_module", "planned_module"):
        (tmp_path / f"{name}.py").write_text("def work(x): return [print]\ndef other(x): return [work(x)]\n")
    monkeypatch.syspath_prepend(tmp_path)
    before = sys.meta_path[:]
    process.configure({"probes": {"own": False, "rules": ["planned_module:other"], "engine": request.param}})
    probing = Probing()
    probing.install()
    try:
        yield probing, importlib.import_module("plain_module"), importlib.import_module("planned_module")
    finally:
        probing.uninstall()
        set_steered(None)
        write_probe_wishes(process.config.probe_wishes_path, ())
        sys.meta_path[:] = before
        del sys.modules["plain_module"], sys.modules["planned_module"]


def wish(*rules: str) -> None:
    Path(process.config.dir).mkdir(parents=True, exist_ok=True)
    write_probe_wishes(process.config.probe_wishes_path, tuple(ProbeWish(rule, 2**62) for rule in rules))


@pytest.mark.usefixtures("no_integrations")
def test_what_is_asked_for_ends_in_time_though_no_collector_says_so(wished: tuple[Probing, Any, Any]) -> None:
    probing, plain, _ = wished

    def is_recorded() -> bool:
        return outline(inside(lambda: plain.other(1))) != []

    wish("plain_module:other")
    probing.grant()
    assert is_recorded()
    soon = ProbeWish("plain_module:other", time.time_ns() + 10**8)
    write_probe_wishes(process.config.probe_wishes_path, (soon, ProbeWish("plain_module:work=off", 2**62)))
    probing.grant()
    eventually(lambda: not is_recorded())


@pytest.mark.usefixtures("no_integrations")
def test_what_is_asked_for_in_some_requests_is_recorded_in_those(wished: tuple[Probing, Any, Any]) -> None:
    probing, plain, _ = wished

    def recorded(path: str) -> list[str]:
        with captured() as capture:
            asyncio.run(serve(lambda: plain.other(1), http(path=path)))
        return outline(capture.trace())

    wish("plain_module:other if route:/items/{id}", "plain_module:work if id:nobody")
    probing.grant()
    assert [recorded(path) for path in ("/items/1", "/things")] == [["other"], []]
    wish("plain_module:other if route:/things")
    probing.grant()
    assert [recorded(path) for path in ("/items/1", "/things")] == [[], ["other"]]


@pytest.mark.usefixtures("no_integrations")
def test_what_is_asked_for_is_recorded_until_it_is_not(wished: tuple[Probing, Any, Any]) -> None:
    probing, plain, planned = wished

    def calls() -> list[str]:
        return outline(inside(lambda: (plain.other(1), planned.other(1))))

    assert calls() == ["other"]
    for rules, expected in (
        (["plain_module:other"], ["other", "other"]),
        (["plain_module"], ["other", "  work", "other"]),
        (["planned_module"], ["other", "  work"]),
        (["planned_module=off"], []),
        (["nowhere"], ["other"]),
        (["plain_module", "planned_module"], ["other", "  work", "other", "  work"]),
        ([], ["other"]),
    ):
        wish(*rules)
        probing.grant()
        assert calls() == expected, rules


@pytest.mark.usefixtures("no_integrations")
def test_modules_whose_source_has_changed_keep_what_they_have(
    wished: tuple[Probing, Any, Any], caplog: pytest.LogCaptureFixture
) -> None:
    probing, plain, planned = wished
    for module in (plain, planned):
        Path(module.__file__).write_text("def work(x): return [0]\ndef other(x): return [1, work(x)]\n")
    wish("plain_module", "planned_module")
    probing.grant()
    assert outline(inside(lambda: (plain.other(1), planned.other(1)))) == ["other"]
    for name in ("functions of planned_module are not recorded", "not recorded: planned_module.other"):
        if f"{name}: its source has changed since it was imported" in caplog.text:
            break
    else:
        pytest.fail(caplog.text)
    assert "plain_module.work: its source has changed since it was imported" in caplog.text


FORKING = """
import os
from scope.instrument.plan import Condition
from scope.instrument.probing import probing
from scope.instrument.transform.conditions import conditions

with probing._lock, conditions._lock:
    child = os.fork()
    if not child:
        probing.grant()
        os._exit(conditions.number(Condition(id="x")))
_, status = os.waitpid(child, 0)
print(os.waitstatus_to_exitcode(status))
"""


def test_a_child_does_not_wait_for_locks_that_threads_of_its_parent_held() -> None:
    ran = subprocess.run(
        [sys.executable, "-c", FORKING], capture_output=True, text=True, check=True, timeout=PATIENCE_S
    )
    assert ran.stdout == "1\n"


def test_a_wish_that_is_no_rule_is_logged(wished: tuple[Probing, Any, Any], caplog: pytest.LogCaptureFixture) -> None:
    wish("no rule")
    wished[0].grant()
    assert "functions that were asked for are not recorded" in caplog.text


@pytest.mark.usefixtures("no_integrations")
def test_functions_that_are_called_too_often_lose_their_probes_and_get_them_back(
    wished: tuple[Probing, Any, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    probing, _, planned = wished
    wish("planned_module")
    taken_out: list[str] = []
    monkeypatch.setattr("scope.instrument.probing.functions_taken_out", lambda: taken_out)
    told: list[list[str]] = []
    monkeypatch.setattr("scope.instrument.probing.set_taken_out", lambda names: told.append(list(names)))
    for names, expected in (
        ([], ["other", "  work"]),
        (["planned_module.work"], ["other"]),
        (["planned_module.work", "planned_module.other"], []),
        (["planned_module.other"], ["work"]),
        ([], ["other", "  work"]),
    ):
        taken_out[:] = names
        probing.grant()
        assert outline(inside(lambda: planned.other(1))) == expected
        assert told[-1] == names


@pytest.mark.usefixtures("no_integrations")
def test_what_is_out_already_is_not_taken_out_again(
    wished: tuple[Probing, Any, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    probing, _, planned = wished
    wish()
    monkeypatch.setattr("scope.instrument.probing.functions_taken_out", lambda: ["planned_module.other"])
    probing.grant()
    code = planned.other.__code__
    probing.grant()
    assert planned.other.__code__ is code
    assert outline(inside(lambda: planned.other(1))) == []


def test_while_somebody_is_about_to_see_to_it_nobody_else_is_sent(
    wished: tuple[Probing, Any, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[object] = []
    wish()
    monkeypatch.setattr("threading.Thread.start", lambda _: started.append(None))
    for _ in range(5):
        wished[0]._steered()
    assert len(started) == 1
    wished[0].grant()
    wished[0]._steered()
    assert len(started) == 2
