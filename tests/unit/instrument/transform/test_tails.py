"""A tracer sees a recorded function end where it ended before, wherever it does without a ``return``."""

from __future__ import annotations

import ast

import pytest

from scope.instrument.transform.tails import end_apart

from .twins import PLANS, seen, twins

ENDS = {
    "an if": """
        def work(a):
            if a:
                a()
        """,
    "branches": """
        def work(a):
            if a:
                if a > 1:
                    pass
                elif a > 2:
                    a
            else:
                pass
        """,
    "conditions": """
        def work(a):
            if a and a > 1:
                if a:
                    return 1
            elif a or b:
                return False
        b = None
        """,
    "a try": """
        def work(a):
            try:
                1 / a
            except ZeroDivisionError as error:
                str(error)
            except TypeError:
                if a:
                    pass
        """,
    "a try with an else": """
        def work(a):
            try:
                1 / a
            except ZeroDivisionError:
                pass
            else:
                if a > 1:
                    a
        """,
    "a finally": """
        def work(a):
            try:
                if a:
                    pass
            finally:
                str(a)
        """,
    "a for": """
        def work(a):
            for each in range(a):
                if each == 1:
                    break
            else:
                if a:
                    pass
        """,
    "a while": """
        def work(a):
            while a:
                a -= 1
                if a == 1:
                    break
        """,
    "a match": """
        def work(a):
            match a:
                case 0:
                    pass
                case 1:
                    if not a:
                        pass
        """,
    "a with": """
        import contextlib
        def work(a):
            with contextlib.suppress(ZeroDivisionError):
                if 1 / a:
                    pass
        """,
    "a generator": """
        def work(a):
            return list(steps(a))
        def steps(a):
            yield 1
            if a:
                yield 2
        """,
    "a docstring": '''
        def work(a):
            """Nothing else."""
        ''',
    "a generator that begins with a try": """
        def work(a):
            return list(steps(a))
        def steps(a):
            try:
                yield 1
            except ValueError:
                pass
        """,
}


@pytest.mark.parametrize("argument", [0, 1, 2, 3])
@pytest.mark.parametrize("level", PLANS)
@pytest.mark.parametrize("source", ENDS.values(), ids=ENDS)
def test_every_end_has_the_line_that_it_had(source: str, level: str, argument: int) -> None:
    plain, probed = twins(source, plan=PLANS[level])
    assert seen(lambda: probed.work(argument)) == seen(lambda: plain.work(argument))


def test_a_body_that_returns_or_raises_is_left() -> None:
    for text in ("return", "raise a", "pass\nreturn 1"):
        body = ast.parse(text).body
        before = len(body)
        end_apart(body)
        assert len(body) == before
