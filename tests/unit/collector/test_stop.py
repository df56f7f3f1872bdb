"""The request to stop, and the pauses that it ends."""

from __future__ import annotations

import os
import signal
import threading
import time

import pytest

from scope.collector.stop import Stop

LONG_S = 30.0


def test_a_signal_requests_it_and_ends_the_pause() -> None:
    with Stop() as stop:
        threading.Timer(0.05, os.kill, (os.getpid(), signal.SIGTERM)).start()
        began = time.monotonic()
        stop.pause(LONG_S)
        assert time.monotonic() - began < LONG_S / 2
        assert stop.requested
        stop.pause(LONG_S)
    assert time.monotonic() - began < LONG_S / 2


def test_a_second_signal_interrupts_as_usual() -> None:
    with Stop() as stop:
        os.kill(os.getpid(), signal.SIGINT)
        assert stop.requested
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)


def test_handlers_are_as_they_were_afterwards() -> None:
    before = signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)
    with Stop():
        assert signal.getsignal(signal.SIGTERM) != before[0]
    assert (signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)) == before


def test_any_thread_can_end_the_pause() -> None:
    with Stop() as stop:
        threading.Timer(0.05, stop.wake).start()
        began = time.monotonic()
        stop.pause(LONG_S)
        assert time.monotonic() - began < LONG_S / 2
        assert not stop.requested


def test_who_was_woken_however_often_pauses_again_soon() -> None:
    with Stop() as stop:
        for _ in range(100_000):
            stop.wake()
        began = time.monotonic()
        for _ in range(20):
            stop.pause(0.01)
        assert 0.01 <= time.monotonic() - began < LONG_S


def test_in_another_thread_it_leaves_the_signals_alone() -> None:
    before = signal.getsignal(signal.SIGTERM)
    seen: list[object] = []

    def work() -> None:
        with Stop():
            seen.append(signal.getsignal(signal.SIGTERM))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen == [before]
