"""How many ways lead through a function, and that a rule can ask for it."""

from __future__ import annotations

import ast
import textwrap

import pytest

from scope.instrument.complexity import complexity, own_nodes
from scope.instrument.plan import Plan, Rule
from scope.instrument.transform.candidates import chooser
from scope.instrument.transform.functions import chosen


def parsed(source: str) -> ast.Module:
    return ast.parse(textwrap.dedent(source))


@pytest.mark.parametrize(
    ("body", "ways"),
    [
        ("pass", 1),
        ("if a: b()", 2),
        ("if a and b or c: d()", 4),
        ("for x in y:\n  while z: pass", 3),
        ("try: a()\nexcept A: pass\nexcept B: pass", 3),
        ("return [x for x in y if x] if a else b", 3),
        ("match a:\n  case 1: pass\n  case _: pass", 3),
        ("def inner():\n  if a: pass", 1),
        ("class Inner:\n  if a: pass", 1),
        ("return lambda: 1 if a else 2", 1),
        ("@(a if b else c)\ndef inner(): pass", 2),
    ],
)
def test_branches_of_the_function_itself_are_counted(body: str, ways: int) -> None:
    function = parsed(f"async def f():\n{textwrap.indent(body, '    ')}").body[0]
    assert isinstance(function, ast.AsyncFunctionDef)
    assert complexity(own_nodes(function)) == ways


def test_a_rule_may_ask_for_functions_that_many_ways_lead_through() -> None:
    source = """
        def simple(): return [f()]
        def branching(a):
            if a: return 1
            return [x for x in a]
    """
    plan = Plan((Rule.parse("shop if complexity>=3"),))
    tree = parsed(source)
    assert [node.name for node, _ in chosen(tree, chooser(plan, "shop", "/srv/shop.py", source.encode()))] == [
        "branching"
    ]
