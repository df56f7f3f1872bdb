"""The writers' own accounts, which outlive them."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from load_tests.soak.ledger import Ledger

if TYPE_CHECKING:
    from pathlib import Path


def test_what_is_begun_and_what_is_done_are_told_apart(tmp_path: Path) -> None:
    with Ledger(tmp_path) as ledger, ledger.pen() as pen:
        with pen.writes(4):
            for expected in range(3):
                with pen.carries() as number:
                    assert number == expected
            with pen.carries(), pen.writes(1):
                (account,) = Ledger.read(tmp_path)[os.getpid()]
                assert (account.carried_begun, account.carried_done) == (4, 3)
                assert (account.begun, account.done) == (4 + 4 + 1, 3)
        (account,) = Ledger.read(tmp_path)[os.getpid()]
        assert (account.carried_begun, account.carried_done, account.begun, account.done) == (4, 4, 9, 9)


def test_a_pen_that_is_given_back_goes_on_counting_under_the_same_number(tmp_path: Path) -> None:
    with Ledger(tmp_path) as ledger:
        with ledger.pen() as pen, pen.carries():
            first = pen.writer
        with ledger.pen() as pen, pen.carries() as number:
            assert (pen.writer, number) == (first, 1)
        with ledger.pen() as one, ledger.pen() as other:
            assert one.writer != other.writer


def test_an_account_is_there_after_its_process_was_killed(tmp_path: Path) -> None:
    if not (child := os.fork()):
        with Ledger(tmp_path) as ledger, ledger.pen() as pen, pen.carries():
            os.kill(os.getpid(), 9)
    os.waitpid(child, 0)
    (account,) = Ledger.read(tmp_path)[child]
    assert (account.carried_begun, account.carried_done, account.done) == (1, 0, 0)
