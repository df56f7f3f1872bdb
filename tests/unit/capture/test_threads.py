"""A thread of ours is a threading.Thread that works for the request which started it."""

from __future__ import annotations

import contextvars
import gc
import threading
import weakref

import pytest

from scope import Thread, current_request, probe, span
from tests.unit.core.inside import inside, outline

pytestmark = pytest.mark.usefixtures("no_integrations")

VARIABLE = contextvars.ContextVar("variable", default="unset")


@probe
def step() -> None:
    """Something that happens."""


def test_it_runs_in_a_copy_of_the_starters_context() -> None:
    seen: list[str] = []

    def work() -> None:
        seen.append(VARIABLE.get())
        VARIABLE.set("theirs")

    def start() -> None:
        VARIABLE.set("mine")
        thread = Thread(target=work)
        VARIABLE.set("at the start")
        thread.start()
        thread.join()
        seen.append(VARIABLE.get())

    contextvars.copy_context().run(start)
    assert seen == ["at the start", "at the start"]


def test_a_subclass_with_a_run_of_its_own_is_carried_too() -> None:
    class Worker(Thread):
        def run(self) -> None:
            step()

    def work() -> None:
        with span("starter"):
            worker = Worker()
            worker.start()
        worker.join()

    assert outline(inside(work)) == ["starter", "  step"]


def test_arguments_names_and_daemons_are_those_of_any_thread() -> None:
    seen: list[object] = []
    thread = Thread(
        target=lambda *args, **kwargs: seen.append((args, kwargs)), args=(1,), kwargs={"a": 2}, name="n", daemon=True
    )
    assert (thread.name, thread.daemon, thread.is_alive()) == ("n", True, False)
    thread.start()
    thread.join()
    assert seen == [((1,), {"a": 2})]
    assert not thread.is_alive()


def test_it_starts_once() -> None:
    thread = Thread(target=step)
    thread.start()
    thread.join()
    with pytest.raises(RuntimeError, match="only be started once"):
        thread.start()
    assert "run" not in vars(thread)


def test_run_without_start_is_a_plain_call() -> None:
    seen: list[object] = []

    def work() -> None:
        Thread(target=lambda: seen.append(current_request() is not None)).run()

    inside(work)
    assert seen == [True]


def test_an_exception_ends_as_in_any_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[type[BaseException]] = []
    monkeypatch.setattr(threading, "excepthook", lambda args: told.append(args.exc_type))

    def fail() -> None:
        raise KeyError

    thread = Thread(target=fail)
    thread.start()
    thread.join()
    assert told == [KeyError]


def test_a_thread_that_has_run_is_freed_at_once() -> None:
    gc.disable()
    try:
        thread = Thread(target=step)
        thread.start()
        thread.join()
        gone = weakref.ref(thread)
        del thread
        assert gone() is None
    finally:
        gc.enable()
